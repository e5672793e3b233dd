"""Scoring speed: our normalizers beside the package's, and the whole leaderboard's size end to end.

Texts are natural: the demo's sentences, and English prose out of the standard library's docstrings.
The peer is whisper-normalizer's EnglishTextNormalizer, on the same texts in the same process. Then
eight splits of the leaderboard's sizes (143,597 pairs) are scored under both protocols with
intervals, in two processes: manifests and predictions read, rows and metrics written. The last line
is one JSON object; ``ratio`` is theirs over ours.
"""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

CLONE = Path(__file__).parents[1]
sys.path.insert(0, str(CLONE / "workflow" / "scripts"))

from earmark.files import read_jsonl, write_jsonl  # noqa: E402
from earmark.scoring.score import score  # noqa: E402

SIZES = {
    "earnings22": 57390,
    "spgispeech": 39341,
    "gigaspeech": 25376,
    "ami": 12620,
    "librispeech_other": 2939,
    "librispeech_clean": 2620,
    "voxpopuli": 1842,
    "tedlium": 1469,
}
PROTOCOLS = ("whisper", "open_asr_leaderboard")
TEXTS = 20_000
ROUNDS = 3


def sentences() -> list[str]:
    """Natural sentences, each once, in an order that is always the same."""
    found: dict[str, None] = {}
    for manifest in sorted((CLONE / "config" / "demo").glob("demo_*.jsonl")):
        for row in read_jsonl(manifest):
            found[row["text"]] = None
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted(library.glob("*.py")) + sorted(library.glob("*/*.py")):
        if "site-packages" in file.parts or "test" in file.parts:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        for block in re.findall(r'"""(.*?)"""', text, re.DOTALL):
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(block.split())):
                plain = sum(char.isalpha() or char in " ,.'" for char in sentence)
                if 5 <= len(sentence.split()) <= 40 and plain >= 0.97 * len(sentence):
                    found[sentence] = None
    return list(found)


def spliced(known: list[str], chance: random.Random) -> str:
    """The beginning of one sentence and the end of another: new texts of known words."""
    first, second = (chance.choice(known).split() for _ in range(2))
    return " ".join(first[: (len(first) + 1) // 2] + second[len(second) // 2 :])


def misheard(text: str, chance: random.Random) -> str:
    """The text with some 8 % of its words wrong, written as a model would."""
    words = []
    for word in text.split():
        dice = chance.random()
        if dice < 0.02:
            continue
        words.append(word if dice > 0.07 else word[::-1].lower())
        if dice > 0.99:
            words.append("the")
    return " ".join(words).lower().replace(",", "")


def timed(normalize: Callable[[str], str], texts: list[str]) -> float:
    """Microseconds a text."""
    begin = time.perf_counter()
    for text in texts:
        normalize(text)
    return 1e6 * (time.perf_counter() - begin) / len(texts)


def normalization(texts: list[str]) -> dict[str, float]:
    """Time the peer and our protocols, each made anew for each round; the best round counts."""
    from whisper_normalizer.english import EnglishTextNormalizer

    from earmark.scoring.text.english import EnglishRules

    makers: dict[str, Callable[[], Callable[[str], str]]] = {"theirs_us": EnglishTextNormalizer}
    for name in PROTOCOLS:
        makers[f"{name}_us"] = partial(EnglishRules, name)
    rounds = [{name: timed(make(), texts) for name, make in makers.items()} for _ in range(ROUNDS)]
    return {name: min(one[name] for one in rounds) for name in makers}


def make_split(folder: Path, name: str, known: list[str]) -> None:
    """Write a split's manifest and predictions."""
    chance = random.Random(name)
    entries, answers = [], []
    for number in range(SIZES[name]):
        text = spliced(known, chance)
        row = {"id": f"{number // 40}-{number % 40}", "text": text}
        entries.append({**row, "duration": 0.4 * len(text.split())})
        answers.append(
            {
                "id": row["id"], "generation": misheard(text, chance), "error": None,
                "num_generated_tokens": 20, "generation_start_time": float(number),
                "generation_end_time": number + chance.random(),
            }
        )  # fmt: skip
    write_jsonl(folder / f"{name}.manifest.jsonl", entries)
    write_jsonl(folder / f"{name}.predictions.jsonl", answers)


def score_split(folder: Path, name: str) -> None:
    """Score a split as the workflow does."""
    score(
        subset=f"asr-leaderboard-{name}",
        manifest=str(folder / f"{name}.manifest.jsonl"),
        predictions=str(folder / f"{name}.predictions.jsonl"),
        scores=str(folder / f"{name}.jsonl"),
        metrics=str(folder / f"{name}.metrics.json"),
        protocols=PROTOCOLS,
    )


def full(folder: Path, known: list[str]) -> dict[str, float]:
    """Make and score all splits in two processes; time the scoring."""
    making = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import score as b"
    )
    making += "\nfor name in b.SIZES: b.make_split(Path(sys.argv[2]), name, b.sentences())"
    subprocess.run([sys.executable, "-c", making, str(Path(__file__).parent), folder], check=True)
    begin = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(score_split, [folder] * len(SIZES), SIZES))
    seconds = time.perf_counter() - begin
    workers = 2 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    scored = sum(1 for name in SIZES for _ in read_jsonl(folder / f"{name}.jsonl"))
    return {"full_seconds": seconds, "full_mb": workers, "full_pairs": scored}


def main() -> None:
    """Run both parts and print what they took."""
    known = sentences()
    chance = random.Random(1)
    texts = [spliced(known, chance) for _ in range(TEXTS)]
    print(f"{len(known)} sentences; {TEXTS} texts such as: {texts[0]!r}")
    speed = normalization(texts)
    for name, value in speed.items():
        print(f"{name:26} {value:8.1f}")
    with tempfile.TemporaryDirectory() as folder:
        whole = full(Path(folder), known)
    result = {
        "ratio": speed["theirs_us"] / speed["whisper_us"],
        "ratio_open_asr_leaderboard": speed["theirs_us"] / speed["open_asr_leaderboard_us"],
        **speed,
        **whole,
    }
    print(json.dumps({name: round(value, 2) for name, value in result.items()}))


if __name__ == "__main__":
    main()
