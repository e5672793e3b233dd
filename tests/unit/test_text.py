"""The scoring protocols' normalizers."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.config import Split
from earmark.config.parts import Protocol
from earmark.errors import EarmarkError
from earmark.scoring.samples import Sample, pair
from earmark.scoring.text import PROTOCOL_NAMES, protocol, tables
from earmark.scoring.text.numbers import NUMBER_WORDS, read_numbers
from earmark.scoring.text.postprocess import POSTPROCESS_NAMES

ENGLISH = ("whisper", "open_asr_leaderboard")

# Pieces that the rules do something about, for texts that hit many of them at once.
_contractions = [row[1] for row in tables.rows("contractions")]
_compounds = [word for words in tables.replacements("compounds") for word in words.split()]
PIECES = [
    *sorted(NUMBER_WORDS), *_contractions, *_compounds, *list(tables.replacements("names"))[:20],
    "colour", "cat", "a", "i", "half", "and a half", "been", "gone", "done", "got", "let's", "he's",
    "they'd", "uh", "uhm", "mm", "5", "$5", "0.50", "$0.50", "¢7", "£2", "1", "1s", "4th", "st",
    "th", "s", "20%", "1,000", "192.168.0.1", "10k", "k9", ".", "...", "%", "$", "(um)", "[x]",
    "<b>", "'", "'em", "é", "ß", "ﬃ", "½", "²", "´", "中文", "٣", "\u200d", "\u0301", "\ud800",
    "😀", "\x00", "\x01", "\x02", "\x03", "\x04", "\xa0", "\u2028", "İ", "Σ",
]  # fmt: skip
texts = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", " ", " ", "", "  ", "\t", "-"])),
    max_size=12,
).map(lambda parts: "".join(piece + gap for piece, gap in parts))
any_text = st.text(st.characters(), max_size=60)


def test_texts_come_out_to_the_character(clone):
    lines = (clone / "tests/data/normalize_sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 200
    for name in ENGLISH:
        normalize = protocol(name).normalize
        assert [normalize(row["text"]) for row in rows] == [row[name] for row in rows]


@settings(max_examples=400, deadline=None)
@given(text=texts | any_text)
def test_whisper_agrees_with_an_independent_rendering(peer, text):
    """The package has the same rules but for four expansions and one spelling entry."""
    words = text.lower()
    if any(word in words for word in ("kinda", "sorta", "dunno", "cause")):
        return
    try:
        expected = peer(text)
    except (AssertionError, ValueError):
        return
    assert protocol("whisper").normalize(text) == expected


def language_of(name):
    return "de" if name.endswith("multilingual") else None


@pytest.fixture(scope="module")
def peer():
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


@pytest.mark.parametrize("name", PROTOCOL_NAMES)
@settings(max_examples=150, deadline=None)
@given(text=texts | any_text)
def test_normalization_is_total_and_leaves_single_spaces(name, text):
    out = protocol(name, language_of(name)).normalize(text)
    assert "  " not in out
    assert out.split() == [word for word in out.split(" ") if word]


@pytest.mark.parametrize("name", ["none", "basic"])
@settings(max_examples=200, deadline=None)
@given(text=texts | any_text)
def test_the_plain_protocols_are_idempotent(name, text):
    normalize = protocol(name).normalize
    once = normalize(text)
    assert normalize(once) == once


@given(words=st.lists(st.sampled_from(["the", "cat", "colour", "sat", "erik", "won't", "Dr."])))
@pytest.mark.parametrize("name", ENGLISH)
def test_words_without_numbers_or_symbols_are_normalized_once_and_for_all(name, words):
    normalize = protocol(name).normalize
    once = normalize(" ".join(words))
    assert normalize(once) == once


@given(words=st.lists(st.sampled_from([*sorted(NUMBER_WORDS), "cat", "5", "$2", "0.5"])))
def test_numbers_are_read_from_any_words(words):
    assert all(read_numbers(words))


def test_a_number_ends_where_other_words_begin():
    words = ["one", "hundred", "and", "one", "dollars", "cat", "five", "point", "two"]
    assert read_numbers(words) == ["$101", "cat", "5.2"]
    assert read_numbers(words) == [*read_numbers(words[:5]), "cat", *read_numbers(words[6:])]


@pytest.mark.parametrize(
    ("text", "whisper", "leaderboard"),
    [
        ("Tom's dog, it's Stephen", "tom is dog it is stephen", "tom s dog it is steven"),
        ("uhm the B B C at ten a.m.", "uhm the b b c at 10 a m", "the bbc at 10 am"),
        ("he'd been; he'd go; let's been", "he had been he would go let us been", None),
        ("he'd  been", "he would been", None),
        ("she's gotta", "she has got to", None),
        ("two and a half million", "2500000", None),
        ("$2 and 7 cents", "$2.07", None),
        ("double oh seven", "007", None),
        ("1% of 1s", "one of ones", None),
        ("(laughs) [noise] <unk> yes", "yes", None),
        ("kinda cause", "kinda cause", None),
        ("wait...", "wait .", None),
        ("$ do?", " do", None),
        ("zero point five, 0 point five", "0.5 .5", None),
        ("we won  't", "we will not", None),
        ("हिन", "ह न", None),
        ("okay, ok, o k", "okay ok 0 k", "okay okay okay"),
    ],
)
def test_the_protocols_oddities_are_kept(text, whisper, leaderboard):
    assert protocol("whisper").normalize(text) == whisper
    if leaderboard is not None:
        assert protocol("open_asr_leaderboard").normalize(text) == leaderboard


def test_basic_drops_case_punctuation_and_apostrophes():
    assert protocol("basic").normalize("  Don't — “Stop”, É\u0301!  ") == "dont stop é\u0301"
    assert protocol("basic").normalize("Cafe\u0301") == "café"
    assert protocol("none").normalize(" As\tit  is. ") == "As it is."


@pytest.mark.parametrize("name", PROTOCOL_NAMES)
@pytest.mark.parametrize(
    "piece",
    [
        "a", " ", "<", "(", "()", "([<", " '", "\u0301\u0316", "9", "one two ", "9 hundred million ",
        "two and a half ", "...", "%", "$0.", "\ud800", "n't", "b c ", "a m ", "point one ", "\n",
    ],
)  # fmt: skip
def test_long_texts_come_through(name, piece):
    normalize = protocol(name, language_of(name)).normalize
    out = normalize(piece * (200_000 // len(piece)))  # a quadratic rule would take minutes
    assert isinstance(out, str)


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    with pytest.raises(EarmarkError, match="unknown protocol 'wisper'.*whisper.*basic"):
        protocol("wisper")


def test_english_protocols_are_refused_for_other_languages_and_others_want_one():
    with pytest.raises(EarmarkError, match="whisper is for English, and the language is 'vi'; use"):
        protocol("whisper", "vi")
    with pytest.raises(EarmarkError, match="nemo_skills_multilingual .*say which: `language`"):
        protocol("nemo_skills_multilingual")
    for language in ("ja_jp", "cmn_hans_cn", "th", "my_mm"):
        with pytest.raises(EarmarkError, match=f"has no rules for '{language}'.*use nemo_skills_m"):
            protocol("open_asr_leaderboard_multilingual", language)
    assert protocol("open_asr_leaderboard_multilingual", "ko").normalize("네.") == "네"
    assert protocol("whisper", "en_us").normalize("It's") == protocol("whisper").normalize("it is")


@pytest.mark.parametrize(
    ("language", "pairs", "edits", "of"),
    [
        ("zh", [("我今天想去公园散步。", "我今天想去公元散步"), ("请把窗户关上，谢谢！", "请把窗户关上 谢谢")], 1, 17),
        ("ja", [("東京は１２度です。", "東京は12度でし")], 1, 8),
        ("th", [("ขอกาแฟหนึ่งแก้ว", "ขอ กาแฟ หนึ่ง แก้ว")], 0, None),
        ("hi", [("मैं किताब पढ़ रहा हूँ।", "मैं किताब पढ़ रहा हूं"), ("दिल्ली की सड़कें", "दिली का सड़क")], 4, 8),
        ("tr", [("İstanbul'da ışık yandı", "istanbul'da ışık yandı"), ("IŞIK", "ışık")], 0, 4),
        ("ar", [("ذَهَبَ الوَلَدُ إلى المَدرَسةِ", "ذهب الولد الى المدرسة"), ("كيف حالك؟", "كيف حالك")], 0, 6),
    ],
)  # fmt: skip
def test_what_counts_as_a_word_is_the_languages_to_say(language, pairs, edits, of):
    found = [
        pair(Sample("s", said, heard), protocol("basic", language)).counts for said, heard in pairs
    ]
    assert sum(one.edits for one in found) == edits
    assert of is None or sum(one.ref_words for one in found) == of


def test_the_schema_offers_the_protocols_that_there_are():
    assert get_args(Protocol) == tuple(PROTOCOL_NAMES)
    assert get_args(Split.model_fields["postprocess"].annotation) == tuple(POSTPROCESS_NAMES)


def test_tables_name_their_source_and_licence(clone):
    for path in (clone / "workflow/scripts/earmark/scoring/text").glob("*.tsv"):
        head = [line for line in path.read_text().splitlines() if line.startswith("#")]
        assert "Source" in " ".join(head), path
        assert "Apache-2.0" in " ".join(head), path
