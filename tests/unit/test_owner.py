"""A results folder is one config's: another is told before it replaces the report."""

from __future__ import annotations

import shutil

import pytest
import yaml
from report_samples import write_run

from earmark.config import load
from earmark.errors import EarmarkError
from earmark.report.build import build


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with one config's finished report, worked in."""
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path, {"one": ["a b"]}, ["a b"])
    build(load("config.yaml"), run.results_dir)
    return tmp_path


def other(place, name="other.yaml"):
    shutil.copy(place / "config.yaml", place / name)
    return load(name)


def test_another_configs_report_is_not_replaced_and_both_are_named(place):
    page = place / "results" / "report.html"
    before = page.read_bytes()
    page.write_bytes(before + b" ")
    with pytest.raises(
        EarmarkError, match=r"(?s)^other.yaml: results_dir: .* config.yaml, .*delete"
    ):
        build(other(place), place / "results")
    assert page.read_bytes() == before + b" "


def test_what_the_message_says_lets_the_other_config_take_over(place):
    (place / "results" / "report.config.json").unlink()
    build(other(place), place / "results")
    with pytest.raises(EarmarkError, match=r"^config.yaml: results_dir"):
        build(load("config.yaml"), place / "results")


def test_the_same_config_edited_renamed_or_seen_from_elsewhere_goes_on(place, monkeypatch):
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["models"]["two"] = {"server": "demo", "model": "m"}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    build(load("config.yaml"), place / "results")
    monkeypatch.chdir("/")
    build(load(place / "config.yaml"), place / "results")
    monkeypatch.chdir(place)
    (place / "config.yaml").rename(place / "renamed.yaml")
    build(load("renamed.yaml"), place / "results")


def test_the_demo_and_real_runs_have_a_folder_each(clone):
    folders = {
        load(clone / f"config/{name}.yaml", clone).results_dir for name in ("demo", "config")
    }
    assert folders == {"results-demo", "results"}
    assert "/results-demo/" in (clone / ".gitignore").read_text().split()
