"""The config, resolved."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import yaml

from earmark.cli.project import load_run
from earmark.config import load, read_yaml, resolve, unset_keys
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


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("published", "nope.csv", r"published: \S*/nope.csv.* does not exist; a CSV file"),
        ("published", "config", "published: .*/config.* is a folder; a CSV file"),
        ("data_dir", "a.jsonl/data", "data_dir: .*/a.jsonl is a file; a folder is expected"),
        ("results_dir", "a.jsonl", "results_dir: .*/a.jsonl is a file; a folder is expected"),
        ("hub_cache", "a.jsonl", "hub_cache: .*/a.jsonl is a file; a folder is expected"),
    ],
)
def test_a_path_that_cannot_be_is_named_with_its_key(root, monkeypatch, key, value, says):
    monkeypatch.chdir(root)
    config = {"benchmarks": {"calls": None}, "models": {"m": MODEL}, key: value}
    with pytest.raises(EarmarkError, match=f"config.yaml: {says}"):
        resolve(config, root, "config.yaml")


def test_what_the_clone_lacks_is_looked_for_in_the_working_folder(root, tmp_path_factory):
    mine = tmp_path_factory.mktemp("mine")
    (mine / "published.csv").write_text("model\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(mine)
        config = {"benchmarks": {"calls": None}, "models": {"m": MODEL}}
        assert resolve(config | {"published": "published.csv"}, root).published == "published.csv"


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


def refusal(root, benchmarks=None, model=None, **config):
    whole = {
        "benchmarks": {"calls": benchmarks},
        "models": {"m": {**MODEL, **(model or {})}},
        **config,
    }
    with pytest.raises(EarmarkError) as caught:
        resolve(whole, root, "config.yaml")
    return str(caught.value)


def test_all_that_is_wrong_is_told_at_once_each_with_what_is_allowed(root):
    model = {"server": "vllm", "client": {"timeout": 0}, "sampling": {"temprature": 0, "top_p": 2}}
    lines = refusal(root, {"limit": True}, {**model, "server_args": {"a": 1}}).splitlines()
    for says in (
        "benchmarks.calls.limit: integer expected, found true",
        "models.m.client.timeout: must be more than 0, found 0",
        "models.m.sampling.temprature: unknown key (did you mean 'temperature'?); allowed: freq",
        "models.m.sampling.top_p: must be at most 1, found 2",
        'models.m.server_args: text or list expected, found {"a": 1}',
    ):
        assert any(line.startswith(f"config.yaml: {says}") for line in lines), says
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"benchmarks": {"leave_out": {}}}, "benchmarks.calls.leave_out: is now called `exclude`"),
        (
            {"benchmarks": {"splits": {"one": {"allow_bad_audio": True}}}},
            "splits.one.allow_bad_audio: is now called `skip_bad_audio`",
        ),
        ({"model": {"server": "openai", "gpus": 1}}, "gpus: means nothing for `server: openai`; it"),
        ({"model": {"command": "x {port}"}}, "m.command: means nothing for `server: demo`; it is"),
        ({"benchmarks": {"source": {"repo": "a/b"}}}, "source.repo: means nothing for `type: local`"),
        ({"matcher": {"type": "demo", "dtype": "float16"}}, "matcher.dtype: means nothing for"),
        ({"matcher": {"type": "embeddings", "model": "m"}}, "matcher.base_url: missing, and `type: embeddings`"),
        ({"judge": {**MODEL, "audio": "path"}}, "judge.audio: "),
        ({"models": {"report.html": MODEL}}, "models.report.html: results_dir has a file of that"),
        ({"models": {"x" * 101: MODEL}}, "a name of 101 characters; .* which can have 100"),
        ({"data_dir": "$EARMARK_NONE/x"}, "data_dir: the variable EARMARK_NONE is not set; export"),
        ({"results_dir": "a{b}"}, "results_dir: braces are for wildcards"),
        ({"model": {"revision": 1234567}}, "revision: text expected, found 1234567; quote it"),
        ({"model": {"model": None}}, "models.m.model: text expected, found null"),
        ({"benchmarks": {"splits": [{"one": None}]}}, r"splits: .* is not allowed; `all`, a list"),
        ({"benchmarks": {"protocols": ["none", "none"]}}, "protocols: one is named twice"),
        ({"benchmarks": {"protocols": ["non"]}}, r"protocols.0: \"non\" is not one of .*'none'"),
        ({"benchmarks": {"choices": ["a"]}}, "choices: at least 2 entries are needed"),
        ({"benchmarks": {"group_by": [{"a": [1], "b": [2]}]}}, "group_by.0: text or at most 1 of"),
        ({"benchmarks": {"refusals": [" "]}}, "refusals.0: a phrase is expected, found spaces"),
        ({"benchmarks": {"source": {"archive": "a.tar.zst"}}}, "archive: an archive of a kind that"),
        ({"models": [MODEL]}, "models: mapping expected, found"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_meant_is_refused_with_what_to_do(root, config, says):
    said = refusal(root, **config)
    assert re.search(f"^config.yaml.*{says}", said, re.MULTILINE)
    assert len(said.splitlines()) == 1


COMET = {"model": "Unbabel/wmt22-comet-da"}


@pytest.mark.parametrize(
    ("scoring", "key", "value", "only"),
    [
        ("asr", "keywords", "terms", "keywords"),
        ("asr", "target_language", "de", "translation"),
        ("asr", "tokenizer", "13a", "translation"),
        ("asr", "comet", COMET, "translation"),
        ("asr", "judged", {"user": "{response}"}, "judged"),
        ("asr", "choices", ["a", "b"], "multiple_choice"),
        ("asr", "sentences", "punkt", "instruction_following"),
        ("translation", "protocols", ["basic"], "asr"),
        ("keywords", "postprocess", "chatty", "asr"),
        ("hallucination", "session", {"group": "g", "order": "n"}, "asr"),
        ("multiple_choice", "averaged_with", "x", "asr"),
        ("judged", "group", {"column": "c"}, "asr, translation, keywords, hallucination"),
    ],
)
def test_a_key_that_the_scoring_has_no_use_for_is_refused(root, scoring, key, value, only):
    why = f"{key}: means nothing for `scoring: {scoring}`; it is for {only}"
    judged = {"judged": {"user": "{response}", "success_from": 3}} if scoring == "judged" else {}
    for said, where in (
        ({key: value}, "config.yaml: benchmarks.calls."),
        ({"splits": {"two": {key: value}}}, "config.yaml: benchmarks.calls.splits.two."),
    ):
        with pytest.raises(EarmarkError) as caught:
            resolved(root, {"calls": {"scoring": scoring, **judged, **said}})
        assert str(caught.value) == f"{where}{why}"
    file = root / "config" / "benchmarks" / "calls.yaml"
    declaration = {**yaml.safe_load(file.read_text()), "scoring": scoring, **judged}
    split = {**declaration["splits"], "two": {"source": {"columns": {}}, key: value}}
    for more, where in (({key: value}, ": "), ({"splits": split}, ": splits.two.")):
        file.write_text(yaml.safe_dump({**declaration, **more}))
        with pytest.raises(EarmarkError) as caught:
            resolved(root, {"calls": {"splits": ["one"]}})
        assert str(caught.value) == f"{file}{where}{why}"


def test_a_key_that_some_splits_have_a_use_for_may_stand_above_all(root):
    judged = {"user": "{response}", "success_from": 3}
    splits = {"one": {"scoring": "judged"}, "two": {"scoring": "multiple_choice"}}
    run = resolved(root, {"calls": {"judged": judged, "splits": splits}})
    assert run.benchmarks["calls"]["one"].judged.success_from == 3
    resolved(root, {"calls": {"comet": None, "session": None}})  # nothing is said


@pytest.mark.parametrize("where", ["api_key_env", "base_url", "server_args", "env"])
@pytest.mark.parametrize("secret", ["sk-live123", "nvapi-live123", "hf_live123", "live123 live"])
def test_a_key_in_the_config_is_refused_and_not_repeated(root, where, secret):
    given = {
        "api_key_env": {"api_key_env": secret},
        "base_url": {"base_url": f"http://u:{secret}@h/v1"},
        "server_args": {"server_args": {"--api-key": secret}},
        "env": {"env": {"MY_API_KEY": [secret]}},
    }
    told = refusal(root, model=given[where])
    assert f"models.m.{where}" in told
    assert "live123" not in told


def test_paths_are_expanded_when_the_run_begins_and_not_again(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("EARMARK_PLACE", "there")
    config = {
        "benchmarks": {"calls": {"source": {"manifest": "~/a.jsonl"}}},
        "models": {"m": MODEL},
        "data_dir": "~/data/",
        "results_dir": "/$EARMARK_PLACE/results",
        "hub_cache": "/${EARMARK_PLACE}/hub",
        "matcher": {"type": "nv-embed", "python": "~/python"},
    }
    run = resolve(config, root)
    assert (run.data_dir, run.results_dir) == (f"{root}/data", "/there/results")
    assert (run.hub_cache, run.matcher.python) == ("/there/hub", f"{root}/python")
    assert str(run.paths.source.of(benchmark="a", split="b")) == f"{root}/data/a/b/source.json"
    monkeypatch.setenv("EARMARK_PLACE", "elsewhere")
    again = resolve({**run.given, "frozen": run.frozen})
    assert (again.results_dir, again.splits) == (run.results_dir, run.splits)


def test_the_keys_that_the_environment_lacks_are_told_by_name(root, monkeypatch):
    monkeypatch.delenv("EARMARK_KEY", raising=False)
    run = resolved(root, {"calls": None}, {"api_key_env": "EARMARK_KEY"})
    (told,) = unset_keys(run)
    assert told.startswith("models.m.api_key_env: EARMARK_KEY is not set; export EARMARK_KEY=")
    monkeypatch.setenv("EARMARK_KEY", "x")
    assert not list(unset_keys(run))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: {c: 2,\n  c: 3}\n", "line 3: the key 'c' is there already, in line 2"),
        ("a:\n\tb: 1\n", "line 2: not YAML: found .*t"),
        ("a: {b: 1\nc: 2\n", "line 2: not YAML"),
    ],
)
def test_yaml_that_means_something_else_than_it_looks_is_refused_by_line(tmp_path, text, says):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(EarmarkError, match=f"c.yaml, {says}"):
        read_yaml(path)


@pytest.mark.filterwarnings("error")
def test_plain_dictionaries_hold_numbers_as_they_were_written_and_no_defaults_of_null(root):
    run = resolved(
        root,
        {"calls": {"sample": {"n": 3}}},
        {"sampling": {"temperature": 0}, "server_args": ["--workers", 2]},
    )
    (model,) = run.models.values()
    assert model.settings["sampling"] == {"temperature": 0}
    assert type(model.settings["sampling"]["temperature"]) is int
    assert model.settings["server_args"] == ["--workers", 2]
    assert model.settings["client"] == {"adaptive": True, "timeout": 600, "max_retries": 8}
    assert "container" not in model.settings and model.settings["revision"] is None
    assert model.total_gpus == 0
    split = run.benchmarks["calls"]["one"]
    assert split.preparation["source"] == {
        "type": "local", "manifest": split.source.manifest, "columns": {"text": "said"},
    }  # fmt: skip
    assert split.preparation["sample"] == {"n": 3}
    again = type(split).model_validate(split.record)
    assert again.preparation == split.preparation
    (model,) = run.models.values()
    reread = type(model).model_validate(model.settings)
    assert reread.request(again) == model.request(split)


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
