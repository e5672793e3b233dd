"""Take the README's picture: parts of results-demo/report.html, in Debian's chromium.

The head and the first table, the word error rates with their intervals, and the errors:
which words, and the worst samples.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HOME = Path(__file__).resolve().parent.parent
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTH = 1200


def parts(page: Any) -> list[bytes]:
    """Pictures of the parts, each as wide as the page."""
    page.goto((HOME / "results-demo" / "report.html").as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    page.wait_for_selector("[data-words] tbody tr")
    page.evaluate("document.querySelector('.bar').style.position = 'static'")
    ends = [("body", "#leaderboard .card"), ("#chart-wer", "#chart-wer"),
            ("#samples", ".sample:nth-child(3)")]  # fmt: skip
    taken = []
    for first, last in ends:
        begin = page.locator(first).first.bounding_box()
        end = page.locator(last).first.bounding_box()
        top = max(0, begin["y"] - 2)
        height = end["y"] + end["height"] + 12 - top
        clip = {"x": 0, "y": top, "width": WIDTH, "height": height}
        taken.append(page.screenshot(clip=clip, full_page=True))
    return taken


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
    images = "".join(
        f"<img src='data:image/png;base64,{b64encode(part).decode()}'>" for part in parts(page)
    )
    whole = browser.new_page(viewport={"width": WIDTH, "height": 600})
    whole.set_content(f"<body style='margin:0;display:grid;width:{WIDTH}px'>{images}")
    whole.screenshot(path=HOME / "docs" / "report.png", full_page=True)
    browser.close()
