"""The blocks that papers and NeMo-Skills print, one a subset."""

from typing import Any

from earmark.scoring.measures import measure_type, rate_units

_BEFORE = ("avg_tokens", "gen_seconds", "success_rate", "no_answer", "wer")
_AFTER = ("num_entries",)
_COUNTED = ("substitutions", "insertions", "deletions", "ref_words")
"""What NeMo-Skills has printed since April 2026; here below the published columns."""
_JUDGED = (
    *("avg_overall", "avg_correctness", "avg_relevance", "avg_completeness", "avg_clarity"),
    *("good_response_rate", "poor_response_rate", "reference_score", "judge_score"),
)
_NOTED = ("success_rate", "avg_overall", "reference_score", "judge_score")


def _columns(modes: dict[str, Any]) -> list[str]:
    """The published columns; where there are more protocols, the rate of each beside ``wer``.

    MMAU-Pro's are those that are there: which of them depends on the category.
    """
    if any("num_correct" in values for values in modes.values()):
        there = list(dict.fromkeys(name for values in modes.values() for name in values))
        excluded = [name for name in there if _is_count(name, modes)]
        return [*_BEFORE[:-1], *(name for name in _JUDGED if name in there), *excluded, *_AFTER]
    if scored := next((one["scoring"] for one in modes.values() if one.get("scoring")), None):
        return [*_BEFORE[:-1], *_rates(scored, next(iter(modes.values()))), *_AFTER]
    by_characters = any("unit" in values for values in modes.values())
    before = [*_BEFORE[:-1], "cer" if by_characters else "wer"]
    others = {
        f"wer_{name}": None
        for values in modes.values()
        for name in list(values.get("protocols", ()))[1:]
    }
    return [*before, *others, *_AFTER]


def _rates(scoring: str, values: dict[str, Any]) -> list[str]:
    """The rates of a measure that are there."""
    return [rate.name for rate in measure_type(scoring).rates if rate.name in values]


def _is_count(name: str, modes: dict[str, Any]) -> bool:
    """Whether a figure counts the samples that could not be scored for one reason."""
    if name in (*_BEFORE, *_JUDGED, "busy_seconds") or name.startswith(("num_", "reference_")):
        return False
    return any(isinstance(values.get(name), int) for values in modes.values())


def _value(values: dict[str, Any], name: str) -> Any:
    """A figure as it is printed: NeMo-Skills' whole is the mean of its sets' two-decimal rates."""
    if name == "wer" and str(values.get("protocol")).startswith("nemo_skills"):
        return values.get("wer_macro_splits", values.get("wer"))
    return values.get(name)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "n/a"
    if (unit := rate_units().get(name)) is not None:
        return f"{value:.2f}" + "%" * (unit == "percent")
    in_percent = name in ("no_answer", "reference_score", "judge_score") or (
        name.endswith("_rate") or (name.startswith(("wer", "cer", "avg_")) and name != "avg_tokens")
    )
    return f"{value:.2f}%" if in_percent else f"{value:.0f}"


def printed(metrics: dict[str, Any]) -> str:
    """The blocks that papers and NeMo-Skills print, one a subset, then what the rates rest on."""
    blocks = []
    for subset, modes in metrics.items():
        columns = _columns(modes)
        lines = [["evaluation_mode", *columns]]
        for mode, values in modes.items():
            lines.append([mode, *(_cell(name, _value(values, name)) for name in columns)])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        rows = [
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        title = f" {subset} ".center(len(rows[0]), "-")
        notes = [
            f"label: {label}" for label in {v.get("label"): 0 for v in modes.values()} if label
        ]
        notes += _protocol_notes(next(iter(modes.values()), {}))
        blocks.append("\n".join([title, *(row.rstrip() for row in rows), *notes]))
    return "\n\n".join(blocks)


def _protocol_notes(values: dict[str, Any]) -> list[str]:
    """One line a protocol: its rates with their intervals, and its version."""
    notes = []
    if "num_correct" in values:
        shown = [_noted(values, name) for name in _NOTED if values.get(f"{name}_ci")]
        notes += [", ".join(shown)] if shown else []
    if values.get("scoring"):
        names = _rates(values["scoring"], values)
        notes.append(", ".join(_noted(values, name) for name in names))
    for name, block in values.get("protocols", {}).items():
        rates = [f"wer {_with_interval(block, 'wer')}"]
        if "wer_macro_splits" in block:
            rates = [
                f"wer micro {_with_interval(block, 'wer_micro')}",
                f"macro {_with_interval(block, 'wer_macro_splits')}",
            ]
        rates.append(f"cer {_with_interval(block, 'cer')}")
        rates += [f"{key} {block[key]}" for key in _COUNTED if key in block]
        notes.append(f"{name}: {', '.join(rates)} ({block['version']})")
    return notes


def _noted(values: dict[str, Any], name: str) -> str:
    return f"{name} {_with_interval(values, name)}"


def _with_interval(block: dict[str, Any], rate: str) -> str:
    text = _cell(rate, block.get(rate))
    bounds = block.get(f"{rate}_ci")
    return text if bounds is None else f"{text} [{bounds[0]:.2f}, {bounds[1]:.2f}]"
