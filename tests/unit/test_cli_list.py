"""`earmark list`."""

from __future__ import annotations

from earmark.cli import main


def test_the_benchmarks_and_the_splits_of_one_are_listed(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "config/benchmarks/own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("source: {type: hub, repo: a/b}\nsplits: {x: {language: de, entries: 5}}\n")
    assert main(["list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines["asr-leaderboard"].split()[1:] == ["8", "143,597", "en", "asr", "HF_TOKEN"]
    assert lines["own"].split()[1:] == ["1", "5", "de", "asr"]
    assert main(["list", "mmau-pro", "own"]) == 0
    told = capsys.readouterr().out
    assert "open_ended" in told and "judge" in told and "a/b:test" in told
    assert main(["list", "mmau-por"]) == 1
    assert "no such benchmark: mmau-por (did you mean" in capsys.readouterr().err
