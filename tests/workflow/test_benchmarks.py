"""Every declared benchmark from its source to its metrics, in a real run against a stand-in.

Its sets lie on a loopback Hub (or site), a few rows each, in the schema of the real ones: `field_sets`.
"""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest
import soundfile
from field_hub import Field
from field_sets import BY_CHARACTERS, SETS, WRONG
from judge_server import GOOD, StandIn
from loopback_hub import loopback_hub
from running import Workflow

from earmark.config import resolve
from earmark.language import code

CLONE = Path(__file__).parents[2]
DECLARED = sorted(path.stem for path in (CLONE / "config/benchmarks").glob("*.yaml"))
LOCAL = ("demo", "demo-mmau")
"""The clone's own sets, which test_demo runs."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def verdict(asked):
    """What a judge says of an open answer, in the words that its prompt asks for."""
    good = WRONG not in asked
    if "Say Yes or No" in asked:
        return "Yes" if good else "No"
    if "with the number alone" in asked:
        return "5" if good else "1"
    if "0 for no" in asked or "`Rating: `" in asked:
        best = 1 if "0 for no" in asked else 5
        return f"So it is.\nRating: {best if good else 0}"
    return GOOD if good else GOOD.replace("5", "1")


def answers_of(field):
    """The answers of the stand-in: of a clip what is said of it, of a judge's prompt a verdict."""

    def answer(body):
        content = body["messages"][-1]["content"]
        if isinstance(content, str):
            return verdict(content)
        heard = [part["input_audio"] for part in content if part["type"] == "input_audio"]
        audio = io.BytesIO(base64.b64decode(heard[0]["data"]))
        samples = soundfile.info(audio).frames
        prompt = "".join(part["text"] for part in content if part["type"] == "text")
        return field.heard.get((samples, prompt), field.heard[samples])

    return answer


def declared():
    """The splits of each benchmark, by its name."""
    models = {"m": {"server": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m"}}
    run = resolve({"benchmarks": dict.fromkeys(SETS), "models": models}, CLONE)
    return {name: list(splits.values()) for name, splits in run.benchmarks.items()}


def kinds(splits):
    """The first of the splits that are scored in the same way; the others are like it."""

    found = {}
    for split in splits:
        scale = split.judged.scale if split.scoring == "judged" else ()
        by_characters = split.scoring == "asr" and code(split.language or "en") in BY_CHARACTERS
        found.setdefault((split.scoring, split.session, by_characters, *scale), split)
    return list(found.values())


def run(folder, chosen):
    """Run these splits, by their benchmarks; returns the rates that are expected, and metrics."""
    field, expected = Field(), defaultdict(dict)
    for name, splits in chosen.items():
        for split in splits:
            expected[name][split.name] = SETS[name](field, split)
    field.readmes()
    workflow = Workflow(CLONE, folder)
    site = folder / "site"
    site.mkdir()
    for name, data in field.web.items():
        (site / name).write_bytes(data)
    quiet = partial(Quiet, directory=str(site))
    with (
        loopback_hub() as hub,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet) as web,
        StandIn(answers_of(field)) as server,
    ):
        threading.Thread(target=web.serve_forever, daemon=True).start()
        for (repo, branch), files in field.repos.items():
            hub.commit(repo, files, branch)
        workflow.environment_more = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home"), "HF_TOKEN": "",
            "HF_HUB_OFFLINE": "0",
        }  # fmt: skip
        model = {"server": "openai", "base_url": server.url, "model": "m"}
        workflow.config = {
            "models": {"m": model},
            "judge": {**model, "sampling": {"temperature": 0.5}},
            "matcher": {"type": "embeddings", "base_url": server.url, "model": "e"},
            "benchmarks": {
                name: {"splits": {one.name: own(one, web.server_port) for one in splits}}
                for name, splits in chosen.items()
            },
        }
        metrics = {name: f"results/m/eval-results/{name}/metrics.json" for name in chosen}
        workflow.run(*metrics.values(), "--cores", "4")  # jobs that wait ask for two
        web.shutdown()
    found = {name: json.loads((folder / path).read_text()) for name, path in metrics.items()}
    return expected, found


def own(split, port):
    """What the config says over a split's declaration: archives come from here."""
    keys = {}
    if split.source.type == "url":
        names = [url.rsplit("/", 1)[1] for url in split.source.urls]
        names = [f"manifests-{names[1]}" if n == "manifests.tar.gz" else n for n in names]
        keys["source"] = {"urls": [f"http://127.0.0.1:{port}/{name}" for name in names]}
    if split.scoring == "translation" and split.target_language[:2] in ("ja", "ko"):
        keys["tokenizer"] = "char"  # theirs are packages that are optional
    return keys


def check(benchmark, splits, expected, found):
    """The rates of each split, and what they make of the benchmark."""
    mark = "." if splits[0].way == "mmau" else "-"
    rates, sizes = defaultdict(list), []
    for split in splits:
        metrics = found[f"{benchmark}{mark}{split.name}"]["pass@1"]
        wanted = expected[split.name]
        got = {name: metrics[name] for name in wanted}
        assert got == pytest.approx(wanted), split.name
        assert metrics["num_failed"] == 0
        name = "success_rate" if mark == "." else next(iter(wanted))
        if split.scoring == "asr" and split.protocols[0] != splits[0].protocols[0]:
            name = f"wer_{splits[0].protocols[0]}"  # the benchmark's is its first split's
        rates[split.averaged_with or split.name].append((name, wanted[name]))
        sizes.append(metrics["num_entries"])
    whole = found[benchmark]["pass@1"]
    assert whole["num_entries"] == sum(sizes)
    values = [rate for of in rates.values() for _, rate in of]
    if mark == ".":
        weighted = sum(n * rate for n, rate in zip(sizes, values, strict=True)) / sum(sizes)
        assert whole["success_rate"] == pytest.approx(weighted)
    elif splits[0].scoring == "asr":
        means = [sum(rate for _, rate in of) / len(of) for of in rates.values()]
        assert whole["wer_macro_splits"] == pytest.approx(sum(means) / len(means), abs=0.005)
    else:
        ((name, _), *_) = next(iter(rates.values()))
        assert whole[name] == pytest.approx(sum(values) / len(values))


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """All benchmarks in one run, of splits that are alike the first."""
    chosen = {name: kinds(splits) for name, splits in declared().items()}
    return chosen, *run(tmp_path_factory.mktemp("run"), chosen)


def test_every_declaration_has_a_set():
    assert sorted([*SETS, *LOCAL]) == DECLARED, "tests/field_sets.py: a maker for the new benchmark"


@pytest.mark.parametrize("benchmark", SETS)
def test_a_benchmark_goes_all_the_way(one_run, benchmark):
    chosen, expected, found = one_run
    check(benchmark, chosen[benchmark], expected[benchmark], found[benchmark])


@pytest.mark.slow
@pytest.mark.parametrize(
    "benchmark", [one for one in SETS if len(declared()[one]) > len(kinds(declared()[one]))]
)
def test_the_other_splits_go_all_the_way(tmp_path, benchmark):
    splits = declared()[benchmark]
    expected, found = run(tmp_path, {benchmark: splits})
    check(benchmark, splits, expected[benchmark], found[benchmark])
