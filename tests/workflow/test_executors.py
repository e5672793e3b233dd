"""What docs/cluster.md says of engines beside SLURM: its commands, and GPUs that are not shared."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

TESTS = Path(__file__).parents[1]
GPUS = ("5", "7")

pytestmark = pytest.mark.slow

SERVER = """
import os, signal, sys, time
from pathlib import Path
from standin import standin

used, port = Path(sys.argv[1]), int(sys.argv[2])
device = os.environ["CUDA_VISIBLE_DEVICES"]
claim = used / f"{device}.now"
try:
    claim.touch(exist_ok=False)
except FileExistsError:
    (used / "shared").write_text(device)
    raise
alone = len(list(used.glob("*.now"))) == 1
with (used / "log").open("a") as log:
    log.write(f"{device} {'alone' if alone else 'beside another'}\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    with standin(port):
        time.sleep(300)
finally:
    claim.unlink()
"""


def documented() -> list[list[str]]:
    """Snakemake's arguments in each command of the page's sections on other engines."""
    text = (TESTS.parent / "docs/cluster.md").read_text()
    found = []
    for title in ("One machine with many GPUs", "Kubernetes"):
        section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
        blocks = re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)
        assert blocks, title
        for language, block in blocks:
            if language == "yaml":
                (container,) = yaml.safe_load(block)["spec"]["template"]["spec"]["containers"]
                found.append(shlex.split(container["command"][-1].rpartition(" exec ")[2]))
            else:
                found += [shlex.split(line, comments=True) for line in block.splitlines()]
    assert len(found) >= 2
    for words in found:
        assert words[0] == "snakemake", words
    return [words[1:] for words in found]


@pytest.mark.parametrize("arguments", documented(), ids=" ".join)
def test_the_documented_command_starts_a_dry_run(workflow, arguments):
    with_gpus(workflow, 2, Path("unused"))
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(workflow.config))
    own = ["--directory", workflow.folder, "--configfile", workflow.folder / "config.yaml", "-n"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, *own],
        cwd=workflow.clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gpu=1" in done.stdout


def with_gpus(workflow, models: int, used: Path) -> None:
    """Models that each ask for a GPU, on one clip."""
    audio = workflow.folder / "audio"
    audio.mkdir()
    soundfile.write(audio / "0.wav", [0.1, -0.1] * 4000, 16000)
    row = {"id": "u0", "audio_filepath": "0.wav", "text": "heard"}
    (audio / "all.jsonl").write_text(json.dumps(row) + "\n")
    workflow.benchmark("mini", all={"type": "local", "manifest": str(audio / "all.jsonl")})
    script = workflow.folder / "server.py"
    script.write_text(SERVER)
    for index in range(models):
        workflow.config["models"][f"model{index}"] = {
            "server": "command",
            "command": f"{sys.executable} {script} {used} {{port}} {index}",
            "model": "standin",
            "gpus": 1,
            "audio": "input_audio",
            "client": {"max_retries": 1},
            "env": {"PYTHONPATH": str(TESTS)},
        }


@pytest.mark.parametrize("told", [2, 3])
def test_servers_of_one_machine_never_share_a_gpu(workflow, tmp_path, told):
    """Also where Snakemake is told of more GPUs than there are: the third server waits."""
    used = tmp_path / "used"
    used.mkdir()
    with_gpus(workflow, 3, used)
    workflow.environment_more = {"CUDA_VISIBLE_DEVICES": ",".join(GPUS)}
    workflow.run("--executor", "local", "--cores", "6", "--resources", f"gpu={told}")
    assert not (used / "shared").exists()
    lines = (used / "log").read_text().splitlines()
    assert len(lines) == 3
    assert {line.split()[0] for line in lines} == set(GPUS)
    assert any("beside another" in line for line in lines)


def test_one_gpu_is_one_server_after_another(workflow, tmp_path):
    used = tmp_path / "used"
    used.mkdir()
    with_gpus(workflow, 2, used)
    workflow.environment_more = {"CUDA_VISIBLE_DEVICES": GPUS[0]}
    workflow.run("--executor", "local", "--cores", "6", "--resources", "gpu=1")
    lines = (used / "log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["alone", "alone"]
