"""The protocol `nemo_skills` against the packages that NeMo-Skills calls."""

import json
import random
from pathlib import Path

from whisper_normalizer.english import EnglishTextNormalizer

from earmark.scoring.text.english import EnglishRules

SAMPLE = Path(__file__).parents[1] / "data" / "normalize_sample.jsonl"
WORDS = (
    "kinda sorta dunno cause 'cause because gonna y'all it's she's been i'd gone mr. dr st uh hmm "
    "twenty one hundred and a half point five $5 3% 1,000 colour organise (laughs) [noise] <unk> "
    "can't won't o'clock café naïve ½ 10:30 e-mail U.S.A. second double zero oh nine k's 20s"
)


def test_20000_texts_are_normalized_as_by_whisper_normalizer():
    known = [json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    chance = random.Random(1)
    theirs, ours = EnglishTextNormalizer(), EnglishRules.nemo_skills()
    pieces = [piece for text in known for piece in text.split()] + WORDS.split() * 20
    texts = known + [
        " ".join(chance.choices(pieces, k=chance.randint(1, 14)))
        for _ in range(20_000 - len(known))
    ]
    differing = [text for text in texts if ours(text).strip() != theirs(text.lower()).strip()]
    assert not differing, differing[:5]
