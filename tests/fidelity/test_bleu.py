"""BLEU and chrF of 2,000 texts a language, against sacrebleu itself with each tokenizer."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from earmark.scoring.measures import measure_type
from earmark.scoring.samples import Sample

PIECES = {
    "ja": "東京 都 に 行き ました 。 カタカナ ｶﾀｶﾅ は １２３ 人 、 新幹線 食べられない お茶 ABC 「はい」",
    "ko": "저는 어제 서울에 갔습니다 . 학교에서 친구를 만났다 3시에 ABC 아니요 , 비가 온다고 했다 ㅋㅋ",
    "zh": "我们 昨天 去了 北京 。 天气 很好 ， 下雨 了 １２３ ABC 3.5 《书》 飞机 、 學校",
    "yue": "我哋 尋日 去咗 香港 。 好 凍 呀 ， 3 個 人 ABC",
    "de": "Er kam, sah; und ging 3,5 km weiter. „Nein!“ (sagte) sie's Straßenbahn 1.000",
    "hi": "मैं कल दिल्ली गया था । १२ बजे हिन्दी",
    "th": "เขา ไป โรงเรียน เมื่อวานนี้ ครับ 12",
    "vi": "Tôi đã đi Hà Nội hôm qua . tiếng Việt 12",
    "tr": "Dün İstanbul'a gittim . ışık IŞIK 12",
    "ar": "ذهب الولد إلى المدرسة . ١٢ 12",
}
TOKENIZERS = {"ja": "ja-mecab", "ko": "ko-mecab", "zh": "zh", "yue": "zh", "th": "char"}
ODD = ["", " ", "\n", "...", "(x)", "<unk>", "é", "e\u0301", "\u3000", "½", "http://a.b/c"]
UNSPACED = ("ja", "zh", "yue", "th")


def texts(language):
    """Pairs of a reference and a translation that has some of it, dropped, moved and changed."""
    draw = random.Random(language)
    pieces, joint = PIECES[language].split(" "), "" if language in UNSPACED else " "
    for _ in range(2000):
        said = draw.choices([*pieces, *pieces, *ODD], k=draw.randint(0, 20))
        heard = [draw.choice(pieces) if draw.random() < 0.2 else one for one in said]
        heard = [one for one in heard if draw.random() > 0.1]
        if draw.random() < 0.2:
            draw.shuffle(heard)
        yield joint.join(said).strip(), joint.join(heard).strip()


@pytest.mark.parametrize("language", PIECES)
def test_2000_texts_a_language_are_scored_as_by_sacrebleu(language):
    measure = measure_type("translation")({"target_language": language})
    assert measure.tokenizer == TOKENIZERS.get(language, "13a")
    pairs = list(texts(language))
    rows = [measure.count(Sample("u", said, heard), {}) for said, heard in pairs]
    bleu, chrf = BLEU(tokenize=measure.tokenizer), CHRF()
    alone = BLEU(tokenize=measure.tokenizer, effective_order=True)
    differ = [
        (said, heard)
        for (said, heard), row in zip(pairs, rows, strict=True)
        if row["bleu"] != alone.sentence_score(heard, [said]).score
    ]
    assert not differ
    counts = np.array([[row["counts"][name] for name in measure.counts] for row in rows], float)
    for first, last in ((0, 2000), *((n, n + 50) for n in range(0, 2000, 50))):
        said, heard = ([one[side] for one in pairs[first:last]] for side in (0, 1))
        ours = [float(rate.value(counts[first:last].sum(0))) for rate in measure.rates]
        theirs = [metric.corpus_score(heard, [said]).score for metric in (bleu, chrf)]
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_words_of_japanese_and_korean_are_mecabs():
    ja, ko = (measure_type("translation")({"target_language": code}) for code in ("ja", "ko"))
    assert ja.count(Sample("u", "東京都に行きました。", "東京都に行きました。"), {})["counts"][
        "ref_length"
    ] == len("東京 都 に 行き まし た 。".split())
    assert ko.count(Sample("u", "학교에 갔다", "학교에 갔다"), {})["counts"]["ref_length"] > 2
