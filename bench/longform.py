"""An hour's recording as one pair, under each protocol: seconds and peak memory of a process.

10,000 words of natural sentences, of which every twentieth differs; and, as Japanese is scored,
20,000 characters. The slowest protocols also get an answer that says all of it twice. Each protocol
runs in a process of its own, so that its peak is its own. The last line is one JSON object; a peak
of 1 GB or more ends in an error.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

CLONE = Path(__file__).parents[1]
sys.path.insert(1, str(CLONE / "workflow" / "scripts"))

from earmark.scoring.samples import Sample, Scorer  # noqa: E402
from earmark.scoring.text import PROTOCOL_NAMES  # noqa: E402

WORDS, CHARACTERS, LIMIT = 10_000, 20_000, 1_000_000_000


def recording(language: str) -> tuple[str, str]:
    """What was said in an hour, and what was heard: replaced, joined, dropped and added words."""
    chance = random.Random(7)
    if language == "ja":
        signs = [chr(0x4E00 + n) for n in range(800)]
        said = [chance.choice(signs) for _ in range(CHARACTERS)]
    else:
        from score import sentences, spliced

        known, said = sentences(), []
        while len(said) < WORDS:
            said += spliced(known, chance).split()
    heard = list(said)
    for place in range(0, len(said) - 1, 20):
        if place % 80 == 0:
            heard[place] += heard[place + 1]
            heard[place + 1] = ""
        else:
            heard[place] = ("", "ぬ", f"{heard[place]} x")[place // 20 % 4 - 1]
    space = "" if language == "ja" else " "
    return space.join(said), space.join(filter(None, heard))


def one(protocol: str, language: str, times: str) -> None:
    """Score the pair by one protocol, its answer so many times over, and print what it took."""
    said, heard = recording(language)
    heard = " ".join([heard] * int(times))
    scorer = Scorer.named([protocol], language=language)
    scorer.row(Sample("warm-up", "one two", "one three"))
    start = time.perf_counter()
    row = scorer.row(Sample("an-hour", said, heard, 3600.0))
    seconds = time.perf_counter() - start
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    keys = ("ref_words", "substitutions", "deletions", "insertions")
    counts = {key: row[key] for key in keys}
    print(json.dumps({"protocol": protocol, "language": language, "times": int(times),
                      "seconds": round(seconds, 2), "peak_mb": peak // 1_000_000,
                      **counts}))  # fmt: skip


def main() -> None:
    found = []
    pairs = [(name, "en", 1) for name in PROTOCOL_NAMES]
    pairs += [
        ("open_asr_leaderboard_multilingual", "de", 1),
        ("nemo_skills_multilingual", "ja", 1),
        ("basic", "ja", 1),
        ("open_asr_leaderboard", "en", 2),
        ("open_asr_leaderboard_multilingual", "de", 2),
    ]
    for protocol, language, times in pairs:
        done = subprocess.run(
            [sys.executable, __file__, protocol, language, str(times)],
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(found[-1])
    worst = max(row["peak_mb"] for row in found)
    print(
        json.dumps(
            {
                "bench": "longform",
                "peak_mb": worst,
                "seconds": max(r["seconds"] for r in found),
                "pairs": found,
            }
        )
    )
    if worst * 1_000_000 >= LIMIT:
        raise SystemExit(f"a pair took {worst} MB; less than {LIMIT // 1_000_000} are allowed")


if __name__ == "__main__":
    one(*sys.argv[1:]) if len(sys.argv) > 1 else main()
