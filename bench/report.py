"""Time the report: building it, and opening it in a browser.

Made-up answers, by default of ten models to the leaderboard's eight sets (143,597 utterances each)
and MMAU-Pro. Ours alone: no peer builds such a page. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import yaml

HOME = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOME / "workflow" / "scripts")]

from earmark.config import Run, Split, load  # noqa: E402
from earmark.files import write_jsonl  # noqa: E402
from earmark.mmau.score import aggregate_mmau, score_mmau  # noqa: E402
from earmark.scoring.score import aggregate, score  # noqa: E402

ENDS = ("ale", "ine", "orter", "ust", "en")
WORDS = [f"{start}{end}" for start in "bdfgklmnprst" for end in ENDS]
CATEGORIES = ["sound", "music", "speech", "sound_music", "speech_music", "sound_speech", "voice"]
SKILLS = [f"skill {n}" for n in range(20)]
JUDGED = "CORRECTNESS: 4 - much of it\nRELEVANCE: 4 - yes\nOVERALL: 4 - " + "a good answer " * 20


def main() -> None:
    """Make a run up, build its report, open it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--share", type=float, default=1.0, help="of each set's samples")
    parser.add_argument("--utterances", type=int, help="one set of so many instead of all sets")
    parser.add_argument("--keep", metavar="FOLDER", help="make the run here, and leave it")
    given = parser.parse_args()
    folder = given.keep or tempfile.mkdtemp()
    try:
        with redirect_stdout(sys.stderr):
            config = make_run(Path(folder).absolute(), given)
        print(json.dumps(measure(config, given.models)))
    finally:
        if not given.keep:
            shutil.rmtree(folder)


def make_run(folder: Path, given: argparse.Namespace) -> Path:
    """Write what a finished run has; the models give the same answers, in the same files."""
    models, chosen = given.models, {"asr-leaderboard": "all", "mmau-pro": "all"}
    if given.utterances:
        chosen = {"asr-leaderboard": ["earnings22"]}
    (folder / "data").mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data_dir": str(folder / "data"),
                "results_dir": str(folder / "results"),
                "benchmarks": {
                    name: {"file": str(HOME / f"config/benchmarks/{name}.yaml"), "splits": splits}
                    for name, splits in chosen.items()
                },
                "models": {f"m{n}": {"server": "demo", "model": "m"} for n in range(models)},
            }
        )
    )
    run = load(config, HOME)
    first = folder / "results" / "m0"
    if first.exists():
        return config
    for benchmark, splits in run.benchmarks.items():
        for split in splits.values():
            size = given.utterances or max(3, int(given.share * (split.entries or 0)))
            _split(run, split, size)
        made = [str(first / f"scores/{benchmark}/{split}.metrics.json") for split in splits]
        combine = aggregate_mmau if benchmark == "mmau-pro" else aggregate
        combine(benchmark, made, str(first / f"eval-results/{benchmark}/metrics.json"))
    for n in range(1, models):
        shutil.copytree(first, folder / "results" / f"m{n}", copy_function=os.link)
    return config


def _split(run: Run, split: Split, entries: int) -> None:
    rng = random.Random(split.name)
    rows = list((_utterances if split.scoring == "asr" else _questions)(rng, split, entries))
    below = f"{split.benchmark}/{split.name}"
    manifest = Path(run.data_dir, below, "manifest.jsonl")
    write_jsonl(manifest, [row for row, _ in rows])
    first = Path(run.results_dir, "m0")
    predictions, scores, beside = (
        str(first / kind / f"{below}.jsonl") for kind in ("predictions", "scores", "judgements")
    )
    metrics = str(first / "scores" / f"{below}.metrics.json")
    write_jsonl(predictions, [_prediction(n, row, text) for n, (row, text) in enumerate(rows)])
    if split.scoring == "asr":
        name = f"{split.benchmark}-{split.name}"
        score(name, str(manifest), predictions, scores, metrics, split.protocols)
        return
    write_jsonl(beside, [_beside(rng, split.scoring, row) for row, _ in rows])
    others = [] if split.scoring == "instruction_following" else [beside]
    name = f"{split.benchmark}.{split.name}"
    score_mmau(
        name, split.scoring, str(manifest), [predictions], others, scores, metrics, {"judge": {}}
    )


def _utterances(rng: random.Random, split: Split, entries: int) -> Iterator[tuple[Any, str]]:
    for n in range(entries):
        duration = rng.uniform(1, 20)
        said = rng.choices(WORDS, k=max(2, int(2.5 * duration)))
        heard = [rng.choice(WORDS) if rng.random() < 0.08 else word for word in said]
        row = {"id": f"{split.name}-{n:06}", "audio_filepath": f"audio/{n}.flac"}
        row |= {"duration": round(duration, 3), "text": " ".join(said), "audio_sha256": f"{n:064x}"}
        yield row, " ".join(heard)


