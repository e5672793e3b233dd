from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_samples import ATTACK, write_run

from earmark.report.build import build

REFERENCES = [f"this is utterance number {n} of the set" for n in range(50)]
GOOD = [text if n % 5 else text + " and more" for n, text in enumerate(REFERENCES)]
BAD = [f"that is number {n}" for n in range(49)] + [f"zebra {ATTACK}"]
SHOTS = Path(__file__).parent / "shots"


@pytest.fixture(scope="module")
def report(tmp_path_factory: Any) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run = write_run(folder, {"good": GOOD, f"org/bad | {ATTACK}": BAD, "late": []}, REFERENCES)
    build(run, folder / "results")
    return folder / "results" / "report.html"


@pytest.fixture
def opened(browser: Any, report: Path) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: page.complaints.append(r.url) if "http" in r.url[:5] else None)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    page.wait_for_selector(".sample")
    yield page
    assert page.complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_errors_or_requests_in_either_scheme(opened: Any, scheme: str):
    opened.emulate_media(color_scheme=scheme)
    opened.wait_for_selector(f"html[data-theme={scheme}]")
    assert opened.locator(".plot svg").count() >= 5
    SHOTS.mkdir(exist_ok=True)
    opened.screenshot(path=SHOTS / f"{scheme}.png", full_page=True)


def test_the_leaderboard_sorts_and_keeps_its_order_in_the_address(opened: Any):
    models = "table.board >> nth=0 >> tbody th"
    opened.click("th[data-key='set (macro)'] button >> nth=0")
    assert opened.inner_text(f"{models} >> nth=0") == "good"
    opened.click("th[data-key='set (macro)'] button >> nth=0")
    assert opened.inner_text(f"{models} >> nth=0").startswith("org/bad")
    opened.reload()
    assert opened.inner_text(f"{models} >> nth=0").startswith("org/bad")


def test_transcripts_and_names_that_hold_script_are_shown_and_never_run(opened: Any):
    opened.fill("input[name=q]", "zebra")
    opened.select_option("select[name=model]", index=1)
    opened.wait_for_function("document.querySelectorAll('.sample').length == 1")
    opened.click(".sample summary >> nth=0")
    assert "<script>" in opened.inner_text(".sample")
    assert opened.evaluate("window.hurt") is None


def test_samples_are_filtered_by_kind_of_error_and_by_length(opened: Any):
    opened.click("button[data-kind=insertions]")
    opened.wait_for_function("document.querySelector('[data-count]').textContent.includes('of 10')")
    opened.select_option("select[name=seconds]", "2-5")
    opened.wait_for_function("document.querySelectorAll('.sample').length < 3")
    assert "seconds=2-5" in opened.url


def test_two_models_stand_beside_each_other_on_the_same_sample(opened: Any):
    opened.select_option("select[name=with]", index=1)
    opened.wait_for_function("document.querySelector('.who').children.length == 3")


def test_audio_plays_in_place(opened: Any):
    opened.evaluate("document.querySelector('audio').play()")
    opened.wait_for_function("document.querySelector('audio').currentTime > 0.1")


def test_a_number_leads_to_its_samples(opened: Any):
    opened.click("table.board >> nth=0 >> tbody tr:first-child td a >> nth=2")
    assert "#samples?" in opened.url
    assert "split=set%2Fone" in opened.url


def test_an_address_of_another_report_shows_what_there_is(opened: Any):
    place = "#samples?protocol.set=gone&order=apart&model=gone&split=gone&models=gone&kinds=x"
    opened.goto(opened.url.partition("#")[0] + place)
    opened.reload()
    opened.wait_for_selector("html[data-charts=drawn]")
    opened.wait_for_selector(".sample")
    assert opened.locator(".card[data-of=set]:visible").count() == 1
    assert opened.input_value("select[name=order]") == "worst"
    assert opened.locator(".picker input:checked").count() == 3


def test_an_order_that_asks_for_two_models_ends_with_the_second(opened: Any):
    opened.select_option("select[name=with]", index=1)
    opened.select_option("select[name=order]", "apart")
    opened.select_option("select[name=with]", "")
    opened.wait_for_function("document.querySelector('.who').children.length == 2")
    assert opened.input_value("select[name=order]") == "worst"


