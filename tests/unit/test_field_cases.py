"""Result files as people have them: each kind that was scored wrongly somewhere, and what is right."""

import json

import pytest

from earmark.cli import main
from earmark.errors import EarmarkError
from earmark.scoring.pairs import samples_of
from earmark.scoring.samples import Sample
from earmark.scoring.sessions import joined
from earmark.scoring.text import protocol

SAID = "please send the report before noon on friday"
HEARD = "Please send the report before noon on Friday."


def wer(tmp_path, capsys, rows, *options):
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    assert main(["wer", "--json", *options, str(path)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "written",
    [
        "<think>\nIt is about a report. Let me see.\n</think>\n{}",
        "<think>\n\n</think>\n\n{}",
        "<think>level > 3 so [noise] is low</think>{}",
        "It may be a report.</think>{}",
        "<seed:think>hmm</seed:think>{}",
        "<thinking>Listening</thinking> {}",
        "<think>thoughts</think><answer>{}</answer>",
        "<|channel|>analysis<|message|>A transcript.<|end|><|start|>assistant<|channel|>final"
        "<|message|>{}",
        "<|channel|>analysis<|message|>Hm.<|end|><|channel|>final <|constrain|>text<|message|>{}<|return|>",
        "{}</answer>",
        "language English<asr_text>{}",
    ],
)
def test_what_was_thought_is_no_transcript(tmp_path, capsys, written):
    (line,) = wer(tmp_path, capsys, [{"text": SAID, "pred_text": written.format(HEARD)}])
    assert (line["wer"], line["reasoning_removed"]) == (0, 1)


def test_thoughts_that_were_cut_short_are_no_answer_and_tags_that_were_said_stay(tmp_path, capsys):
    (cut,) = wer(tmp_path, capsys, [{"text": SAID, "pred_text": "<think>A report, I would say"}])
    assert cut["deletions"] + cut["substitutions"] == len(SAID.split())
    said = "the tag <think> opens and </think> closes"
    (kept,) = wer(tmp_path, capsys, [{"text": said, "pred_text": said}], "--protocol", "none")
    assert (kept["wer"], kept["reasoning_removed"]) == (0, 0)


def test_chunks_of_a_session_are_joined_in_order_and_scored_once(tmp_path, capsys):
    chunks = [("b", 0, "good"), ("a", 1, "blue  "), ("b", 1, ""), ("a", 0, " Red"), ("b", 2, "bye")]
    rows = [
        {"id": f"{name}{k}", "parent_id": name, "chunk_index": k, "pred_text": heard, "time": 1.5,
         "text": "red blue green" if name == "a" else "good bye", "duration": 30}
        for name, k, heard in chunks
    ]  # fmt: skip
    (line,) = wer(tmp_path, capsys, rows)
    assert (line["num_entries"], line["ref_words"], line["deletions"]) == (2, 5, 1)
    assert (line["audio_seconds"], line["request_seconds"]) == (150, 7.5)


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ("language English<asr_text>{}", ()),
        ("<think>mm</think><answer>{}</answer>", ()),
        ("It may be a greeting.</think>{}", ()),
        ("<|channel|>final<|message|>{}<|return|>", ()),
        ("The audio says: {}", ("--postprocess", "chatty")),
    ],
)
def test_each_chunk_loses_what_is_no_transcript_before_it_is_joined(
    tmp_path, capsys, written, options
):
    rows = [
        {"parent_id": "a", "chunk_index": k, "text": SAID, "pred_text": written.format(part)}
        for k, part in enumerate(["Please send the report", "before noon on Friday."])
    ]
    (line,) = wer(tmp_path, capsys, rows, *options)
    assert (line["num_entries"], line["wer"]) == (1, 0)


def test_thoughts_that_were_cut_short_cost_their_chunk_alone(tmp_path, capsys):
    rows = [
        {"parent_id": "a", "chunk_index": k, "text": SAID, "pred_text": heard}
        for k, heard in enumerate(["<think>never closed", "before noon on Friday."])
    ]
    (line,) = wer(tmp_path, capsys, rows)
    assert (line["deletions"], line["substitutions"], line["insertions"]) == (4, 0, 0)


def test_chunks_behind_a_row_that_is_none_are_told(tmp_path, capsys):
    path = tmp_path / "r.jsonl"
    chunk = {"parent_id": "a", "chunk_index": 0, "text": "two", "pred_text": "two"}
    rows = [{"text": "five", "pred_text": "five"}, chunk]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["wer", str(path)]) != 0
    assert "has a 'parent_id' and the first row has none" in capsys.readouterr().err


def test_compare_takes_reasoning_out_as_wer_does(tmp_path, capsys):
    files = []
    for name, written in (("a", "<think>hm</think>{}"), ("b", "{}")):
        rows = [{"id": str(k), "text": SAID, "pred_text": written.format(HEARD)} for k in range(3)]
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["compare", "--json", *map(str, files)]) == 0
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (line["rate_a"], line["rate_b"]) == (0, 0)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("uh send it by friday let me know if you need anything",
         "Send it by Friday.\nLet me know if you need anything."),
        ("uh speaker one has the floor", "Speaker 1: has the floor"),
        ("um answer yes it is", "Answer: yes it is."),
        ("the result twenty dollars", "The result: $20"),
        ("he said note that the price is twenty dollars", "He said:\nNote that the price is $20."),
    ],
)  # fmt: skip
def test_chatty_makes_no_answer_worse_by_the_protocol_that_scores_it(tmp_path, capsys, said, heard):
    (line,) = wer(tmp_path, capsys, [{"text": said, "pred_text": heard}], "--postprocess", "chatty")
    assert (line["wer"], line["postprocessed"]) == (0, 0)


