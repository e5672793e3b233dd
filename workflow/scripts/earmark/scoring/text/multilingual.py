"""Languages other than English: the leaderboard's and NeMo-Skills' multilingual normalizers, ours.

``open_asr_leaderboard_multilingual`` follows huggingface/open_asr_leaderboard at d1e99b25, oddities
included: marks become spaces (which breaks Indic words apart), numbers of three groups are joined
once only, and hyphens that num2words writes stay. ``nemo_skills_multilingual`` follows
NVIDIA-NeMo/Skills at 74b86497: the same with diacritics removed. ``basic`` knows what of a language
is not heard or is spelling alone.
"""

import re
import unicodedata
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import lru_cache

from earmark.language import code
from earmark.scoring.text.basic import normalize_basic
from earmark.scoring.text.english import drop_brackets
from earmark.scoring.text.symbols import composed, symbols_to_spaces

# Scripts that write no spaces between words: what a word is would be a guess, so characters count.
_UNSPACED = frozenset(
    "zh yue wuu nan hak gan hsn cdo lzh ja th tts nod lo my shn km bo dz".split()
)  # NeMo-Skills reports characters first for these too (fleurs at 74b86497).
_CHARACTERS_FIRST = _UNSPACED | {"ko", "vi"}

_NOT_WORD = re.compile(r"[^\w\s]")
_SPACES = re.compile(r"\s+")
_THOUSANDS = re.compile(r"(\d)\s+(\d{3})\b")
_DIGITS = re.compile(r"\d+")
_ARABIC_POINTS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_HEBREW_POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
_ALEFS = str.maketrans("أإآٱ", "اااا")
_TURKISH = str.maketrans({"I": "ı", "İ": "i"})


def is_unspaced(language: str) -> bool:
    """Whether the language is written without spaces between words, and so scored by characters."""
    return code(language) in _UNSPACED


def characters_first(language: str) -> bool:
    """Whether NeMo-Skills reports the character error rate in place of the word error rate."""
    return code(language) in _CHARACTERS_FIRST


def open_asr_leaderboard(language: str) -> Callable[[str], str]:
    """The leaderboard's multilingual normalizer, for a language."""
    return lambda text: _numbers(_cleaned(text, _symbols_to_spaces), code(language))


def nemo_skills(language: str) -> Callable[[str], str]:
    """NeMo-Skills' multilingual normalizer, for a language other than English."""
    table = symbols_to_spaces()
    return lambda text: _numbers(_cleaned(text, lambda t: t.translate(table)), code(language))


def basic(language: str) -> Callable[[str], str]:
    """The plain normalizer, for a language: its casing, and without what is never heard in it."""
    short = code(language)

    def normalize(text: str) -> str:
        if short in ("tr", "az"):
            text = unicodedata.normalize("NFC", text).translate(_TURKISH)
        elif short in ("ar", "fa", "ur"):
            text = _ARABIC_POINTS.sub("", text)
            text = text.replace("\u200c", "").translate(_ALEFS)
        elif short in ("he", "yi"):
            text = _HEBREW_POINTS.sub("", text)
        return normalize_basic("".join(map(_plain_digit, text)))

    return normalize


def join_compounds(reference: list[str], hypothesis: list[str]) -> tuple[list[str], list[str]]:
    """Join what differs in spaces alone into one word, on both sides.

    As the leaderboard's ``normalize_compound_pairs`` at d1e99b25: SequenceMatcher on words, with
    its default heuristics, says which regions differ.
    """
    joined: tuple[list[str], list[str]] = ([], [])
    matcher = SequenceMatcher(None, reference, hypothesis)
    for operation, i, i_end, j, j_end in matcher.get_opcodes():
        left, right = reference[i:i_end], hypothesis[j:j_end]
        whole = "".join(left)
        if operation != "equal" and whole and whole == "".join(right):
            left = right = [whole]
        joined[0].extend(left)
        joined[1].extend(right)
    return joined


def _cleaned(text: str, clean: Callable[[str], str]) -> str:
    text = clean(drop_brackets(text.lower())).lower()
    return _SPACES.sub(" ", _NOT_WORD.sub("", text)).strip()


def _symbols_to_spaces(text: str) -> str:
    return "".join(
        " " if unicodedata.category(char)[0] in "MSP" else char for char in composed(text)
    )


def _numbers(text: str, language: str) -> str:
    text = _THOUSANDS.sub(r"\1\2", text)
    return _DIGITS.sub(lambda match: _spoken(match[0], language), text)


@lru_cache(maxsize=100_000)
def _spoken(digits: str, language: str) -> str:
    from num2words import num2words

    try:
        return num2words(int(digits), lang=language) or ""  # Vietnamese gives up without a word
    except Exception:  # whatever it raises: a language or a number that it does not know stays
        return digits


def _plain_digit(char: str) -> str:
    value = None if char.isascii() else unicodedata.decimal(char, None)
    return char if value is None else str(value)
