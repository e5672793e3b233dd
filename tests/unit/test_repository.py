"""Promises that the repository makes about itself."""

from __future__ import annotations

import re
import tomllib


def test_the_conda_environment_pins_what_the_lock_pins(clone):
    lock = dict(
        re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", (clone / "requirements.lock").read_text(), re.M)
    )
    project = tomllib.loads((clone / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["demo"]
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in wanted}
    text = (clone / "workflow/envs/earmark.yaml").read_text()
    pins = dict(re.findall(r"- ([\w.-]+)(?:\[[\w,]+\])?==(\S+)", text))
    assert {name: lock[name] for name in names} == pins


def test_pyav_is_one_that_the_demos_model_can_use_on_every_python(clone):
    """faster-whisper 1.2 hands PyAV 19 no frame to resample to: no clip is answered."""
    (bound,) = (
        requirement
        for requirement in tomllib.loads((clone / "pyproject.toml").read_text())["project"][
            "dependencies"
        ]
        if re.match(r"av\b", requirement)
    )
    assert bound.endswith(",<19")
    locked = re.findall(r"^av==(\d+)", (clone / "requirements.lock").read_text(), re.M)
    assert locked and all(int(major) < 19 for major in locked)


def test_one_lowest_snakemake_is_asked_for_and_it_takes_functions_as_priorities(clone):
    """9.14.0 to 9.16.3 end with "Priority values have to be numeric"."""
    (asked,) = re.findall(r'^min_version\("([\d.]+)"\)', (clone / "Snakefile").read_text(), re.M)
    assert f'"snakemake>={asked}"' in (clone / "pyproject.toml").read_text()
    assert tuple(map(int, asked.split("."))) >= (9, 17)


def test_the_lock_names_no_registry_and_holds_a_hash_for_everything(clone):
    text = (clone / "requirements.lock").read_text()
    assert "http" not in re.sub(
        r"^[a-z0-9_.-]+==|# via.*|#   .*|--hash", "", text, flags=re.M
    ).replace("httpx", "").replace("httpcore", "").replace("aiohttp", "")
    blocks = re.findall(r"^([a-z0-9_.-]+)==.*\n( +--hash=.*)", text, re.M)
    assert len(blocks) == len(re.findall(r"^[a-z0-9_.-]+==", text, re.M))
