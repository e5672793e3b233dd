"""Languages other than English, against the packages that the references call."""

import difflib
import functools
import random
import re

import jiwer
import kaldialign
import pytest
from num2words import num2words
from whisper_normalizer.basic import BasicTextNormalizer

from earmark.language import code
from earmark.scoring.rates import speech_metrics
from earmark.scoring.samples import Sample, Scorer, pair
from earmark.scoring.table import Columns
from earmark.scoring.text import multilingual, protocol

WORDS = {
    "de": "Straßenbahn Überraschung ß 10 000 1 000 000 3,5 20. Grüße «ja» (lacht) [x] Eis-Diele",
    "fr": "l'été œuvre ça 21 71 99 1 234 n° % € aujourd'hui « oui » Œ",
    "it": "l'è perché 21 1.000 città d'Italia ventuno un po'",
    "es": "¿qué? ñandú 1.000 12 él ¡no! señor",
    "pt": "ção 12 à São avó",
    "nl": "één 12 ĳs 's-Gravenhage zee-eend",
    "hi": "मैं किताब पढ़ रहा हूँ। १२ 12 दिल्ली",
    "zh": "我今天 想去公园散步。 12 ３",
    "ja": "カタカナ ｶﾀｶﾅ １２３ 東京、",
    "th": "วันนี้ฝนตก ๑๒ 12",
    "ar": "ذَهَبَ الوَلَدُ إلى ١٢ 12",
    "vi": "tiếng Việt 12 không",
    "tr": "İstanbul'da IŞIK ışık 12 I İ",
}
ODD = [*"()[]<>-'’½²Ⅳ٪、。\u0301\u200b", "1" * 50, "007", "1", "000", "<unk>", "(x)"]


def texts(language):
    chance = random.Random(language)
    pieces = WORDS[language].split() + ODD
    for _ in range(2000):
        chosen = chance.choices(pieces, k=chance.randint(1, 10))
        yield "".join(piece + chance.choice([" ", " ", ""]) for piece in chosen)


def cleaned_by_the_package(text, language, diacritics):
    text = BasicTextNormalizer(remove_diacritics=diacritics)(text)
    text = re.sub(r"\s+", " ", re.sub(r"[^\w\s]", "", text)).strip()
    text = re.sub(r"(\d)\s+(\d{3})\b", r"\1\2", text)

    return re.sub(r"\d+", lambda match: spoken(match[0], language), text)


@functools.cache
def spoken(digits, language):
    try:
        return num2words(int(digits), lang=language)
    except Exception:
        return digits


@pytest.mark.parametrize("language", WORDS)
def test_2000_texts_a_language_are_normalized_as_by_the_references(language):
    ours = multilingual.open_asr_leaderboard(language), multilingual.nemo_skills(language)
    for text in texts(language):
        for normalize, diacritics in zip(ours, (False, True), strict=True):
            assert normalize(text) == cleaned_by_the_package(text, language, diacritics), text


@pytest.mark.parametrize(
    ("language", "said", "same"),
    [
        ("tr", "İstanbul'da IŞIK", "istanbul'da ışık"),
        ("ar", "ذَهَبَ الوَلَدُ إلى", "ذهب الولد الى"),
        ("arz", "مُحَمَّد أحمد ٣", "محمد احمد 3"),
        ("fa", "می\u200cخواهم", "میخواهم"),
        ("ar", "محـــمد ٣", "محمد 3"),
        ("hi", "१२ बजे", "12 बजे"),
        ("heb", "שָׁלוֹם עוֹלָם", "שלום עולם"),
        ("ja", "ｶﾀｶﾅ １２", "カタカナ12".replace("ナ", "ナ ")),
    ],
)
def test_what_is_not_heard_in_a_language_is_no_error(language, said, same):
    normalize = multilingual.basic(language)
    assert normalize(said) == normalize(same)


def test_signs_that_are_heard_are_letters():
    normalize = multilingual.basic("hi")
    assert normalize("दिल्ली की") != normalize("दिली का")
    assert protocol("basic", "zh").words("我 们", "a b\u0301") == (
        ["我", "们"],
        ["a", "b", "\u0301"],
    )


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("cmn_hans_cn", "zh"),
        ("de-DE", "de"),
        ("yue_hant_hk", "yue"),
        ("zho", "zh"),
        ("tur", "tr"),
        ("arb", "ar"),
        ("arz", "ar"),
        ("ary_ma", "ar"),
        ("ajp", "ar"),
        ("eng", "en"),
        ("en-IN", "en"),
    ],
)
def test_locales_are_languages(written, short):
    assert code(written) == short
    assert multilingual.is_unspaced(written) == (short in ("zh", "yue"))
    assert multilingual.characters_first("ko_kr") and not multilingual.is_unspaced("ko")


