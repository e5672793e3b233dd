"""Who wins, by how much, and on which words: the errors of a report, in a browser."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_questions import write_questions
from report_samples import write_run

from earmark.files import read_jsonl
from earmark.report.build import build
from earmark.report.differences import differences
from earmark.report.gather import gather

WORDS = "the cat sat on a mat and then".split()
SHOTS = Path(__file__).parent / "shots"


def heard(said: str, share: float, seed: int) -> str:
    """What a model makes of a text: some words others, some gone, some more."""
    rng, found = random.Random(seed), []
    for word in said.split():
        chance = rng.random() / share
        found += [rng.choice(WORDS)] if chance < 1 else [] if chance < 1.5 else [word]
        found += [rng.choice(WORDS)] if rng.random() < share / 3 else []
    return " ".join(found)


@pytest.fixture(scope="module")
def run(tmp_path_factory: Any) -> Any:
    folder, rng = tmp_path_factory.mktemp("errors"), random.Random(1)
    said = [" ".join(rng.choices(WORDS, k=8)) for _ in range(60)]
    models = {
        name: [heard(text, share, 100 * place + n) for n, text in enumerate(said)]
        for place, (name, share) in enumerate({"first": 0.05, "second": 0.3, "third": 0.3}.items())
    }
    made = write_run(folder, models, said)
    build(made, folder / "results")
    return made


@pytest.fixture
def tab(browser: Any, run: Any) -> Iterator[Any]:
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto((Path(run.results_dir) / "report.html").as_uri() + "#samples?model=first&with=second")
    settled(tab)
    tab.wait_for_selector("html[data-charts=drawn]")
    yield tab
    assert complaints == []
    tab.close()


def settled(tab: Any) -> None:
    tab.wait_for_selector("#browser[aria-busy=false] :is(.sample, .empty)")


def go(tab: Any, place: str) -> None:
    tab.evaluate("place => { location.hash = place; }", f"#samples?{place}")
    tab.wait_for_function("place => location.hash.endsWith(place)", arg=place)
    tab.wait_for_timeout(20)
    settled(tab)


def scores(run: Any, model: str) -> list[dict[str, Any]]:
    return list(read_jsonl(Path(run.results_dir, model, "scores/set/one.jsonl")))


def recounted(rows: list[dict[str, Any]]) -> dict[str, Counter[Any]]:
    """The words behind the errors, counted anew from a file of scores."""
    found: dict[str, Counter[Any]] = {kind: Counter() for kind in ("c", "d", "i", "said", "wrong")}
    for row in rows:
        found["said"].update(row["reference"].split())
        for operation, _, _, ref, hyp in row["edits"]:
            kind = {"replace": "c", "delete": "d", "insert": "i"}[operation]
            found[kind][(ref, hyp) if kind == "c" else ref or hyp] += 1
            if ref:
                found["wrong"][ref] += 1
    return found


def test_the_words_are_those_of_the_scores_also_of_a_slice(tab: Any, run: Any):
    for place, low, high in (("", 0, 99), ("&seconds=5-10", 5, 10)):
        go(tab, f"model=first&with=second{place}")
        sides = [
            recounted([row for row in scores(run, model) if low <= row["duration"] < high])
            for model in ("first", "second")
        ]
        for kind, key in (("confused", "c"), ("deleted", "d"), ("inserted", "i")):
            lines = table(tab, kind)
            seen = {tuple(line[:2]) if key == "c" else line[0]: line[-3:-1] for line in lines}
            keys = set(sides[0][key]) | set(sides[1][key])
            assert keys
            expected = {one: [str(side[key][one]) for side in sides] for one in keys}
            assert seen == expected
        for word, n, *shares in table(tab, "right"):
            assert int(n) == sides[0]["said"][word]
            rights = [100 * (1 - side["wrong"][word] / side["said"][word]) for side in sides]
            assert shares[:2] == [f"{share:.1f}" for share in rights]


def table(tab: Any, kind: str) -> list[list[str]]:
    rows = tab.locator(f"[data-kind={kind}] tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def test_a_table_of_words_sorts_and_each_word_leads_to_its_clips(tab: Any, run: Any):
    tab.locator("[data-kind=deleted] thead button", has_text="A").first.click()
    counts = [int(line[1]) for line in table(tab, "deleted")]
    assert counts == sorted(counts, reverse=True)
    word = tab.locator("[data-kind=deleted] tbody a").first
    named = word.inner_text()
    word.click()
    tab.wait_for_selector("[data-named]:not([hidden])")
    settled(tab)
    assert f"“{named}” deleted" in tab.inner_text("[data-named]")
    expected = {
        row["id"]
        for model in ("first", "second")
        for row in scores(run, model)
        if any(edit[0] == "delete" and edit[3] == named for edit in row["edits"])
    }
    assert tab.inner_text("[data-count]").split(" samples")[0].endswith(f"of {len(expected)}")
    assert set(tab.locator(".sample h3").all_inner_texts()) <= expected
    tab.click("[data-named] button")
    tab.wait_for_selector("[data-named]", state="hidden")


def test_the_difference_is_that_of_the_paired_test_whichever_model_is_first(tab: Any, run: Any):
    (line,) = (one.line for one in differences(gather(run))
               if (one.a, one.b, one.protocol) == ("first", "second", "whisper"))  # fmt: skip
    shown = tab.inner_text("[data-difference] tbody tr")
    assert f"+{line['difference']:.2f}" in shown
    assert f"{line['wins']} / {line['ties']} / {line['losses']}" in shown
    assert "first is better than second" in tab.inner_text("[data-difference] .note")
    go(tab, "model=second&with=first")
    shown = tab.inner_text("[data-difference] tbody tr")
    assert f"−{line['difference']:.2f}" in shown
    assert f"{line['losses']} / {line['ties']} / {line['wins']}" in shown
    assert "first is better than second" in tab.inner_text("[data-difference] .note")
    go(tab, "model=second&with=third")
    assert "No difference that holds" in tab.inner_text("[data-difference] .note")


def test_samples_are_filtered_by_who_is_wrong_and_buttons_say_how_many(tab: Any, run: Any):
    wrong = [[bool(row["edits"]) for row in scores(run, model)] for model in ("first", "second")]
    names = {"A wrong, B right": (True, False), "A right, B wrong": (False, True),
             "both wrong": (True, True), "both right": (False, False)}  # fmt: skip
    for label, outcome in names.items():
        expected = sum(pair == outcome for pair in zip(*wrong, strict=True))
        button = tab.locator(f'button[data-kind="{label}"]')
        assert button.inner_text().split()[-1] == str(expected)
        button.click()
        tab.wait_for_selector(f'button[data-kind="{label}"][aria-pressed=true]')
        settled(tab)
        count = tab.inner_text("[data-count]")
        assert count.startswith("None") if not expected else f"of {expected} samples" in count
        if expected and expected < 60:
            assert "not tested" in tab.inner_text("[data-difference]")


def test_all_models_of_a_sample_stand_below_each_other(tab: Any):
    tab.select_option("select[name=with]", "*")
    tab.wait_for_function("document.querySelector('.who').children.length === 4")
    assert tab.locator("[data-difference]:visible").count() == 0


def test_the_best_in_a_table_is_told_from_what_is_worse_by_the_test(run: Any):
    results = Path(run.results_dir)
    tex = (results / "leaderboard.tex").read_text()
    assert tex.count("$^\\dagger$ The best in the column is better") == 2  # one a protocol
    row = next(line for line in tex.splitlines() if line.startswith("second"))
    assert row.count("$^\\dagger$") == 2  # micro and the split; macro and speed have no test
    assert "†" not in next(
        line for line in (results / "leaderboard.md").read_text().splitlines()
        if line.startswith("| first")
    )  # fmt: skip


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Any, width: int, scheme: str):
    from axe_playwright_python.sync_playwright import Axe

    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_selector(f"html[data-theme={scheme}]")
    found = Axe().run(tab).response["violations"]
    SHOTS.mkdir(exist_ok=True)
    tab.screenshot(path=SHOTS / f"errors-{width}-{scheme}.png")
    told = [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found]
    assert told == []
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(over) <= 0


def test_questions_have_rates_compared_and_no_words(browser: Any, tmp_path: Path):
    build(write_questions(tmp_path, ["right", "wrong"]), tmp_path / "results")
    tab = browser.new_page()
    place = "#samples?split=quiz%2Fclosed_form&model=wrong&with=right"
    tab.goto((tmp_path / "results/report.html").as_uri() + place)
    settled(tab)
    cells = tab.locator("[data-difference] tbody tr").first.locator("td").all_inner_texts()
    assert cells[:3] == ["0.00", "100.00", "+100.00"]
    assert tab.locator("[data-words]:visible").count() == 0
    tab.click('button[data-kind="A wrong, B right"]')
    tab.wait_for_selector("button[aria-pressed=true][data-kind='A wrong, B right']")
    assert "of 6 samples" in tab.inner_text("[data-count]")
    tab.close()
