from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import yaml

from earmark.cli import COMMANDS
from earmark.config import check
from earmark.config.benchmarks import Declaration

HOME = Path(__file__).parents[2]


def test_the_reference_of_the_config_and_its_schemas_are_those_of_its_classes():
    made = runpy.run_path(str(HOME / "docs" / "make_config.py"))["files"]()
    assert len(made) == 3
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run: python docs/make_config.py"


def test_the_pages_that_the_readme_links_to_are_there():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (HOME / target).exists(), target


def test_every_earmark_command_in_the_docs_is_one():
    for page in [HOME / "README.md", *HOME.glob("docs/*.md")]:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["earmark"] and len(words) > 1:
                    assert words[1] in COMMANDS, f"{page.name}: {line}"


def test_the_sets_that_adding_shows_are_declared_as_they_should_be():
    text = (HOME / "docs" / "adding.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    sets = [block for block in blocks if "splits" in block]
    assert {one["scoring"] for one in sets} >= {"asr", "translation", "keywords", "hallucination"}
    for one in sets:
        check(one, Declaration, "docs/adding.md")
