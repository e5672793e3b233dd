"""The protocol `nemo_skills` against the packages that NeMo-Skills calls."""

import json
import random
from pathlib import Path

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

from earmark.scoring.samples import Sample, pair
from earmark.scoring.text import protocol
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
    theirs, ours = EnglishTextNormalizer(), EnglishRules("nemo_skills")
    pieces = [piece for text in known for piece in text.split()] + WORDS.split() * 20
    texts = known + [
        " ".join(chance.choices(pieces, k=chance.randint(1, 14)))
        for _ in range(20_000 - len(known))
    ]
    differing = [text for text in texts if ours(text).strip() != theirs(text.lower()).strip()]
    assert not differing, differing[:5]


def test_5000_pairs_are_counted_as_nemo_skills_counts_them_with_jiwer():
    known = [json.loads(line)["text"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    chance = random.Random(2)
    words = [word for text in known for word in text.split()][:4000] + WORDS.split()
    normalize, ours = EnglishTextNormalizer(), protocol("nemo_skills")
    edits = total = counted = 0
    for number in range(5000):
        said = " ".join(chance.choices(words, k=chance.randint(0, 12)))
        heard = " ".join(
            word for word in said.split() if chance.random() > 0.1 for word in [word] * chance.choice([1, 1, 1, 2])
        )  # fmt: skip
        if chance.random() < 0.3:
            heard = " ".join(chance.choices(words, k=chance.randint(0, 12)))
        found = pair(Sample(str(number), said, heard), ours)
        # As the evaluator calls them: an empty reference is left out, an empty answer is a word.
        reference, hypothesis = (normalize(text.lower()).strip() for text in (said, heard))
        assert found.scored == bool(reference) and found.counted, said
        if not reference:
            continue
        theirs = jiwer.process_words(reference, hypothesis or "empty")
        mine = found.counts
        assert (mine.substitutions, mine.deletions, mine.insertions, mine.hits) == (
            theirs.substitutions, theirs.deletions, theirs.insertions, theirs.hits,
        ), (said, heard)  # fmt: skip
        edits += mine.edits
        total += mine.ref_words
        counted += 1
    assert counted > 4000 and 0 < edits < 2 * total
