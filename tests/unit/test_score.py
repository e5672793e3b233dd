"""A split's score."""

from __future__ import annotations

import json

import pytest

from earmark.config import resolve
from earmark.errors import EarmarkError
from earmark.scoring.printed import printed
from earmark.scoring.score import aggregate, check_scoring, score


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def answer(name, text):
    return {
        "id": name, "generation": text, "error": None, "finish_reason": "stop",
        "num_generated_tokens": 3, "generation_start_time": 1.0, "generation_end_time": 2.0,
    }  # fmt: skip


def scored(tmp_path, pairs):
    manifest = write(
        tmp_path / "manifest.jsonl",
        [{"id": str(i), "text": ref, "duration": 1.0} for i, (ref, _) in enumerate(pairs)],
    )
    predictions = write(
        tmp_path / "predictions.jsonl", [answer(str(i), hyp) for i, (_, hyp) in enumerate(pairs)]
    )
    score(
        "b-s", manifest, predictions,
        str(tmp_path / "scores.jsonl"), str(tmp_path / "metrics.json"),
    )  # fmt: skip
    metrics = json.loads((tmp_path / "metrics.json").read_text())["pass@1"]
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    return metrics, rows


def test_edits_are_counted_over_all_reference_words(tmp_path):
    metrics, rows = scored(
        tmp_path,
        [
            ("The cat sat down.", "the cat sat down"),  # 4 hits
            ("A red house", "a blue house again"),  # 1 substitution, 1 insertion
            ("one more thing to say", "more thing say"),  # 2 deletions
        ],
    )
    counts = [metrics[k] for k in ("substitutions", "deletions", "insertions", "ref_words")]
    assert counts == [1, 2, 1, 12]
    assert metrics["wer"] == pytest.approx(100 * 4 / 12)
    assert len(rows) == 3


def test_an_empty_answer_counts_as_one_word_and_as_no_answer(tmp_path):
    metrics, _ = scored(tmp_path, [("hello there", ""), ("good day", "good day")])
    assert metrics["no_answer"] == 50
    assert metrics["substitutions"] + metrics["deletions"] == 2
    assert metrics["success_rate"] == 50


def test_predictions_of_other_samples_are_refused(tmp_path):
    manifest = write(tmp_path / "m.jsonl", [{"id": "a", "text": "x"}, {"id": "b", "text": "y"}])
    swapped = write(tmp_path / "p.jsonl", [answer("b", "y"), answer("a", "x")])
    out = str(tmp_path / "s.jsonl"), str(tmp_path / "m.json")
    with pytest.raises(EarmarkError, match="line 1: the prediction is of 'b'.*has 'a' there"):
        score("b-s", manifest, swapped, *out)
    short = write(tmp_path / "p.jsonl", [answer("a", "x")])
    with pytest.raises(EarmarkError, match="1 predictions for the 2 rows"):
        score("b-s", manifest, short, *out)


def test_the_row_of_a_sample_holds_the_normalized_pair_and_its_edits(tmp_path):
    _, rows = scored(tmp_path, [("The wi-fi is Erik's colour", "the wifi was Eric colour now")])
    (row,) = rows
    assert row["reference"] == "the wi fi is erik is color"
    assert row["hypothesis"] == "the wifi was eric color now"
    other = row["protocols"]["open_asr_leaderboard"]
    assert other["reference"] == "the wifi is eric s color"
    assert [edit[0] for edit in row["edits"]].count("insert") == row["insertions"]
    for operation, at, hyp_at, ref, hyp in row["edits"]:
        assert operation in ("replace", "delete", "insert")
        assert row["reference"].split()[at : at + len(ref.split())] == ref.split()
        assert row["hypothesis"].split()[hyp_at : hyp_at + len(hyp.split())] == hyp.split()


def test_what_is_counted_is_recorded_with_how(tmp_path):
    metrics, _ = scored(tmp_path, [("hello there", "hello here"), ("good day", "good day")])
    assert metrics["protocol"] == "whisper"
    assert metrics["postprocess"] == "none"
    assert set(metrics["protocols"]) == {"whisper", "open_asr_leaderboard"}
    assert metrics["wer"] == metrics["wer_open_asr_leaderboard"] == 25
    assert metrics["wer_ci"] is None and "tell nothing" in metrics["wer_ci_why"]
    assert metrics["intervals"]["unit"] == "utterance"
    assert metrics["cer"] == pytest.approx(100 * 1 / 19)
    assert metrics["audio_seconds"] == 2
    assert metrics["rtfx_wall"] == 2
    assert metrics["rtfx_request"] == 1
    assert metrics["latency"]["p50"] == 1
    assert metrics["by_duration"]["0-2s"]["wer"] == 25


def test_the_leaderboard_drops_segments_without_reference(tmp_path):
    pairs = [("uh", "yes"), ("Ignore time segment in scoring.", "x"), ("good day", "good day")]
    metrics, rows = scored(tmp_path, pairs)
    block = metrics["protocols"]["open_asr_leaderboard"]
    assert (block["scored"], block["skipped"], block["ref_words"]) == (1, 2, 2)
    assert [row["protocols"]["open_asr_leaderboard"]["scored"] for row in rows] == [
        False, False, True,
    ]  # fmt: skip
    assert metrics["protocols"]["whisper"]["scored"] == 3