def test_the_keyboard_stays_where_it_is_when_a_filter_is_taken(opened: Any):
    opened.focus("button[data-kind=insertions]")
    opened.keyboard.press("Enter")
    opened.wait_for_function("document.querySelector('[data-count]').textContent.includes('of 10')")
    assert opened.evaluate("document.activeElement.dataset.kind") == "insertions"
    opened.focus("select[data-protocol]:visible")
    opened.select_option("select[data-protocol]:visible", "open_asr_leaderboard")
    assert opened.evaluate("document.activeElement.closest('.card').dataset.under") == (
        "open_asr_leaderboard"
    )


def test_a_model_whose_name_holds_the_sign_between_names_can_be_charted_alone(opened: Any):
    opened.click(".picker summary")
    for place in (0, 1):  # the one whose name holds the sign is left
        opened.uncheck(f".picker input >> nth={place}")
    assert "models=org%2Fbad+%257C" in opened.url
    opened.reload()
    opened.wait_for_selector("html[data-charts=drawn]")
    assert opened.locator(".picker input:checked").count() == 1
    assert opened.is_checked(".picker input >> nth=2")


def test_the_sample_whose_id_is_looked_for_comes_first(opened: Any):
    opened.goto(opened.url.partition("#")[0] + "#samples?q=u%2F007&order=worst")
    opened.wait_for_function("document.querySelector('.sample h3').textContent == 'u/007'")


def test_in_print_intervals_are_smaller_than_figures_and_charts_stand_apart(opened: Any):
    opened.emulate_media(media="print")
    sizes = [
        opened.evaluate(
            "at => parseFloat(getComputedStyle(document.querySelector(at)).fontSize)", at
        )
        for at in (".board .interval", ".board .figure", ".board thead th")
    ]
    assert sizes[0] < sizes[1] == sizes[2]
    gap = "getComputedStyle(document.querySelector('.charts .card')).marginBottom"
    assert opened.evaluate(gap) != "0px"


def test_what_is_missing_is_marked(opened: Any):
    assert "late on set-one: not begun" in opened.inner_text(".banner")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_faults_of_accessibility_that_axe_finds(opened: Any, scheme: str):
    from axe_playwright_python.sync_playwright import Axe

    opened.emulate_media(color_scheme=scheme)
    opened.wait_for_selector(f"html[data-theme={scheme}]")
    found = Axe().run(opened).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_saved_chart_is_drawn_by_what_knows_no_page(opened: Any, tmp_path: Path):
    import vl_convert

    for chart in ("wer", "types", "rtfx", "duration"):
        with opened.expect_download() as saved:
            opened.click(f"#chart-{chart} [data-save]")
        path = tmp_path / saved.value.suggested_filename
        saved.value.save_as(path)
        svg = path.read_text()
        assert "var(" not in svg
        assert "#2b6cb0" in svg
        picture = vl_convert.svg_to_png(svg)
        assert len(picture) > 5000  # a blank one of this size has under 2,000 bytes


def test_one_clip_plays_at_a_time(opened: Any):
    opened.evaluate("document.querySelectorAll('audio').forEach((one) => { one.loop = true; })")
    for place in (0, 1):
        opened.evaluate("n => document.querySelectorAll('audio')[n].play()", place)
    opened.wait_for_function(
        "[...document.querySelectorAll('audio')].filter(a => !a.paused).length === 1"
    )
    assert not opened.evaluate("document.querySelectorAll('audio')[1].paused")


def test_a_figure_of_another_protocol_leads_to_samples_counted_by_it(opened: Any):
    opened.select_option("select[data-protocol]:visible", "open_asr_leaderboard")
    opened.locator("table.board:visible tbody tr:first-child td a").nth(2).click()
    assert "protocol=open_asr_leaderboard" in opened.url
    opened.wait_for_function("document.querySelector('[name=protocol]').value.startsWith('open')")
    opened.wait_for_selector(".sample .note")
    assert "Counted by open_asr_leaderboard" in opened.inner_text(".sample .note >> nth=0")
    assert opened.inner_text(".sample .chip >> nth=0") == "2 errors / 8 words"


def test_without_scripts_the_tables_stand_and_nothing_waits(browser: Any, report: Path):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    assert page.locator("table.board:visible").count() == 2  # one a protocol
    assert page.locator("figure table:visible").count() >= 5
    assert not page.locator("text=Loading").is_visible()
    assert page.locator("button:not(th button):visible, select:visible").count() == 0
    assert "set: good, " in page.title()
    page.close()