@pytest.mark.parametrize(
    ("places", "references", "what"),
    [((0, 2), "xx", "chunk 2 follows 0"), ((0, 0), "xx", "follows"), ((0, 1), "xy", "another")],
)
def test_a_session_with_a_hole_or_two_references_is_refused(places, references, what):
    chunks = [
        Sample(f"c{k}", reference, "x", session=("call", place))
        for k, (place, reference) in enumerate(zip(places, references, strict=True))
    ]
    with pytest.raises(EarmarkError, match=f"f.jsonl: session 'call': .*{what}"):
        list(joined(chunks, "f.jsonl", lambda one: one))


def test_nemo_skills_scores_no_empty_reference_and_calls_it_a_failure(tmp_path, capsys):
    rows = [{"text": "(laughs)", "pred_text": "ha"}, {"text": "red blue", "pred_text": ""}]
    (line,) = wer(tmp_path, capsys, rows, "--protocol", "nemo_skills")
    assert (line["scored"], line["counted"], line["success_rate"]) == (1, 2, 0)
    assert (line["substitutions"], line["deletions"], line["wer"]) == (1, 1, 1)


def test_what_chatty_changed_is_counted(tmp_path, capsys):
    rows = [
        {"text": SAID, "pred_text": f'The audio says: "{HEARD}"'},
        {"text": SAID, "pred_text": HEARD},
    ]
    (line,) = wer(tmp_path, capsys, rows, "--postprocess", "chatty")
    assert (line["wer"], line["postprocessed"]) == (0, 1)


def test_raw_texts_given_as_normalized_are_warned_of(tmp_path, capsys):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"text": "It's five.", "pred_text": "it is 5"}) + "\n")
    assert main(["wer", "--normalized", str(path)]) == 0
    assert "normalizing would change 1 of its samples" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "keys", "null", "utf16"])
def test_result_files_of_other_forms_are_read(tmp_path, capsys, kind):
    rows = [{"text": "red blue", "pred_text": "red"}, {"text": "green", "pred_text": "green"}]
    options = []
    path = tmp_path / f"r.{kind if kind in ('csv', 'tsv', 'json') else 'jsonl'}"
    if kind in ("csv", "tsv"):
        mark = "," if kind == "csv" else "\t"
        lines = [("text", "pred_text"), *((row["text"], row["pred_text"]) for row in rows)]
        path.write_text("\n".join(mark.join(line) for line in lines) + "\n")
    elif kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "keys":
        path.write_text(
            "".join(json.dumps({"said": r["text"], "got": r["pred_text"]}) + "\n" for r in rows)
        )
        options = ["--column", "text=said", "--column", "pred_text=got"]
    elif kind == "utf16":
        lines = "".join(json.dumps(row) + "\r\n" for row in rows)
        path.write_bytes(lines.encode("utf-16"))
    else:
        rows.append({"text": "four", "pred_text": None})
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["wer", "--json", *options, str(path)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["wer"] == pytest.approx(1 / 3 if kind != "null" else 2 / 4)


def test_groups_come_from_a_column_or_a_pattern_and_a_lack_is_told():
    answer = {"generation": "x", "generation_start_time": 0.0, "generation_end_time": 1.0}
    rows = [({"id": "call7/1", "text": "x", "speaker": "s"}, answer)]

    def group(**how):
        return next(iter(samples_of(rows, "m.jsonl", "p.jsonl", how, None, lambda one: one))).group

    assert group(pattern="^[^/]+") == "call7"
    assert group(pattern=r"call(\d+)") == "7"
    assert group(column="speaker") == "s"
    with pytest.raises(EarmarkError, match="m.jsonl, sample 'call7/1': no 'accent'"):
        group(column="accent")
    with pytest.raises(EarmarkError, match="does not match its id"):
        group(pattern="zzz")


def test_a_table_of_chunks_is_joined_and_rows_that_are_no_objects_are_told(tmp_path, capsys):
    table, array = tmp_path / "r.csv", tmp_path / "r.json"
    head = "parent_id,chunk_index,text,pred_text"
    table.write_text(f"{head}\na,1,one two,two\na,0,one two,one\n")
    assert main(["wer", "--json", str(table)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["num_entries"], line["wer"]) == (1, 0)
    array.write_text('["a", "b"]')
    assert main(["wer", str(array)]) == 1
    assert 'r.json, item 1: a JSON object was expected, not "a"' in capsys.readouterr().err


@pytest.mark.parametrize("language", ["wuu", "nan_tw", "lzh", "bo", "dz", "shn", "nod"])
def test_every_script_without_spaces_is_scored_by_characters(language):
    assert protocol("basic", language).of_characters
    assert protocol("nemo_skills_multilingual", language).of_characters
    with pytest.raises(EarmarkError, match="has no rules for"):
        protocol("open_asr_leaderboard_multilingual", language)