def test_postprocessing_is_an_option_that_goes_on_record(tmp_path):
    manifest = write(tmp_path / "m.jsonl", [{"id": "a", "text": "the cat sat", "duration": 2.0}])
    chatty = write(tmp_path / "p.jsonl", [answer("a", 'The audio says: "The cat sat."')])
    found = {}
    for name in ("none", "chatty"):
        out = tmp_path / f"{name}.json"
        score("b-s", manifest, chatty, str(tmp_path / "s.jsonl"), str(out), postprocess=name)
        found[name] = json.loads(out.read_text())["pass@1"]
    assert found["none"]["insertions"] == 3
    assert found["chatty"]["wer"] == 0
    assert found["chatty"]["postprocess"] == "chatty"


def test_rows_without_what_scoring_needs_are_named_and_nothing_is_written(tmp_path):
    manifest = write(tmp_path / "m.jsonl", [{"id": "a", "text": "x"}, {"id": "b", "text": None}])
    answers = write(tmp_path / "p.jsonl", [answer("a", "x"), answer("b", "y")])
    out = tmp_path / "s.jsonl", tmp_path / "m.json"
    with pytest.raises(EarmarkError, match=r"m.jsonl, row 2 \('b'\): 'text' must be a text"):
        score("b-s", manifest, answers, *map(str, out))
    assert not any(path.exists() for path in out)
    with pytest.raises(EarmarkError, match="empty; there is nothing to score"):
        score("b-s", write(tmp_path / "e.jsonl", []), answers, *map(str, out))


def test_the_code_hash_follows_the_content_of_scoring_modules_and_tables(tmp_path, monkeypatch):
    import shutil

    from earmark.scoring import score as module

    copy = tmp_path / "earmark"
    shutil.copytree(module._PACKAGES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = module.code_hash()
    monkeypatch.setattr(module, "_PACKAGES", copy)
    assert module.code_hash() == before
    (copy / "inference/infer.py").write_text("# another way to ask\n")
    assert module.code_hash() == before
    text = copy / "scoring" / "text"
    for path in (copy / "scoring/word_errors.py", text / "names.tsv", text / "numbers.py"):
        path.write_text(path.read_text() + "\n")
        assert module.code_hash() != before
        before = module.code_hash()


def test_several_seeds_give_the_mean_the_best_and_the_majority(tmp_path):
    manifest = write(
        tmp_path / "m.jsonl", [{"id": "a", "text": "one cat"}, {"id": "b", "text": "x y"}]
    )
    heard = [("one cat", "x z"), ("One bat", "x z"), ("one bat.", "x y")]
    files = [
        write(tmp_path / f"p{n}.jsonl", [answer("a", first), answer("b", second)])
        for n, (first, second) in enumerate(heard)
    ]
    out = tmp_path / "s.jsonl", tmp_path / "s.metrics.json"
    score("b-s", manifest, files, *map(str, out), label="first 2 rows")
    found = json.loads(out[1].read_text())
    assert [key for key in found if "@" in key] == ["pass@1[avg-of-3]", "pass@3", "majority@3"]
    assert found["pass@1[avg-of-3]"]["wer"] == pytest.approx(100 * 4 / 12)
    assert found["pass@1[avg-of-3]"]["num_entries"] == 2
    # Several answers to an utterance are a group.
    assert found["pass@1[avg-of-3]"]["intervals"]["groups"] == 2
    assert found["pass@3"]["wer"] == 0
    assert found["majority@3"]["wer"] == 50
    rows = [json.loads(line) for line in out[0].read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", "b"]
    assert [seed["wer"] for seed in rows[0]["seeds"]] == [0, 50, 50]
    aggregate("b", [str(out[1])], str(tmp_path / "all.json"))
    total = json.loads((tmp_path / "all.json").read_text())
    assert total["b"]["majority@3"]["wer"] == 50
    assert total["b"]["pass@3"]["label"] == total["b-s"]["pass@3"]["label"] == "first 2 rows"
    assert "label: first 2 rows" in printed(total)


def test_a_split_scored_as_english_whose_letters_are_not_is_labelled(tmp_path):
    scored(tmp_path, [("दिल्ली की सड़कें", "दिली का सड़क"), ("मैं", "मैं")])
    assert "declare the language" in json.loads((tmp_path / "metrics.json").read_text())["label"]
    scored(tmp_path, [("A café", "a cafe"), *[("good day", "good day")] * 3])
    assert json.loads((tmp_path / "metrics.json").read_text())["label"] is None


def test_splits_without_a_protocol_in_common_are_told_before_anything_is_asked(tmp_path, clone):
    manifest = write(tmp_path / "m.jsonl", [{"audio_filepath": "a.wav", "text": "a"}])
    given = {"source": {"type": "local", "manifest": manifest}}
    (tmp_path / "b.yaml").write_text(json.dumps({"splits": {
        "de": {"language": "de", "protocols": ["basic"], **given},
        "en": {"protocols": ["whisper", "basic"], **given},
        "us": {"protocols": ["whisper"], **given},
    }}))  # fmt: skip
    models = {"m": {"server": "openai", "model": "m"}}
    chosen = {"benchmarks": {"b": {"file": str(tmp_path / "b.yaml")}}, "models": models}
    splits = resolve(chosen, clone).splits
    check_scoring(splits[:2])
    with pytest.raises(EarmarkError, match="split us: protocols: .* before have basic"):
        check_scoring(splits)
