"""Translation: corpus BLEU and chrF, as sacrebleu counts them, and COMET's mean where asked for.

BLEU is Papineni et al., ACL 2002, chrF is Popović, WMT 2015; both with sacrebleu's defaults (Post,
WMT 2018), whose signatures are recorded. A sentence succeeds above 30 BLEU, as in NeMo-Skills.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.language import code
from earmark.scoring.comet import check_source
from earmark.scoring.intervals import Numbers
from earmark.scoring.measures import Measure, Rate
from earmark.scoring.samples import Sample
from earmark.scoring.text.multilingual import is_unspaced

if TYPE_CHECKING:  # lxml and portalocker come with it
    from sacrebleu import BLEU

TOKENIZERS = {"zh": "zh", "yue": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
"""By target language; other scripts without spaces are cut into characters, the rest by 13a."""

_ORDER, _CHARS = 4, 6
_SUCCESS = 30.0
_WORDS = ("correct", "total")
_CHARACTERS = ("hyp", "ref", "match")


def bleu(sums: Numbers) -> Numbers:
    """Corpus BLEU of summed counts: hypothesis and reference length, correct and total n-grams."""
    from sacrebleu import BLEU

    def one(row: Numbers) -> float:
        counts = [round(number) for number in row[: 2 + 2 * _ORDER].tolist()]
        correct, total = counts[2 : 2 + _ORDER], counts[2 + _ORDER :]
        hyp, ref = counts[:2]
        return float(BLEU.compute_bleu(correct, total, hyp, ref, smooth_method="exp").score)

    found: Numbers = np.apply_along_axis(one, -1, sums)
    return found


def chrf(sums: Numbers) -> Numbers:
    """Corpus chrF (beta 2) of summed counts: hypothesis, reference and common n-grams by order.

    Precision and recall are means over the orders that both sides have n-grams of.
    """
    first = 2 + 2 * _ORDER
    parts = sums[..., first : first + 3 * _CHARS].reshape(*sums.shape[:-1], _CHARS, 3)
    hyp, ref, match = np.moveaxis(parts, -1, 0)
    both = (hyp > 0) & (ref > 0)
    orders = np.maximum(both.sum(-1), 1)
    precision = np.where(both, match / np.maximum(hyp, 1), 0).sum(-1) / orders
    recall = np.where(both, match / np.maximum(ref, 1), 0).sum(-1) / orders
    below = 4 * precision + recall
    found: Numbers = 100 * 5 * precision * recall / np.where(below > 0, below, 1)
    return found


def comet(sums: Numbers) -> Numbers:
    """The mean of COMET's scores, times 100, of summed counts: the last two."""
    found: Numbers = 100 * sums[..., -2] / sums[..., -1]
    return found


class Translation(Measure):
    """See `Measure`."""

    counts = (
        *("hyp_length", "ref_length"),
        *(f"{what}_{n}" for what in _WORDS for n in range(1, _ORDER + 1)),
        *(f"char_{what}_{n}" for n in range(1, _CHARS + 1) for what in _CHARACTERS),
        *("comet", "sentences"),
    )
    rates = (
        Rate("bleu", "BLEU", bleu, unit=""),
        Rate("chrf", "chrF", chrf, unit=""),
        Rate("comet", "COMET", comet, unit="", asked_by="comet"),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        target = settings.get("target_language")
        if target is None:
            raise EarmarkError(
                "target_language: missing, and `scoring: translation` needs it: what is translated "
                "into, such as `de` or `cmn_hans_cn`"
            )
        short = code(target)
        chosen = TOKENIZERS.get(short, "char" if is_unspaced(short) else "13a")
        self.tokenizer = settings.get("tokenizer") or chosen
        if not settings.get("comet"):
            self.counts = self.counts[:-2]
        self._bleu = self._made()

    def _made(self) -> BLEU:
        from sacrebleu import BLEU

        try:
            return BLEU(tokenize=self.tokenizer, effective_order=True)
        except (ImportError, RuntimeError):  # which it raises where the tokenizer's package lacks
            extra = self.tokenizer.partition("-")[0]
            raise EarmarkError(
                f"tokenizer: {self.tokenizer}, for target_language "
                f"{self.settings['target_language']}, needs a package that is not installed: "
                f"`pip install 'sacrebleu[{extra}]'`, or choose `tokenizer: char`"
            ) from None

    @cached_property
    def record(self) -> dict[str, Any]:
        """Signatures of sacrebleu."""
        from sacrebleu import BLEU, CHRF

        found = {}
        for name, metric in (("bleu", BLEU(tokenize=self.tokenizer)), ("chrf", CHRF())):
            metric.corpus_score([""], [[""]])  # it learns how many references there are
            found[name] = metric.get_signature().format()
        return {"signatures": found}

    def check(self, entry: Row) -> None:
        """See `Measure.check`."""
        if self.settings.get("comet"):
            check_source(entry)

    def count(self, sample: Sample, entry: Row) -> Row:
        """See `Measure.count`."""
        from sacrebleu.metrics.helpers import extract_all_char_ngrams

        heard, said = sample.generation.strip(), sample.reference.strip()
        found = self._bleu.sentence_score(heard, [said])
        numbers = [found.sys_len, found.ref_len, *found.counts, *found.totals]
        for ours, theirs in zip(
            *(extract_all_char_ngrams(text, _CHARS) for text in (heard, said)), strict=True
        ):
            # Of an order that the reference has no n-grams of, the hypothesis's do not count.
            common = sum(min(count, theirs[one]) for one, count in ours.items() if one in theirs)
            numbers += [ours.total() if theirs else 0, theirs.total(), common]
        row: Row = {"success": found.score > _SUCCESS, "cost": round(100 - found.score, 3)}
        counts, row["bleu"] = list(map(int, numbers)), found.score
        if self.settings.get("comet"):
            counts += [entry["comet"], 1]
            row["comet"] = 100 * entry["comet"]
        return {"counts": dict(zip(self.counts, counts, strict=True)), **row}


MEASURE = Translation
