"""Declared benchmarks resolve, and recordings in chunks are scored whole.

tests/workflow/test_benchmarks.py runs each of them.
"""

from __future__ import annotations

from pathlib import Path

from hub_sets import clip

from earmark.config import resolve
from earmark.files import read_json, read_jsonl, write_jsonl
from earmark.scoring.declared import check_manifest
from earmark.scoring.score import aggregate, check_scoring, score

MODEL = {"m": {"server": "demo", "model": "m"}}


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
