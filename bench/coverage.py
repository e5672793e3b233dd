"""How often intervals hold the truth, and how often a comparison of equals finds a difference.

Simulated speakers (or calls, or clips) of unlike quality, with utterances of 3 to 39 words: designs
are groups x utterances a group. Nominal: 95 % coverage, 5 % false positives; with fewer than five
groups nothing can be promised of word error rates. ``python bench/coverage.py [--rounds N]`` prints
the table of docs/scoring.md; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from earmark.scoring import intervals
from earmark.scoring.comparison import compare

DESIGNS = (
    *((groups, 1) for groups in (2, 3, 5, 10, 20, 50, 100, 300, 1000)),
    (6, 457), (11, 130), (20, 50), (100, 20),
)  # fmt: skip
SHARES = (0.02, 0.1, 0.5, 0.9, 0.98)
WER, BETWEEN, WITHIN, ALIKE = 0.12, 0.5, 0.8, 0.1


def speakers(groups: int, each: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Words and expected errors of each utterance: an array of groups x utterances."""
    words = chance.integers(3, 40, (groups, each))
    level = WER * np.exp(BETWEEN * chance.standard_normal((groups, 1)) - BETWEEN**2 / 2)
    return words, words * level


def heard(expected: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Errors of each utterance: more spread out than by Poisson, as hard utterances are."""
    hardness = chance.gamma(1 / WITHIN**2, WITHIN**2, expected.shape)
    return chance.poisson(expected * hardness)


def rounds(design: tuple[int, int], count: int, chance: np.random.Generator) -> Iterator[dict]:
    """One simulated evaluation after another: what held and what was found."""
    groups, each = design
    size = groups * each
    units = intervals.Units(np.repeat(np.arange(groups), each).tolist(), size)
    for _ in range(count):
        words, expected = speakers(groups, each, chance)
        a, b = heard(expected, chance), heard(expected, chance)
        # A second system that is as good on the whole, and unlike the first on each speaker.
        taste = np.exp(0.2 * chance.standard_normal((groups, 2)) - 0.02)
        one, other = (heard(expected * taste[:, k : k + 1], chance) for k in (0, 1))
        against = compare(one.ravel(), other.ravel(), words.ravel(), units)
        found = {"wer": _held(intervals.ratio(a.ravel(), words.ravel(), units), WER)}
        found["equal"] = _false(compare(a.ravel(), b.ravel(), words.ravel(), units).p < 0.05)
        found["taste"] = _false(against.p < 0.05)
        ends = against.interval.ends
        found["t_interval"] = None if ends is None else _false(not ends[0] <= 0 <= ends[1])
        for share in SHARES:
            scale = (1 - ALIKE) / ALIKE
            level = chance.beta(share * scale, (1 - share) * scale, groups) if each > 1 else share
            hits = chance.binomial(1, np.broadcast_to(np.reshape(level, (-1, 1)), (groups, each)))
            made = intervals.share(hits.ravel(), np.ones(size), units)
            found[f"share {share}"] = _held(made, share)
        yield found


def _held(made: intervals.Interval, truth: float) -> float | None:
    return None if made.ends is None else 100.0 * (made.ends[0] <= truth <= made.ends[1])


def _false(positive: bool) -> float:
    return 100.0 * positive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    count = parser.parse_args().rounds
    columns = ("wer", *(f"share {share}" for share in SHARES), "equal", "taste", "t_interval")
    print("| groups x utterances | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    worst = {"coverage": 100.0, "false_positives": 0.0}
    for design in DESIGNS:
        chance = np.random.default_rng([20040517, *design])
        table = list(rounds(design, count, chance))
        means = {}
        for column in columns:
            known = [row[column] for row in table if row[column] is not None]
            means[column] = float(np.mean(known)) if known else float("nan")
        print(
            f"| {design[0]} x {design[1]} | "
            + " | ".join(f"{means[c]:.1f}" for c in columns)
            + " |"
        )
        if design[0] >= 5:
            held = min(means[c] for c in columns if c == "wer" or c.startswith("share"))
            wrong = max(means[c] for c in ("equal", "taste", "t_interval"))
            worst["coverage"] = min(worst["coverage"], held)
            worst["false_positives"] = max(worst["false_positives"], wrong)
    print(json.dumps({"rounds": count, **{k: round(v, 1) for k, v in worst.items()}}))


if __name__ == "__main__":
    main()