@pytest.mark.parametrize("written", ["english", "xx", "", "de/fr", "und"])
def test_what_is_no_language_is_refused(written):
    with pytest.raises(ValueError, match="no language's code"):
        code(written)


def test_compounds_are_joined_where_spaces_alone_differ():
    joined = multilingual.join_compounds(
        "das kranken haus brennt".split(), "das krankenhaus da".split()
    )
    assert joined == (["das", "kranken", "haus", "brennt"], ["das", "krankenhaus", "da"])
    joined = multilingual.join_compounds(
        "das kranken haus da".split(), "das krankenhaus da".split()
    )
    assert joined == (["das", "krankenhaus", "da"],) * 2


def answers(language):
    """2,000 texts and what was heard: words dropped, repeated, joined, parted, and others."""
    chance = random.Random(f"answers in {language}")
    pieces = WORDS[language].split() + ODD
    for said in texts(language):
        heard = ""
        for word in said.split():
            half = len(word) // 2
            ways = [word] * 6 + ["", f"{word} {word}", chance.choice(pieces)]
            ways.append(f"{word[:half]} {word[half:]}")
            heard += chance.choice(ways) + chance.choice(" " * 6 + "-")
        yield said, heard


def joined_by_difflib(said, heard):
    ours, theirs = [], []
    for tag, i, i_end, j, j_end in difflib.SequenceMatcher(None, said, heard).get_opcodes():
        a, b = said[i:i_end], heard[j:j_end]
        if tag != "equal" and a and b and "".join(a) == "".join(b):
            a = b = ["".join(a)]
        ours, theirs = ours + a, theirs + b
    return ours, theirs


def by_the_package(pair, language, diacritics):
    both = [cleaned_by_the_package(text, language, diacritics).split() for text in pair]
    return joined_by_difflib(*both)


@pytest.mark.parametrize("language", WORDS)
def test_2000_answers_a_language_are_counted_as_by_kaldialign_and_jiwer(language):
    names = ["nemo_skills_multilingual"]
    if not multilingual.is_unspaced(language):  # which the leaderboard's protocol has no rules for
        names.append("open_asr_leaderboard_multilingual")
    protocols = [protocol(name, language) for name in names]
    wrong = dict.fromkeys(names, 0)
    for said, heard in answers(language):
        for one in protocols:
            found = pair(Sample("u", said, heard), one)
            mine = found.counts
            if one.name == "open_asr_leaderboard_multilingual":
                expected = by_the_package((said, heard), language, diacritics=False)
                theirs = kaldialign.edit_distance(*expected, merge_compounds=True)
                numbers = [theirs[key] for key in ("sub", "del", "ins", "ref_len")]
            else:
                expected = by_the_package((said, heard), language, diacritics=True)
                reference, hypothesis = (" ".join(words) for words in expected)
                assert found.scored == bool(reference)
                if not reference:
                    continue
                count = jiwer.process_characters if one.of_characters else jiwer.process_words
                theirs = count(reference, hypothesis or "empty")
                numbers = [theirs.substitutions, theirs.deletions, theirs.insertions]
                numbers.append(mine.ref_words)
                assert found.char_edits / found.ref_chars == pytest.approx(
                    jiwer.cer(reference, hypothesis or "empty")
                )
            counts = [mine.substitutions, mine.deletions, mine.insertions, mine.ref_words]
            assert counts == numbers, (one.name, said, heard)
            wrong[one.name] += mine.edits > 0
    assert min(wrong.values()) > 800


@pytest.mark.parametrize("locale", ["ja_jp", "cmn_hans_cn", "th_th", "vi_vn"])
def test_nemo_skills_counts_characters_first_where_it_says_so_as_jiwer_does(locale):
    scorer, columns = (
        Scorer.named(["nemo_skills_multilingual"], language=locale),
        Columns("b-s", "nemo_skills_multilingual"),
    )
    made = list(texts(code(locale)))[:400]
    for one, other in zip(made[::2], made[1::2], strict=True):
        row = scorer.row(Sample("u", one, f"{other} {one}"))
        columns.add(row)
        if not row["scored"]:
            continue
        both = [
            cleaned_by_the_package(text, code(locale), True) for text in (one, f"{other} {one}")
        ]
        said, heard = multilingual.join_compounds(*(text.split() for text in both))
        assert row["wer"] == pytest.approx(
            100 * jiwer.cer(" ".join(said), " ".join(heard) or "empty")
        )
        assert row["wer"] == pytest.approx(100 * row["char_edits"] / row["ref_chars"])
    found = speech_metrics(columns.table(), None)
    assert (found["unit"], found["wer"]) == ("character", found["cer"])
