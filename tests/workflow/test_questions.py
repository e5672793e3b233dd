"""Multiple choice and a judge of a benchmark's own, in a real run."""

from __future__ import annotations

import json

import pytest
import yaml
from judge_server import StandIn


@pytest.mark.slow
def test_choices_and_judged_answers_are_scored_and_a_new_scale_asks_nothing(workflow, clone):
    rows = [json.loads(line) for line in
            (clone / "config/demo/closed_form.jsonl").read_text().splitlines()[:3]]  # fmt: skip
    for row in rows:
        clips = row["audio_filepath"]
        row["audio_filepath"] = str(clone / "config/demo" / (clips if isinstance(clips, str)
                                                             else clips[0]))  # fmt: skip
    manifest = workflow.folder / "q.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    judged = {"user": "{question} {answer} {response}", "scale": [0, 5], "success_from": 3}
    declared = {
        "source": {"type": "local", "manifest": str(manifest), "columns": {"text": None}},
        "prompt": {"user": "{question}\n{choices}"},
        "splits": {"choice": {"scoring": "multiple_choice", "group_by": ["category"]},
                   "open": {"scoring": "judged", "judged": judged}},
    }  # fmt: skip
    path = workflow.folder / "q.yaml"
    path.write_text(yaml.safe_dump(declared))
    workflow.config["benchmarks"]["q"] = {"file": str(path)}
    workflow.config["models"]["chance"] = {"server": "random-choice", "model": "chance"}
    with StandIn(lambda body: "3") as server:
        workflow.config["judge"] = {"server": "openai", "base_url": server.url, "model": "j"}
        workflow.run()
        found = json.loads(
            (workflow.folder / "results/chance/eval-results/q/metrics.json").read_text()
        )
        assert found["q.open"]["pass@1"]["judge_score"] == pytest.approx(60)
        assert found["q.choice"]["pass@1"]["unparsed"] == 0
        assert found["q"]["pass@1"]["num_scored"] == 6
        asked = len(server.chats)
        declared["splits"]["open"]["judged"]["success_from"] = 4
        path.write_text(yaml.safe_dump(declared))
        ran = workflow.jobs()
    assert len(server.chats) == asked == 3
    assert ("score", "open") in ran and not {rule for rule, _ in ran} & {"infer", "judge"}
    again = json.loads((workflow.folder / "results/chance/eval-results/q/metrics.json").read_text())
    assert again["q.open"]["pass@1"]["success_rate"] == 0
    assert "Judged: answers" in (workflow.folder / "results/leaderboard.md").read_text()
