"""Benchmarks of the field as declared: prepared from sets in their real schema, answered, scored."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hub_sets import clip, parquet

from earmark.config import resolve
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.scoring.declared import check_manifest
from earmark.scoring.score import aggregate, check_scoring, score

AUDIO = ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
TEXTS = {
    "de": "Er kam um 3 Uhr.",
    "ja_jp": "東京 へ 行く。",
    "ko_kr": "서울에 갑니다",
    "en": "He came home.",
}
MONSOON = ("id", "language", "text", "speaker_id", "gender", "native_state", "device_model")

MODEL = {"m": {"server": "demo", "model": "m"}}


def set_of(columns, texts, folder):
    """A set's one Parquet file and its README, each row with a clip and with unlike values."""
    schema = pa.schema([AUDIO, *((name, pa.string()) for name in columns)])
    rows = [
        {
            "audio": {"bytes": clip(number), "path": f"{number}.flac"},
            **{name: f"{name}-{number}" for name in columns},
            "text" if "text" in columns else "transcription": text,
        }
        for number, text in enumerate(texts)
    ]
    path = f"{folder}test-00000-of-00001.parquet"
    config = folder.strip("/") or "default"
    readme = f"---\nconfigs:\n- config_name: {config}\n  data_files:\n  - split: test\n"
    readme += f"    path: {path}\n---\n"
    return {path: parquet(rows, schema), "README.md": readme.encode()}


def scored(tmp_path, split, home, heard):
    """The benchmark's numbers when that split is answered so."""
    answers = [
        {"id": one["id"], "generation": text, "error": None, "num_generated_tokens": 1,
         "generation_start_time": 0.0, "generation_end_time": 1.0}
        for one, text in zip(read_jsonl(home / "manifest.jsonl"), heard, strict=True)
    ]  # fmt: skip
    write_jsonl(tmp_path / "p.jsonl", answers)
    metrics = str(tmp_path / "s.metrics.json")
    score(
        "b-s", str(home / "manifest.jsonl"), str(tmp_path / "p.jsonl"),
        str(tmp_path / "s.jsonl"), metrics, split.protocols, **split.units,
    )  # fmt: skip
    aggregate("b", [metrics], str(tmp_path / "m.json"))
    return read_json(tmp_path / "m.json")["b"]["pass@1"]


@pytest.mark.parametrize(
    ("benchmark", "split", "columns", "text", "unit"),
    [
        ("open-asr-leaderboard-multilingual", "de_mcv", ("file_name", "text"), TEXTS["de"], None),
        ("open-asr-leaderboard", "monsoon_en_in", MONSOON, TEXTS["en"], None),
        ("open-asr-leaderboard-longform", "earnings21", ("file_name", "text"), TEXTS["en"], None),
        ("open-asr-leaderboard-longform", "coraal_atl", ("id", "text"), TEXTS["en"], None),
        ("fleurs", "ja_jp", ("id", "gender", "transcription"), TEXTS["ja_jp"], "character"),
        ("fleurs", "ko_kr", ("id", "gender", "transcription"), TEXTS["ko_kr"], "character"),
    ],
)
def test_a_declared_set_is_prepared_and_scored(
    hub, prepare, clone, tmp_path, benchmark, split, columns, text, unit
):
    run = resolve({"benchmarks": {benchmark: None}, "models": MODEL}, clone)
    check_scoring(run.splits)
    chosen = run.benchmarks[benchmark][split]
    named = chosen.source.config
    commit = hub.commit(
        chosen.source.repo, set_of(columns, [text] * 3, f"{named}/" if named else "")
    )
    if chosen.source.revision != "main":
        hub.repos[chosen.source.repo].branches[chosen.source.revision] = commit
    home = prepare(chosen)
    heard = [
        row["text"] + " x" * (not n) for n, row in enumerate(read_jsonl(home / "manifest.jsonl"))
    ]
    whole = scored(tmp_path, chosen, home, heard)
    assert (len(heard), whole["insertions"] > 0) == (3, True)
    assert whole["protocols"][chosen.protocols[0]].get("unit") == unit
    assert whole["wer_macro_splits"] == pytest.approx(whole["wer"], abs=0.005)


def test_chunks_of_calls_get_their_transcripts_from_elsewhere_and_are_scored_a_call(
    hub, prepare, clone, tmp_path
):
    run = resolve({"benchmarks": {"open-asr-leaderboard": None}, "models": MODEL}, clone)
    split = run.benchmarks["open-asr-leaderboard"]["earnings22_cleaned"]
    table = "file_name,parent_id,chunk_index\n" + "".join(
        f"{call}_{place}.flac,{call},{place}\n" for call in "ab" for place in (1, 0)
    )
    clips = {f"audio/{call}_{n}.flac": clip(n) for call in "ab" for n in (0, 1)}
    block = (
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: {}\n---\n"
    )
    hub.commit(
        split.source.repo,
        {
            "metadata.csv": table.encode(),
            "README.md": block.format("metadata.csv").encode(),
            **clips,
        },
    )
    whole = "id,text\na,red blue green\nb,good bye\n"
    hub.commit(
        split.source.references.repo,
        {"test.csv": whole.encode(), "README.md": block.format("test.csv").encode()},
    )
    home = prepare(split)
    entries = list(read_jsonl(home / "manifest.jsonl"))
    heard = {"a_0.flac": "red", "a_1.flac": "blue green", "b_0.flac": "", "b_1.flac": "bye"}
    found = scored(tmp_path, split, home, [heard[one["id"]] for one in entries])
    assert (len(entries), found["ref_words"], found["deletions"]) == (4, 5, 1)
    cut = {"benchmarks": {"open-asr-leaderboard": {"limit": 3}}, "models": MODEL}
    split = resolve(cut, clone).benchmarks["open-asr-leaderboard"]["earnings22_cleaned"]
    home = prepare(split)
    check_manifest(split, str(home / "manifest.jsonl"))
    entries = list(read_jsonl(home / "manifest.jsonl"))
    found = scored(tmp_path, split, home, [heard[one["id"]] for one in entries])
    assert (len(entries), found["ref_words"], found["wer"]) == (2, 3, 0)  # the first call alone


def test_every_declaration_resolves_and_can_be_scored(clone):
    for path in sorted(Path(clone, "config", "benchmarks").glob("*.yaml")):
        config = {
            "benchmarks": {path.stem: None},
            "models": {"m": {"server": "demo", "model": "m"}},
        }
        check_scoring(resolve(config, clone).splits)
