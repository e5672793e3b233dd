"""Closed-form matching of 4,593 samples: ours against two encode calls a sample.

Both use the demo's embedding model on the CPU, in one run: ours (each distinct text once, in
batches of like length) and the way of the reference evaluator (for each sample one call for the
answer and one for the choices). The samples are made up in the shape of MMAU-Pro's closed-form
rows: as many of each category, mostly labels that many questions share, in part sentences that
occur once; answers are short, and mostly one of the choices. `--samples` makes it shorter.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from earmark.mmau import matching
from earmark.mmau.matchers import demo

COUNTS = {
    "sound": 1048,
    "multi": 430,
    "sound_music": 50,
    "music": 1418,
    "spatial_audio": 325,
    "music_speech": 46,
    "sound_music_speech": 7,
    "sound_speech": 88,
    "speech": 891,
    "voice_chat": 290,
}
SUBJECTS = [
    "dog",
    "cat",
    "horse",
    "crow",
    "train",
    "door",
    "bell",
    "kettle",
    "saw",
    "storm",
    "crowd",
]
ACTIONS = [
    "barking",
    "squealing",
    "passing",
    "ringing",
    "closing",
    "boiling",
    "humming",
    "shouting",
]
INSTRUMENTS = ["piano", "violin", "cello", "flute", "oboe", "guitar", "sitar", "drums", "harp"]
MOODS = [
    "calm",
    "tense",
    "joyful",
    "sad",
    "angry",
    "playful",
    "solemn",
    "dreamy",
    "restless",
    "warm",
]
GENRES = [
    "jazz",
    "rock",
    "folk",
    "techno",
    "baroque",
    "opera",
    "blues",
    "reggae",
    "ambient",
    "metal",
]
KEYS = [f"{note} {mode}" for note in "CDEFGAB" for mode in ("major", "minor")]
TEMPOS = [f"{beats} BPM" for beats in range(60, 180, 10)]
WORDS = [
    *(
        "the",
        "speaker",
        "wants",
        "to",
        "explain",
        "why",
        "her",
        "plan",
        "for",
        "that",
        "old",
        "house",
    ),
    *("near", "a", "river", "changed", "after", "they", "met", "an", "engineer", "who", "asked"),
    *("about", "costs", "and", "time", "while", "nobody", "else", "was", "listening", "at", "all"),
]
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def labels(kind: str, draw: random.Random) -> list[str]:
    """The choices of one question."""
    if kind == "speech" and draw.random() < 0.6:
        return [" ".join(draw.choices(WORDS, k=draw.randint(4, 10))) for _ in range(4)]
    if kind == "music":
        pool = draw.choice([INSTRUMENTS, MOODS, GENRES, KEYS, TEMPOS])
    elif kind == "spatial":
        pool = [f"{d} metres to the {side}" for d in range(1, 9) for side in ("left", "right")]
    elif draw.random() < 0.3:
        pool = NUMBERS
    else:
        pool = [f"{subject} {action}" for subject in SUBJECTS for action in ACTIONS]
    return draw.sample(pool, draw.choice([2, 4, 4, 4, 5]))


def samples(count: int) -> list[tuple[dict[str, object], str]]:
    """Rows with choices, and a model's answers."""
    draw = random.Random(1)
    categories = [name for name, n in COUNTS.items() for _ in range(n)]
    draw.shuffle(categories)
    made = []
    for number, category in enumerate(categories[:count]):
        kind = next((k for k in ("music", "spatial", "speech") if k in category), "other")
        choices = labels("speech" if category == "voice_chat" else kind, draw)
        chosen = draw.randrange(len(choices))
        chance = draw.random()
        answer = choices[chosen]
        if chance < 0.2:
            answer = "ABCDE"[chosen]
        elif chance < 0.3:
            answer = f"I hear {answer}."
        made.append(({"id": str(number), "choices": choices}, answer))
    return made


def ours(rows: list[tuple[dict[str, object], str]], model: demo.MiniLM) -> list[str | None]:
    """Each distinct text once."""
    vectors: dict[str, object] = {}
    for part in matching.embed_each(model, matching.texts_of(rows)):
        vectors |= part
    return [matching.match(row, answer, vectors)["match"] for row, answer in rows]


def theirs(rows: list[tuple[dict[str, object], str]], model: demo.MiniLM) -> list[str]:
    """Two calls of the model a sample."""
    matched = []
    for row, answer in rows:
        one, many = model([answer]), model(row["choices"])
        one /= np.linalg.norm(one, axis=1, keepdims=True)
        many /= np.linalg.norm(many, axis=1, keepdims=True)
        matched.append(row["choices"][int((one @ many.T).argmax())])
    return matched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=sum(COUNTS.values()))
    rows = samples(parser.parse_args().samples)
    model = demo.load()
    theirs(rows[:20], model)  # warm
    print(f"{len(rows)} samples, {sum(1 + len(r['choices']) for r, _ in rows)} texts, "
          f"{len(matching.texts_of(rows))} of them distinct")  # fmt: skip
    start = time.perf_counter()
    found = ours(rows, model)
    seconds_ours = time.perf_counter() - start
    print(f"ours: {seconds_ours:.1f} s")
    start = time.perf_counter()
    expected = theirs(rows, model)
    seconds_theirs = time.perf_counter() - start
    print(f"two calls a sample: {seconds_theirs:.1f} s")
    same = sum(a == b for a, b in zip(found, expected, strict=True))
    result = {
        "samples": len(rows),
        "seconds_ours": round(seconds_ours, 2),
        "seconds_theirs": round(seconds_theirs, 2),
        "same_match": round(same / len(rows), 5),
        "ratio": round(seconds_theirs / seconds_ours, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
