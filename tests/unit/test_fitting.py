"""Benchmark fitting: agreement with reference errors, and with renderings."""

from __future__ import annotations

import json

import pytest

from earmark.cli import main
from earmark.files import read_jsonl, write_jsonl
from earmark.scoring.fitting import events, reference_errors
from earmark.scoring.renderings import forms, pairs, rendering_agreement
from earmark.scoring.samples import Sample


def verdicts(original, corrected, heard):
    made = events("c", original.split(), corrected.split(), heard.split())
    return [(one.kind, one.original, one.corrected, one.verdict) for one in made]


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        ("we thank the whole house", "ref"),
        ("we thank this good house", "consensus"),
        ("we thank the very whole house", "ref"),  # extra words leave the span as it is
        ("we thank a good house", None),  # a third reading
        ("house", None),  # too little of the clip
        ("we thank the whole house " * 4, None),  # too much
    ],
)
def test_a_model_has_the_original_s_words_or_the_correction_s_or_neither(heard, verdict):
    found = verdicts("we thank the whole house", "we thank this good house", heard)
    assert found == [("deletion", "the whole", "this good", verdict)]


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        ("it is late", "ref"),
        ("well so it is late", "consensus"),
        ("so it is late", None),
        ("and well so it is late", "consensus"),  # ends with what was added
    ],
)
def test_words_that_the_correction_adds_count_at_the_ends_alone(heard, verdict):
    assert verdicts("it is late", "well so it is late", heard) == [
        ("insertion", "", "well so", verdict)
    ]
    assert verdicts("it is late", "it really is late", heard) == []


def test_spelling_and_spacing_alone_are_no_error_of_a_reference():
    assert verdicts("the anti corruption law", "the anticorruption law", "the law") == []
    assert verdicts("a b c d", "x y z w", "a b c d") == []  # another text, not a correction


def sample(name, reference, heard, group=None):
    return Sample(name, reference, heard, group=group)


def test_the_rate_is_of_events_with_an_interval_over_speakers():
    texts = ["we thank the whole house", "we thank this good house"]
    samples = [sample(f"c{n}", texts[1], texts[n % 3 == 0], f"s{n // 3}") for n in range(12)]
    made, found = reference_errors(
        [*samples, sample("other", "x", "x")], {f"c{n}": texts[0] for n in range(12)}
    )
    assert (made["rate"], made["n_ref"], made["n_eligible"], made["n_clips"]) == (8 / 12, 8, 12, 12)
    assert made["rate_ci"][0] < 8 / 12 < made["rate_ci"][1]
    assert (made["n_wer_clips"], len(found)) == (12, 12)
    assert made["wer_official"] == pytest.approx(100 * 4 * 2 / 60)
    assert made["wer_corrected"] == pytest.approx(100 * 8 * 2 / 60)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The colour of Honor", [("spelling", "color", "british"), ("spelling", "honor", "american")]),
        ("T. V., T.V., t v and TV", [("initialism", "tv", form) for form in
                                    ("spaced and dotted", "dotted", "spaced", "joined")]),
        ("twenty-one 21 21st twentieth", [("number", "cardinal 21", "words"),
                                          ("number", "cardinal 21", "digits"),
                                          ("number", "ordinal 21", "digits"),
                                          ("number", "ordinal 20", "words")]),
        ("$20, 20%, 2.20, 20-30, '98, FY 22, 22 year, 21th, 7, 100", []),
        ("e-mail or email, etc.", [("lexical", "email", "split"), ("lexical", "email", "joined"),
                                   ("lexical", "etcetera", "abbreviated")]),
        ("aluminium programmes", []),  # said otherwise, or another meaning
        ("", []),
    ],
)  # fmt: skip
def test_forms_are_found_in_raw_text(text, found):
    assert [(one.kind, one.family, one.form) for one in forms(text)] == found


def test_a_form_counts_where_its_words_are_right_and_agrees_where_it_is_written_alike():
    made = pairs("Mr. Smith's colour TV at 20", "mister Smith's colour T.V. at twenty")
    assert [(one.kind, one.form == said.form) for one, said in made] == [
        ("lexical", False), ("spelling", True), ("initialism", False), ("number", False),
    ]  # fmt: skip
    assert pairs("the colour", "the flavour") == []  # another word
    assert pairs("mr Smith", "mr Smith") == []  # a bare mr in a reference may be another thing
    assert pairs("[colour] it", "[colour] it") == []  # what normalizing takes out is not compared
    rated = rendering_agreement([sample("a", "colour twenty", "colour 20"), sample("b", "x", "x")])
    assert (rated["rate"], rated["n"], rated["classes"]["lexical"]["rate"]) == (0.5, 2, None)


def result(path, *rows):
    keys = ("audio_filepath", "text", "pred_text")
    write_jsonl(path, (dict(zip(keys, row, strict=True)) for row in rows))
    return str(path)


def test_the_command_counts_both_and_writes_the_places(tmp_path, capsys):
    cleaned = result(tmp_path / "c.jsonl", ("a.wav", "thank this good house", "thank the whole house"),
                     ("b.wav", "the colour", "the color"))  # fmt: skip
    original = result(tmp_path / "o.jsonl", ("a.wav", "thank the whole house", ""))
    places = tmp_path / "events.jsonl"
    assert (
        main(["fitting", cleaned, "--original", original, "--events", str(places), "--json"]) == 0
    )
    line = json.loads(capsys.readouterr().out)
    assert (line["errors"]["rate"], line["errors"]["n_eligible"]) == (1, 1)
    assert (line["renderings"]["rate"], line["renderings"]["n"]) == (0, 1)
    assert [row["verdict"] for row in read_jsonl(places)] == ["ref"]
    assert main(["fitting", cleaned, "--original", original]) == 0
    shown = capsys.readouterr().out
    assert "reference errors" in shown and "100.0" in shown


def test_originals_are_references_alone_under_any_name_and_what_they_lack_is_told(tmp_path, capsys):
    file = tmp_path / "c.csv"
    file.write_text("clip,good,heard\na,thank this good house,thank the whole house\nb,x,x\n")
    (tmp_path / "o.csv").write_text("clip,good\na,thank the whole house\n")
    columns = ["--column", "id=clip", "--column", "text=good", "--column", "pred_text=heard"]
    command = ["fitting", str(file), "--original", str(tmp_path / "o.csv"), "--json"]
    assert main(command) == 1
    assert (
        "'text' is missing; the row's keys: 'clip', 'good' (--column text=NAME names another)"
        in (capsys.readouterr().err)
    )
    assert main([*command, *columns]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["errors"]["rate"] == 1
    assert "1 of its 2 samples are not in" in told.err


@pytest.mark.parametrize(
    ("rows", "original", "said"),
    [
        ([("sample_0", "a", "a")], [("sample_0", "a", "a")], "are places in the file"),
        ([("x.wav", "a", "a")], [("y.wav", "a", "a")], "none of its ids, such as 'x.wav', is in"),
        ([], [("y.wav", "a", "a")], "empty"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, capsys, rows, original, said):
    files = [result(tmp_path / name, *given) for name, given in (("f", rows), ("o", original))]
    assert main(["fitting", files[0], "--original", files[1]]) == 1
    assert said in capsys.readouterr().err
