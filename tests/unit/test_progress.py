"""Progress: rate and time left, in the log and on a terminal."""

from __future__ import annotations

import io
import re

from earmark import progress
from earmark.progress import Progress, human_bytes, human_seconds


def test_sizes_and_times_are_written_as_people_read_them():
    assert [human_bytes(n) for n in (0, 999, 1500, 47_500_000_000)] == [
        "0 B", "999 B", "1.5 kB", "47.5 GB",
    ]  # fmt: skip
    assert [human_seconds(n) for n in (0.4, 59, 185, 3725)] == ["0 s", "59 s", "3:05", "1:02:05"]


def test_a_log_gets_lines_with_bytes_clips_rate_and_time_left(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 10.0, 12.0, 20.0, 20.0, 20.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    log = io.StringIO()
    with Progress("manifest b/s", 8, "clips", stream=log) as shown:
        shown.add(2, 1000)
        shown.add(2, 1000)
        shown.add(2, 1000)
    first, last = log.getvalue().splitlines()
    assert first == "manifest b/s: 4 of 8 clips, 0.4/s, 2.0 kB, 200 B/s, 10 s left"
    assert last == "manifest b/s: 6 of 8 clips, 0.3/s, 3.0 kB, 150 B/s, took 20 s"


def test_a_terminal_gets_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    with Progress("download b/s", 4000, stream=terminal) as shown:
        shown.add(4000)
    assert re.search(r"download b/s: +\d+%.*B/s", terminal.getvalue())


def test_a_job_shows_its_bar_on_the_terminal_and_lines_in_its_log(tmp_path, clone):
    import os
    import pty
    import subprocess
    import sys

    code = (
        "from earmark.errors import job_log\n"
        "from earmark.progress import Progress\n"
        f"with job_log({str(tmp_path / 'job.log')!r}):\n"
        "    with Progress('download b/s', 4000) as shown:\n"
        "        shown.add(4000)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(clone / "workflow/scripts")}
    subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True, env=environment)
    os.close(theirs)
    screen = os.read(ours, 4096).decode()
    os.close(ours)
    assert "download b/s:   0%" in screen
    log = (tmp_path / "job.log").read_text()
    assert log.startswith("download b/s: 4.0 kB of 4.0 kB")
    assert log.count("\n") == 1
