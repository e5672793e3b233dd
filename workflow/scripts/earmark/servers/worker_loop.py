"""Runs a model's script under an interpreter that has its packages: SCRIPT SETTINGS (JSON).

Run by `earmark.servers.worker` in another environment, so it imports nothing of Earmark. The script
has ``load(settings)``, which returns a model and what to say of it, and ``answer(model, value,
settings)``; both say mappings, which go out as lines of JSON, as values come in.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from typing import Any


def main() -> int:
    """Load the model, then answer each line until the input ends."""
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        script, settings = runpy.run_path(sys.argv[1]), json.loads(sys.argv[2])
        model, told = script["load"](settings)
        say(told)
        for line in sys.stdin:
            say(script["answer"](model, json.loads(line), settings))
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
