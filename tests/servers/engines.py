#!/usr/bin/env python3
"""Stand-ins for srun, docker, apptainer, torchrun and an image's python, told apart by their names.

Each notes its arguments and runs the rest, and refuses what the real one would: an option that it
does not know, srun within a container, a container that docker starts under a name that is taken.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

FLAGS = {
    "srun": {"--overlap", "--overcommit"},
    "docker": {"--rm", "--init", "--ipc=host", "--entrypoint="},
    "apptainer": {"--nv"},
}
VALUES = {
    "srun": {"--kill-on-bad-exit", "--nodes", "--ntasks", "--ntasks-per-node", "--cpu-bind",
             "--container-image", "--container-mounts"},
    "docker": {"--name", "--network", "--gpus", "--volume", "--env"},
    "apptainer": {"--bind", "--env"},
}  # fmt: skip
FOLDER = Path(__file__).parent


def refuse(why: str) -> None:
    print(f"{Path(sys.argv[0]).name}: {why}", file=sys.stderr, flush=True)
    sys.exit(125)


def options(name: str, words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    found: dict[str, list[str]] = {}
    while words and words[0].startswith("-"):
        word = words.pop(0)
        key, equals, value = word.partition("=")
        if word in FLAGS[name]:
            found[word] = []
        elif key in VALUES[name]:
            found.setdefault(key, []).append(value if equals else words.pop(0))
        else:
            refuse(f"unknown option {word}")
    return found, words


def contained(rest: list[str], mounts: list[str], env: dict[str, str]) -> None:
    seen = {pair.split(":")[1]: pair.split(":")[0] for pair in mounts}
    for source in seen.values():
        if not Path(source).exists():
            refuse(f"mount {source}: no such folder")
    os.execvpe(rest[0], rest, {**env, "IN_CONTAINER": "1", "MOUNTED": ":".join(seen)})


def srun(words: list[str]) -> None:
    if "IN_CONTAINER" in os.environ:
        refuse("command not found")
    given, rest = options("srun", words)
    tasks = int(given["--ntasks"][0])
    children = []
    for task in range(tasks):
        env = {**os.environ, "SLURM_PROCID": str(task), "SLURM_NTASKS": str(tasks)}
        env["SLURM_STEP_ID"] = str(os.getpid())
        env["SLURM_LOCALID"] = str(task % int(given.get("--ntasks-per-node", ["1"])[0]))
        if "--container-image" in given:
            mounts = ",".join(given.get("--container-mounts", [])).split(",")
            env |= {"IN_CONTAINER": "1", "MOUNTED": ":".join(m.split(":")[-1] for m in mounts)}
        children.append(subprocess.Popen(rest, env=env))
    sys.exit(max(child.wait() for child in children))


def docker(words: list[str]) -> None:
    verb = words.pop(0)
    if verb == "rm":
        sys.exit(0)
    given, rest = options("docker", words)
    taken = FOLDER / f"container-{given['--name'][0]}"
    if taken.exists():
        refuse("the name is in use")
    taken.touch()
    if "--entrypoint=" not in given:
        refuse(f"the image's own entrypoint does not know {rest[1]}")
    told = {key: os.environ[key] for key in given["--env"] if key in os.environ}
    contained(rest[1:], given.get("--volume", []), {"PATH": os.environ["PATH"], **told})


def apptainer(words: list[str]) -> None:
    assert words.pop(0) == "exec"
    given, rest = options("apptainer", words)
    told = dict(pair.split("=", 1) for pair in given.get("--env", []))
    contained(rest[1:], given.get("--bind", []), {**os.environ, **told})


def torchrun(words: list[str]) -> None:
    if os.environ.get("PET_STANDALONE") != "1":
        refuse("port 29500 is in use by another server")
    count = int(words[words.index("--nproc_per_node") + 1])
    ranks = [{"RANK": str(k), "LOCAL_RANK": str(k), "WORLD_SIZE": str(count)} for k in range(count)]
    meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    children = [
        subprocess.Popen(["python", *words[2:]], env={**os.environ, **meet, **rank})
        for rank in ranks
    ]
    sys.exit(max(child.wait() for child in children))


def python(words: list[str]) -> None:
    """One process of Megatron's server: the first one serves, the others wait for it."""
    if words[0] != "/opt/Megatron-LM/tools/run_text_generation_server.py":
        os.execv(sys.executable, [sys.executable, *words])
    if not os.environ["MASTER_ADDR"] or not int(os.environ["MASTER_PORT"]):
        refuse("torch.distributed has no address")
    ranks = int(words[words.index("--tensor-model-parallel-size") + 1])
    ranks *= int(words[words.index("--pipeline-model-parallel-size") + 1])
    if int(os.environ["WORLD_SIZE"]) != ranks:
        refuse(f"WORLD_SIZE is {os.environ['WORLD_SIZE']} for {ranks} ranks")
    if os.environ["RANK"] != "0":
        import signal

        signal.pause()
    plan = json.loads((FOLDER / "plan.json").read_text())
    port = words[words.index("--port") + 1]
    os.execv(sys.executable, [sys.executable, *plan, "--port", port])


def main() -> None:
    name = Path(sys.argv[0]).name
    keep = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "HF_HOME", "MOUNTED", "SETUP",
            "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_VISIBLE_DEVICES", "IN_CONTAINER")  # fmt: skip
    env = {key: os.environ[key] for key in keep if key in os.environ}
    with open(FOLDER / "calls.jsonl", "a") as calls:
        calls.write(json.dumps({"name": name, "words": sys.argv[1:], "env": env}) + "\n")
    globals()[name](sys.argv[1:])


if __name__ == "__main__":
    main()