def _questions(rng: random.Random, split: Split, entries: int) -> Iterator[tuple[Any, str]]:
    for n in range(entries):
        choices = [" ".join(rng.sample(WORDS, 4)) for _ in range(4)]
        row = {
            "id": f"{split.name}-{n}", "audio_filepath": f"audio/{n}.wav", "duration": 12.0,
            "question": " ".join(rng.choices(WORDS, k=25)) + "?", "choices": choices,
            "answer": choices[0], "category": CATEGORIES[n % 7], "length_type": "short",
            "perceptual_skills": rng.sample(SKILLS[:10], 2),
            "reasoning_skills": rng.sample(SKILLS[10:], 2), "audio_sha256": f"{n:064x}",
            "task_identifier": "No Commas", "kwargs": {},
        }  # fmt: skip
        yield row, " ".join(rng.choices(WORDS, k=60))


def _prediction(number: int, row: Any, text: str) -> dict[str, Any]:
    return {
        "id": row["id"], "generation": text, "error": None, "finish_reason": "stop",
        "num_generated_tokens": 30, "num_input_tokens": 100, "attempts": 1,
        "generation_start_time": 1e9 + number, "generation_end_time": 1e9 + number + 0.5,
        "request": f"{number:040x}",
    }  # fmt: skip


def _beside(rng: random.Random, scoring: str, row: Any) -> dict[str, Any]:
    if scoring == "closed_form":
        likeness = [round(rng.random(), 6) for _ in row["choices"]]
        best = likeness.index(max(likeness))
        return {"id": row["id"], "match": row["choices"][best], "margin": 0.1,
                "similarities": likeness}  # fmt: skip
    names = ("correctness", "relevance", "completeness", "clarity", "overall")
    scores = dict.fromkeys(names, 4.0)
    return {"id": row["id"], "judgements": [JUDGED], "scores": scores, "why": None, "requests": []}


def measure(config: Path, models: int) -> dict[str, Any]:
    """Build the report by the command, in a process of its own, and open it."""
    earmark = Path(sys.executable).with_name("earmark")
    command = [str(earmark), "report", "--configfile", str(config)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=HOME, stdout=subprocess.DEVNULL)
    built = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    page = config.parent / "results" / "report.html"
    sizes = [file.stat().st_size for file in page.parent.glob("report_files/*")]
    return {
        "models": models,
        "build_seconds": round(built, 1),
        "build_memory_mb": round(memory),
        "page_mb": round(page.stat().st_size / 1e6, 2),
        "pieces": len(sizes),
        "pieces_mb": round(sum(sizes) / 1e6, 1),
        "largest_piece_mb": round(max(sizes, default=0) / 1e6, 2),
        **(opened(page) if shutil.which("chromium") else {}),
    }


LONGEST = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(longest, duration);
}).observe({ type: "longtask", buffered: true });
"""
"""A script that notes how long the browser was ever busy, in milliseconds."""


def opened(page: Path) -> dict[str, float]:
    """Seconds to open the page, to its samples and charts, and to what readers do most."""
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    found: dict[str, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        tab = browser.new_page()
        tab.add_init_script(LONGEST)
        begun = time.perf_counter()

        def done(name: str) -> None:
            nonlocal begun
            found[f"{name}_seconds"] = round(time.perf_counter() - begun, 2)
            begun = time.perf_counter()

        tab.goto(page.as_uri())
        done("load")
        tab.wait_for_selector("[data-words] tbody tr")
        done("then_words")
        tab.wait_for_selector(".sample")
        done("then_samples")
        tab.wait_for_selector("html[data-charts=drawn]")
        done("then_charts")
        for name, place in (
            ("largest_split", "split=asr-leaderboard/earnings22"),
            ("second_model", "split=asr-leaderboard/earnings22&with=m1"),
            ("filter", "split=asr-leaderboard/earnings22&kinds=1&seconds=5-10"),
            ("filter_of_two", "split=asr-leaderboard/earnings22&with=m1&seconds=5-10"),
            ("outcome", "split=asr-leaderboard/earnings22&with=m1&outcome=11"),
            ("clips_of_a_word", "split=asr-leaderboard/earnings22&with=m1&word=r%09bale"),
            ("last_page", "split=asr-leaderboard/earnings22&page=100000"),
            ("search", "split=asr-leaderboard/earnings22&q=bale%20dine"),
            ("search_again", "split=asr-leaderboard/earnings22&q=bale%20kust"),
        ):
            begun = time.perf_counter()
            tab.evaluate("place => { location.hash = `#samples?${place}`; }", place)
            tab.wait_for_function("/^#samples.split=asr/.test(location.hash)")
            tab.wait_for_selector("#browser[aria-busy=true]", state="detached", timeout=60_000)
            tab.wait_for_selector("#browser[aria-busy=false] :is(.sample, .empty)")
            done(name)
        found["longest_task_seconds"] = round(tab.evaluate("window.longest") / 1000, 2)
        browser.close()
    return found


if __name__ == "__main__":
    main()
