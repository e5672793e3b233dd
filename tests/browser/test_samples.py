"""The sample browser on MMAU-Pro's samples, and on rows that are in pieces beside the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from report_questions import JUDGED, write_questions
from report_samples import write_run

from earmark.report import page as report_page
from earmark.report.build import build

SHOTS = Path(__file__).parent / "shots"


def opened(browser: Any, page: Path, place: str = "") -> Any:
    """The page in a tab that notes errors and requests of the network."""
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.complaints = []
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("console", lambda m: tab.complaints.append(m.text) if m.type == "error" else None)
    tab.on("request", lambda r: tab.complaints.append(r.url) if "http" in r.url[:5] else None)
    tab.goto(page.as_uri() + place)
    tab.wait_for_selector("html[data-charts=drawn]")
    tab.wait_for_selector("#browser[aria-busy=false]")
    return tab


@pytest.fixture(scope="module")
def questions(tmp_path_factory: Any) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    build(write_questions(folder, ["right", "wrong"]), folder / "results")
    return folder / "results" / "report.html"


def test_a_closed_question_shows_its_choices_with_what_was_matched(browser: Any, questions: Path):
    place = "#samples?split=quiz%2Fclosed_form&model=right&with=wrong"
    tab = opened(browser, questions, place)
    card = tab.locator(".sample").first
    assert card.locator(".question").inner_text() == "Which sound is number 0?"
    right, wrong = (card.locator(".answers > div").nth(n) for n in (0, 1))
    assert right.locator(".picked").inner_text().split() == ["rain", "answer", "match", "0.500"]
    assert wrong.locator(".picked").inner_text().split()[:3] == ["a", "dog", "match"]
    assert card.locator("header .good").inner_text() == "right"
    assert card.locator("header .bad").inner_text() == "wrong"
    tab.select_option("select[name=category]", "music")
    tab.wait_for_function("document.querySelectorAll('.sample').length === 2")
    assert "category=music" in tab.url
    SHOTS.mkdir(exist_ok=True)
    tab.screenshot(path=SHOTS / "questions.png")
    assert tab.complaints == []
    tab.close()


def test_a_figure_of_a_sub_category_leads_to_its_samples_alone(browser: Any, questions: Path):
    tab = opened(browser, questions)
    boards = tab.locator("table.board")
    boards.nth(1).locator("tbody tr:first-child td:last-child a").click()  # sound_music
    tab.wait_for_function("document.querySelectorAll('.sample').length === 2")
    ids = tab.locator(".sample h3").all_inner_texts()
    assert sorted(ids) == ["closed_form-2", "closed_form-5"]
    tab.locator("#chart-lengths [data-table]").click()
    tab.locator("#chart-lengths td a").first.click()
    tab.wait_for_function("document.querySelectorAll('.sample').length === 3")
    tab.close()


def test_a_judgement_is_shown_in_full_and_as_text(browser: Any, questions: Path):
    place = "#samples?split=quiz%2Fopen_ended&model=right&order=order"
    tab = opened(browser, questions, place)
    first, second, third = (tab.locator(".sample").nth(n) for n in range(3))
    first.locator("summary").first.click()
    assert first.locator(".long").inner_text() == JUDGED
    second.locator("summary").first.click()
    assert "--- asked again ---" in second.locator(".long").inner_text()
    assert "not scored" in second.inner_text()
    assert "empty answer" in third.inner_text()
    tab.close()


def test_every_chart_has_a_table_whose_figures_lead_to_samples(browser: Any, questions: Path):
    tab = opened(browser, questions)
    for chart in tab.locator("figure").all():
        chart.locator("[data-table]").click()
        assert chart.locator("tbody tr").count() > 0
        assert chart.locator("td a[href^='#samples?']").count() > 0
    tab.locator("#chart-categories td a").last.click()
    assert "split=quiz%2F" in tab.url
    tab.locator("#judge td a").first.click()
    assert "split=quiz%2Fopen_ended" in tab.url
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_all_of_it_open_axe_finds_no_serious_fault(browser: Any, questions: Path, scheme: str):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(browser, questions, "#samples?split=quiz%2Fopen_ended&with=wrong")
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_selector(f"html[data-theme={scheme}]")
    for chart in tab.locator("[data-table]").all():
        chart.click()
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    tab.close()


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: Any) -> Path:
    """A page whose samples are in pieces beside it, in several for each split."""
    monkeypatch.setattr(report_page, "WITHIN", 1000)
    said = [f"utterance number {n} of them" for n in range(4100)]
    heard = [text.replace("number", "numb") if n % 3 else text for n, text in enumerate(said)]
    build(write_run(tmp_path, {"one": said, "two": heard}, said), tmp_path / "results")
    return tmp_path / "results" / "report.html"


def test_samples_in_pieces_are_ranked_searched_and_turned_from_a_file(browser: Any, beside: Path):
    assert len(list((beside.parent / "report_files").glob("*.js"))) == 3 * (1 + 3) + 3 + 2
    tab = opened(browser, beside, "#samples?model=two&order=worst")
    assert "1–20 of 4,100" in tab.inner_text("[data-count]")
    tab.click("button[data-kind=substitutions]")
    tab.wait_for_function("document.querySelector('[data-count]').innerText.includes('2,733')")
    tab.fill("input[name=q]", "number 4099 of")
    tab.wait_for_function("document.querySelectorAll('.sample').length === 1")
    assert "q=number+4099+of" in tab.url
    tab.reload()
    tab.wait_for_selector("#browser[aria-busy=false] .sample")
    assert tab.input_value("input[name=q]") == "number 4099 of"
    assert tab.complaints == []
    tab.close()


def test_a_page_without_its_pieces_says_where_they_should_be(browser: Any, beside: Path):
    shutil.rmtree(beside.parent / "report_files")
    tab = browser.new_page()
    tab.goto(beside.as_uri())
    tab.wait_for_selector("#browser [role=alert]")
    assert "report_files, which is not beside this page" in tab.inner_text("#browser [role=alert]")
    tab.close()


def test_an_average_leads_to_the_samples_of_all_splits_under_the_right_legend(
    browser: Any, questions: Path
):
    tab = opened(browser, questions)
    assert tab.title() == "quiz: right, wrong – Earmark"
    tab.locator("table.board tbody tr:first-child td a").first.click()
    tab.wait_for_function("document.querySelector('[data-count]').innerText.includes('of 11 ')")
    assert "split=quiz%2F" in tab.url
    assert tab.locator(".legend:visible").count() == 0
    tab.select_option("select[name=category]", "open")
    tab.wait_for_function("document.querySelectorAll('.sample').length === 3")
    tab.fill("input[name=q]", "closed_form-1")
    tab.select_option("select[name=category]", "")
    tab.wait_for_function("document.querySelectorAll('.sample').length === 1")
    assert tab.locator(".picked").count() == 1
    assert tab.complaints == []
    tab.close()


def test_an_answer_that_repeats_itself_is_folded(browser: Any, tmp_path: Path):
    said = ["it was a good day"] * 8
    loop = " ".join(["and so on"] * 200)
    build(write_run(tmp_path, {"m": [f"it was {loop}"] * 8}, said), tmp_path / "results")
    tab = opened(browser, tmp_path / "results" / "report.html")
    assert tab.evaluate("document.querySelector('#samples').offsetHeight") < 3000
    tab.locator(".aligned button").first.click()
    assert tab.locator(".sample").first.locator("ins").count() > 500
    tab.close()
