"""Take the README's picture: the top of results/report.html, in Debian's chromium."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

HOME = Path(__file__).resolve().parent.parent
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
    page.goto((HOME / "results" / "report.html").as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    page.screenshot(path=HOME / "docs" / "report.png")
    browser.close()
