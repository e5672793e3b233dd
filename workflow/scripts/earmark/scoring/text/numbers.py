"""Numbers in words become digits: the number rules that Whisper's English normalizer follows.

Protocol: openai/whisper at c0d2f624, which huggingface/open_asr_leaderboard at d1e99b25 shares.
The rules are reproduced with their oddities ("zero point five" keeps its zero, "0 point 5" does
not), because published scores depend on them.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

ZEROS = frozenset({"o", "oh", "zero"})
# fmt: off
_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_POWERS = (
    "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion",
    "septillion", "octillion", "nonillion", "decillion",
)
# fmt: on
ONES = {word: value for value, word in enumerate(_UNITS, start=1)}
TENS = {word: 10 * value for value, word in enumerate(_TENS, start=2)}
MULTIPLIERS = {
    "hundred": 100,
    **{word: 1000**power for power, word in enumerate(_POWERS, start=1)},
}
_ORDINALS = {"first": (1, "st"), "second": (2, "nd"), "third": (3, "rd"), "fifth": (5, "th"),
             "twelfth": (12, "th")}  # fmt: skip
#: By word the value of a number, and what is written behind its digits.
VALUES = {
    **{word: (value, "") for word, value in (ONES | TENS | MULTIPLIERS).items()},
    "zeroth": (0, "th"),
    **_ORDINALS,
    **{word + ("es" if word == "six" else "s"): (value, "s") for word, value in ONES.items()},
    **{
        word + ("h" if word.endswith("t") else "th"): (value, "th")
        for word, value in ONES.items()
        if value > 3 and value not in (5, 12)
    },
    **{word[:-1] + "ies": (value, "s") for word, value in TENS.items()},
    **{word[:-1] + "ieth": (value, "th") for word, value in TENS.items()},
    **{word + "s": (value, "s") for word, value in MULTIPLIERS.items()},
    **{word + "th": (value, "th") for word, value in MULTIPLIERS.items()},
}
SIGNS = {"minus": "-", "negative": "-", "plus": "+", "positive": "+"}
CURRENCIES = {"pound": "£", "pounds": "£", "euro": "€", "euros": "€", "dollar": "$",
              "dollars": "$", "cent": "¢", "cents": "¢"}  # fmt: skip
DIGIT_WORDS = ZEROS | ONES.keys() | TENS.keys()
#: Every word that the rules below do something about; all others end a number.
NUMBER_WORDS = (
    ZEROS | VALUES.keys() | SIGNS.keys() | CURRENCIES.keys()
    | {"per", "percent", "and", "double", "triple", "point"}
)  # fmt: skip

# Words without which, and without a digit, a text is left as it is.
_BEGINNINGS = NUMBER_WORDS - {"per", "percent", "and", "double", "triple"} - CURRENCIES.keys()

_DIGIT = re.compile(r"\d")
_NUMERAL = re.compile(r"\d+(?:\.\d+)?").fullmatch
_AND_A_HALF = re.compile(r"\band\s+a\s+half\b")
_LETTER_DIGIT = re.compile(r"([a-z])([0-9])")
_DIGIT_LETTER = re.compile(r"([0-9])([a-z])")
_LOOSE_SUFFIX = re.compile(r"([0-9])\s+(st|nd|rd|th|s)\b")
_AMOUNT_AND_CENTS = re.compile(r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b")
_ONLY_CENTS = re.compile(r"[€£$]0.([0-9]{1,2})\b")
_LONE_ONE = re.compile(r"\b1(s?)\b")

# Longer numerals stay text: Python refuses to convert integers of more than 4,300 digits.
_MAX_DIGITS = 4000
_MAX_BITS = 14_000


def spell_out_halves(text: str) -> str:
    """Turn "and a half" after a number word into "point five"."""
    segments = _AND_A_HALF.split(text)
    kept = []
    for segment in segments[:-1]:
        words = segment.rsplit(maxsplit=1)
        if words:  # an empty segment takes its "and a half" with it
            follows_number = words[-1] in DIGIT_WORDS or words[-1] in MULTIPLIERS
            kept += [segment, "point five" if follows_number else "and a half"]
    if segments[-1].strip():
        kept.append(segments[-1])
    return " ".join(kept)


def normalize_numbers(text: str) -> str:
    """Replace the numbers in a text by digits: `read_numbers`, and what goes around it.

    Amounts are joined with their cents ("$2 and ¢7" is "$2.07"), and a lone 1 is "one".
    """
    text = spell_out_halves(text) if "half" in text else text
    if _BEGINNINGS.isdisjoint(text.split()) and not _DIGIT.search(text):
        return text
    text = _DIGIT_LETTER.sub(r"\1 \2", _LETTER_DIGIT.sub(r"\1 \2", text))
    text = _LOOSE_SUFFIX.sub(r"\1\2", text)  # "1960 s" and "4 th" are one word again
    text = " ".join(read_numbers(text.split()))
    if "€" in text or "£" in text or "$" in text:
        text = _AMOUNT_AND_CENTS.sub(lambda match: f"{match[1]}{match[2]}.{match[3]:0>2}", text)
        text = _ONLY_CENTS.sub(lambda match: f"¢{int(match[1])}", text)
    return _LONE_ONE.sub(r"one\1", text)


def read_numbers(words: Sequence[str]) -> list[str]:
    """Replace the numbers among ``words`` by digits, with their sign, currency, per cent, suffix.

    Total: any words do. A number begins and ends within a run of `NUMBER_WORDS` and numerals, so
    runs that other words separate can be read one by one.
    """
    reader = _Reader()
    last = len(words) - 1
    previous: str | None = None
    position = 0
    while position <= last:
        current = words[position]
        following = words[position + 1] if position < last else None
        position += 1 + reader.read(previous, current, following)
        previous = words[position - 1]
    reader.flush()
    return reader.words


class _Reader:
    """Reads words one at a time; a number under way is an integer or a string of digits."""

    __slots__ = ("digits", "integer", "prefix", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.prefix = ""
        self.integer: int | None = None
        self.digits: list[str] | None = None  # in pieces, so that long runs take linear time

    def read(self, previous: str | None, current: str, following: str | None) -> int:
        """Read one word, knowing its neighbours; returns how many words to skip after it."""
        if current not in NUMBER_WORDS and current[0].isalpha():
            self.flush()
            self._put(current)
            return 0
        unsigned = current[1:] if current[0] in "-+£€$¢" else current
        if _NUMERAL(unsigned):
            self._numeral(current, unsigned)
        elif current in ZEROS:
            self._append("0")
        elif current in VALUES:
            value, suffix = VALUES[current]
            if value < 20:
                self._combine(value, previous)
            elif value < 100:
                self._combine_tens(value)
            else:
                self._multiply(value)
            if suffix:
                self._put(self._take() + suffix)
        elif current in NUMBER_WORDS:
            return self._modifier(previous, current, following)
        else:
            self.flush()
            self._put(current)
        return 0

    def _modifier(self, previous: str | None, current: str, following: str | None) -> int:
        """Read a sign, a currency, a per cent or one of "and", "double", "triple", "point"."""
        numeral_follows = following is not None and _NUMERAL(following) is not None
        number_follows = numeral_follows or following in NUMBER_WORDS
        if current in CURRENCIES and self._under_way():
            self.prefix = CURRENCIES[current]
            self.flush()
        elif current in SIGNS and number_follows:
            self.flush()
            self.prefix = SIGNS[current]
        elif current == "percent" and self._under_way():
            self._put(self._take() + "%")
        elif current == "per" and self._under_way() and following == "cent":
            self._put(self._take() + "%")
            return 1
        elif current == "and" and number_follows and previous in MULTIPLIERS:
            pass  # "one hundred and one"
        elif current in ("double", "triple") and (following in ONES or following in ZEROS):
            digit = str(ONES.get(following or "", 0))
            self._append(digit * (2 if current == "double" else 3))
            return 1
        elif current == "point" and number_follows:
            if numeral_follows or following in DIGIT_WORDS:
                self._append(".")
        else:
            self.flush()
            self._put(current)
        return 0

    def _numeral(self, current: str, unsigned: str) -> None:
        if self.digits is not None and self.digits[-1].endswith("."):
            self.digits.append(current)
            return
        self.flush()
        if current is not unsigned:
            self.prefix = current[0]
        whole, _, decimals = unsigned.partition(".")
        if len(unsigned) <= _MAX_DIGITS and int(decimals or "0") == 0:
            self.integer = int(whole)
        else:
            self.digits = [unsigned]

    def _combine(self, value: int, previous: str | None) -> None:
        """Take in a value below twenty."""
        if self.digits is not None and previous in TENS and value < 10:
            self.digits[-1] = self.digits[-1][:-1] + str(value)  # "one twenty three" is 123
        elif self.integer is None or previous in ONES:
            self._append_or_set(value)
        elif self.integer % (10 if value < 10 else 100) == 0:
            self.integer += value
        else:
            self._append(str(value))

    def _combine_tens(self, value: int) -> None:
        if self.integer is not None and self.integer % 100 == 0:
            self.integer += value
        else:
            self._append_or_set(value)

    def _multiply(self, multiplier: int) -> None:
        if self.integer:
            thousands = self.integer // 1000 * 1000
            self.integer = thousands + self.integer % 1000 * multiplier
        elif self.integer is None:
            product = None if self.digits is None else _times("".join(self.digits), multiplier)
            if product is None:
                self.flush()
                product = multiplier
            self.integer, self.digits = product, None

    def _append_or_set(self, value: int) -> None:
        if self._under_way():
            self._append(str(value))
        else:
            self.integer = value

    def _append(self, piece: str) -> None:
        if self.digits is None:
            self.digits = [str(self.integer)] if self.integer else []
            self.integer = None
        self.digits.append(piece)

    def _under_way(self) -> bool:
        return self.integer is not None or self.digits is not None

    def _take(self) -> str:
        number = "".join(self.digits) if self.digits is not None else str(self.integer)
        self.integer = self.digits = None
        return number

    def flush(self) -> None:
        """Put out the number under way, if there is one."""
        if self._under_way():
            self._put(self._take())

    def _put(self, word: str) -> None:
        self.words.append(self.prefix + word)
        self.prefix = ""


def _times(digits: str, multiplier: int) -> int | None:
    """Return ``digits`` times ``multiplier`` where that is an integer, else None."""
    try:
        product = Fraction(digits) * multiplier
    except ValueError:  # "192.168.0", or longer than Python converts
        return None
    if product.denominator != 1 or product.numerator.bit_length() > _MAX_BITS:
        return None
    return product.numerator
