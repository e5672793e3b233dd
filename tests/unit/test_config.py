"""The config, resolved."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml

from earmark.cli.project import load_run
from earmark.config import load, resolve
from earmark.errors import EarmarkError

MODEL = {"server": "demo", "model": "whisper-tiny.en"}


@pytest.fixture
def root(tmp_path):
    """A folder with one benchmark of two local splits."""
    (tmp_path / "a.jsonl").write_text("{}\n")
    folder = tmp_path / "config" / "benchmarks"
    folder.mkdir(parents=True)
    declaration = {
        "prompt": {"system": "Be brief.", "user": "Transcribe."},
        "source": {"type": "local", "manifest": "a.jsonl", "columns": {"text": "said"}},
        "splits": {"one": None, "two": {"source": {"columns": {"audio": "wav"}}}},
    }
    (folder / "calls.yaml").write_text(yaml.safe_dump(declaration))
    return tmp_path


def resolved(root, benchmarks, model=None):
    config = {"benchmarks": benchmarks, "models": {"m": {**MODEL, **(model or {})}}}
    return resolve(config, root, "config.yaml")


def test_all_splits_are_taken_where_none_are_named(root):
    assert list(resolved(root, {"calls": None}).benchmarks["calls"]) == ["one", "two"]
    assert list(resolved(root, {"calls": {"splits": ["two"]}}).benchmarks["calls"]) == ["two"]


def test_a_split_has_its_benchmarks_settings_under_its_own_and_the_configs_above(root):
    run = resolved(
        root,
        {"calls": {"prompt": {"user": "Write."}, "splits": {"two": {"prompt": {"suffix": "!"}}}}},
    )
    split = run.benchmarks["calls"]["two"]
    assert split.prompt.given == {"system": "Be brief.", "user": "Write.", "suffix": "!"}
    assert split.source.columns == {"text": "said", "audio": "wav"}


def test_a_request_holds_what_determines_answers_and_nothing_operational(root):
    wildcards = SimpleNamespace(model="m", benchmark="calls", split="one")
    slow = resolved(root, {"calls": None}, {"client": {"concurrency": 1}, "health_timeout": 9})
    fast = resolved(root, {"calls": None}, {"client": {"concurrency": 99}})
    assert slow.request(wildcards) == fast.request(wildcards)
    warm = resolved(root, {"calls": None}, {"sampling": {"temperature": 1}})
    assert warm.request(wildcards) != fast.request(wildcards)
    prompted = resolved(root, {"calls": None}, {"prompt": {"system": None}})
    assert prompted.request(wildcards)["prompt"]["system"] is None
    assert prompted.request(wildcards)["prompt"]["user"] == "Transcribe."


def test_a_models_folder_is_safe_and_its_own(root):
    config = {"benchmarks": {"calls": None}, "models": {"org/my model": MODEL, "../up": MODEL}}
    run = resolve(config, root)
    assert [model.name for model in run.models.values()] == ["org/my model", "../up"]
    assert all("/" not in folder and not folder.startswith(".") for folder in run.models)
    config["models"]["org my/model"] = MODEL
    with pytest.raises(EarmarkError, match="rename one of them"):
        resolve(config, root)


@pytest.mark.parametrize(
    ("benchmarks", "says"),
    [
        ({"calls": {"splits": ["thre"]}}, "unknown split 'thre'.*declares: one, two"),
        ({"cals": None}, "no such benchmark .did you mean 'calls'"),
        ({"calls": {"file": "gone.yaml"}}, "gone.yaml does not exist"),
        ({"calls": {"splits": {"one": {"source": {"manifest": "gone"}}}}}, "gone does not exist"),
        ({"calls": {"splits": {"one": {"source": {"type": "hub"}}}}}, "source.repo: missing"),
        ({"calls": {"splits": {"one": {"sorce": {}}}}}, "one.sorce: unknown key.*'source'"),
        ({"calls": {"splits": "one"}}, 'benchmarks.calls.splits: "one" is not allowed'),
    ],
)
def test_a_wrong_selection_is_named_with_what_is_known(root, benchmarks, says):
    with pytest.raises(EarmarkError, match=f"config.yaml.*{says}"):
        resolved(root, benchmarks)


def test_a_broken_declaration_is_named_by_its_file(root):
    path = root / "config/benchmarks/calls.yaml"
    path.write_text("splits: {one: {entries: many}}\n")
    with pytest.raises(EarmarkError, match="calls.yaml: splits.one.entries: integer expected"):
        resolved(root, {"calls": None})
    path.write_text("splits: [one\n")
    with pytest.raises(EarmarkError, match="calls.yaml, line 2: not YAML"):
        resolved(root, {"calls": None})


def test_a_config_that_is_no_mapping_is_refused(tmp_path):
    (tmp_path / "config.yaml").write_text("- a\n")
    with pytest.raises(EarmarkError, match="a mapping with `benchmarks` and `models`"):
        load(tmp_path / "config.yaml")


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_the_configs_of_the_clone_are_sound(clone, name):
    assert load(clone / "config" / name, clone).models


def test_the_leaderboard_declares_its_eight_splits(clone):
    run = load(clone / "config/config.yaml", clone)
    splits = run.benchmarks["asr-leaderboard"]
    assert sum(split.entries or 0 for split in splits.values()) == 143_597
    assert len(splits) == 8


def test_a_config_is_read_from_any_folder_with_the_results_of_its_project(
    root, tmp_path_factory, monkeypatch
):
    path = root / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({"benchmarks": {"calls": None}, "models": {"m": MODEL}}))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert load_run(path).results_dir == "results"  # none yet: they would be made where we are
    (root / "results").mkdir()
    run = load_run(path)
    assert list(run.benchmarks["calls"]) == ["one", "two"]
    assert (run.results_dir, run.data_dir) == (f"{root}/results", f"{root}/data")
    (elsewhere / "results").mkdir()
    assert load_run(path).results_dir == "results"


def test_outside_a_project_benchmarks_are_those_of_the_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        yaml.safe_dump({"benchmarks": {"asr-leaderboard": None}, "models": {"m": MODEL}})
    )
    assert "ami" in load_run("c.yaml").benchmarks["asr-leaderboard"]
