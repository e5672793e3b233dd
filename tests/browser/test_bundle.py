"""A report that is sent: it opens in another folder, with sound, and names no machine."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from report_samples import write_run

from earmark.cli import main
from earmark.errors import EarmarkError
from earmark.files import read_jsonl, write_jsonl
from earmark.report import page as report_page
from earmark.report.build import bundle

SAID = [f"it was day number {n} of them" for n in range(30)]
HEARD = [
    text.replace("day", "a day", n % 2).replace("was", "is", n % 3) for n, text in enumerate(SAID)
]
HOST, SECRET = "node-a17", "/lustre/secret place/alice/models"


@pytest.fixture(scope="module")
def run(tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp("bundled")
    made = write_run(folder, {"one": SAID, "two": HEARD, "three": []}, SAID)
    manifest = folder / "data/set/one/manifest.jsonl"
    write_jsonl(manifest, [{**row, "from": f"/nfs/corpus/{n % 2}/tapes.wav"}
                           for n, row in enumerate(read_jsonl(manifest))])  # fmt: skip
    predictions = folder / "results/two/predictions/set/one.jsonl"
    error = (
        f"Cannot connect to host {HOST}.site.org:8000: {SECRET.replace(' ', '-')}/x.bin is missing"
    )
    write_jsonl(predictions, [{**row, "error": error} for row in read_jsonl(predictions)])
    job = {"start": 1, "end": 2, "ended_well": False, "project": {}, "hardware": {"host": HOST},
           "error": f"{HOST}: {folder}/logs/of the server.log says: http://10.1.2.3:8000/v1 refused"}  # fmt: skip
    write_jsonl(folder / "results/three/jobs/set/one.jsonl", [job])
    return made


def unpacked(folder: Path) -> str:
    """All text of a bundle: its page, and what its pieces hold."""
    page = (folder / "report.html").read_text()
    packed = re.findall(r'<script type="text/plain" id="piece-[^"]+">([^<]+)', page)
    for file in (folder / "report_files").glob("*.js"):
        packed.append(re.findall(r'"([^"]{9,})"\);', file.read_text())[0])
    assert len(packed) > 5
    texts = [zlib.decompress(base64.b64decode(one)).decode() for one in packed]
    return page + "".join(json.dumps(json.loads(one), ensure_ascii=False) for one in texts)


def opened(browser: Any, page: Path, place: str = "") -> Any:
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.goto(page.as_uri() + place)
    tab.wait_for_selector("#browser[aria-busy=false] .sample")
    return tab


@pytest.mark.parametrize("within", [3_000_000, 1000], ids=["one file", "pieces"])
def test_a_bundle_opens_in_another_folder_with_sound(
    browser: Any, run: Any, tmp_path: Path, monkeypatch: Any, within: int
):
    monkeypatch.setattr(report_page, "WITHIN", within)
    bundle(run, tmp_path / "made" / "here", worst=4)
    shutil.move(tmp_path / "made", tmp_path / "elsewhere é")
    sent = tmp_path / "elsewhere é" / "here"
    assert (sent / "report_files").is_dir() is (within == 1000)
    clips = list((sent / "audio").iterdir())
    assert len(clips) == 7  # four of each model, one of both
    tab = opened(browser, sent / "report.html", "#samples?model=two&with=one")
    tab.locator(".sample").first.focus()
    tab.keyboard.press(" ")
    tab.wait_for_function("document.querySelector('.sample audio').currentTime > 0.05")
    assert tab.evaluate("document.querySelector('.sample audio').error") is None
    assert abs(tab.evaluate("document.querySelector('.sample audio').duration") - 1) < 0.01
    assert tab.locator("audio").count() >= 4
    tab.close()


def test_a_waveform_shows_what_was_played_and_leads_there(browser: Any, run: Any, tmp_path: Path):
    bundle(run, tmp_path / "b", worst=4)
    tab = opened(browser, tmp_path / "b" / "report.html", "#samples?model=two")
    wave = tab.locator(".sample .wave").first
    assert wave.locator("path").first.get_attribute("d").count("M") == 240
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] / 2, "y": 10})
    tab.wait_for_function(
        "parseFloat(document.querySelector('.wave').style.getPropertyValue('--played')) >= 50"
    )
    tab.select_option("[data-speed]", "0.5")
    assert tab.evaluate("document.querySelector('audio').playbackRate") == 0.5
    tab.close()


def test_keys_lead_from_sample_to_sample(browser: Any, run: Any, tmp_path: Path):
    bundle(run, tmp_path / "b", worst=1)
    tab = opened(browser, tmp_path / "b" / "report.html")
    at = "[...document.querySelectorAll('.sample')].indexOf(document.activeElement)"
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        tab.keyboard.press(key)
        assert tab.evaluate(at) == place
    tab.focus("input[name=q]")
    tab.keyboard.press("j")
    assert tab.input_value("input[name=q]") == "j"
    tab.close()


def test_an_anonymous_bundle_names_no_path_and_no_host(run: Any, tmp_path: Path):
    bundle(run, tmp_path / "plain", worst=1)
    bundle(run, tmp_path / "sent", worst=1, without_places=True)
    plain, sent = unpacked(tmp_path / "plain"), unpacked(tmp_path / "sent")
    root = str(Path(run.results_dir).parent)
    for place in (HOST, "/nfs/corpus", "/lustre/", "10.1.2.3", root):
        assert place in plain
        assert place not in sent
    assert SAID[7] in sent
    assert "Cannot connect to host …" in sent


def test_a_zip_holds_the_bundle_and_a_folder_in_use_is_refused(
    browser: Any, run: Any, tmp_path: Path, capsys: Any
):
    config = str(Path(run.results_dir).parent / "config.yaml")
    sent = tmp_path / "sent.zip"
    assert main(["report", "--configfile", config, "--bundle", str(sent), "--worst", "2"]) == 0
    zipfile.ZipFile(sent).extractall(tmp_path)
    tab = opened(browser, tmp_path / "sent" / "report.html", "#samples?model=two")
    assert tab.locator("audio").count() >= 2
    tab.close()
    with pytest.raises(EarmarkError, match="not empty; name a new folder"):
        bundle(run, tmp_path / "sent")
    assert main(["report", "--configfile", config, "--anonymous"]) == 1
    assert "add --bundle" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_without_javascript_the_differences_stand(browser: Any, run: Any, tmp_path: Path):
    bundle(run, tmp_path / "b", worst=0)
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / "b" / "report.html").as_uri())
    cells = tab.locator("noscript tbody tr, [aria-label='Who wins'] tbody tr").first
    assert cells.locator("th, td").all_inner_texts()[:4] == ["set: one", "one", "two", "0.00"]
    context.close()
