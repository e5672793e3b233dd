"""What somebody meets in the first hour: resources, a wrong environment, a demo that can be read."""

from __future__ import annotations

import re

UNLIKE_OURS = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "jiwer" else found(name, *more)
"""


def two_models(workflow) -> None:
    table = workflow.sentences("few", "A short sentence.")
    workflow.benchmark("mini", few={"type": "local", "manifest": str(table)})
    remote = {"server": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    workflow.config["models"] = {
        "remote": remote,
        "large": {"server": "vllm", "model": "large", "gpus": 2},
    }


def test_models_without_gpus_do_not_go_where_gpus_are(workflow):
    two_models(workflow)
    profile = workflow.clone / "profiles/slurm"
    output = workflow.run("-n", "--profile", str(profile))
    rules = {
        (rule, model): resources
        for rule, model, resources in re.findall(
            r"^ *rule (infer\w*):.*?model=(\w+),.*?resources: (.*?)$", output, re.M | re.DOTALL
        )
    }
    assert rules.keys() == {("infer", "remote"), ("infer_gpu", "large")}
    remote, large = rules["infer", "remote"], rules["infer_gpu", "large"]
    assert "slurm_partition=cpu" in remote and "mem_mb=4000" in remote and "gpu=0" in remote
    assert "slurm_partition=gpu" in large and "mem_mb=64000" in large and "gpu=2" in large
    assert "runtime=240" in remote and "runtime=60" in large


def test_an_environment_without_earmarks_packages_is_named_with_what_to_activate(workflow):
    (workflow.folder / "sitecustomize.py").write_text(UNLIKE_OURS)
    workflow.environment_more = {"PYTHONPATH": str(workflow.folder)}
    output = workflow.run("-n", code=1)
    assert "lacks jiwer" in output
    assert "`. .venv/bin/activate`" in output
    assert "Traceback" not in output


def test_a_line_a_job_is_all_that_the_demo_prints(workflow):
    two_models(workflow)
    del workflow.config["models"]["large"]
    workflow.config["models"]["remote"]["client"] = {"max_retries": 0}
    lines = workflow.run("--logger", "earmark", code=1).splitlines()
    assert any(re.fullmatch(r" *1 of \d+: download mini few \(\d+ s\)", line) for line in lines)
    assert any(line.startswith("failed: infer remote mini few (") for line in lines)
    assert len(lines) < 20, "\n".join(lines)
