"""Time the report: building it for many answers, and opening it in a browser.

Ours alone: no peer builds such a page. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOME / "tests"), str(HOME / "workflow" / "scripts")]

from report_samples import write_run  # noqa: E402

from earmark.report.build import build  # noqa: E402


def main() -> None:
    """Make a run up, build its report, open it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--rows", type=int, default=57390)
    given = parser.parse_args()
    rng = random.Random(1)
    words = [f"word{n}" for n in range(3000)]
    said = [" ".join(rng.choices(words, k=14)) for _ in range(given.rows)]
    heard = [text.replace("word1", "ward1", 1) for text in said]
    with tempfile.TemporaryDirectory() as folder:
        names = {f"model-{n}": heard for n in range(given.models)}
        run = write_run(Path(folder), names, said)
        begun = time.perf_counter()
        build(run, run.results_dir)
        built = time.perf_counter() - begun
        page = Path(run.results_dir, "report.html")
        beside = sum(file.stat().st_size for file in page.parent.glob("report_files/*"))
        figures = {
            "models": given.models,
            "rows": given.rows,
            "build_seconds": round(built, 2),
            "page_bytes": page.stat().st_size,
            "pieces_bytes": beside,
            **(_opened(page) if shutil.which("chromium") else {}),
        }
    print(json.dumps(figures))


def _opened(page: Path) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        tab = browser.new_page()
        begun = time.perf_counter()
        tab.goto(page.as_uri())
        loaded = time.perf_counter() - begun
        tab.wait_for_selector(".sample")
        sampled = time.perf_counter() - begun
        tab.wait_for_selector("html[data-charts=drawn]")
        drawn = time.perf_counter() - begun
        begun = time.perf_counter()
        tab.fill("input[name=q]", "word77 word")
        tab.wait_for_function("/q=word77/.test(location.hash)")
        tab.wait_for_selector("#browser[aria-busy=false]")
        searched = time.perf_counter() - begun
        browser.close()
    return {
        "load_seconds": round(loaded, 2),
        "first_samples_seconds": round(sampled, 2),
        "charts_seconds": round(drawn, 2),
        "search_seconds": round(searched, 2),
    }


if __name__ == "__main__":
    main()
