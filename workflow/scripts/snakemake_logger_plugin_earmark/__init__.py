"""Snakemake's output as a line a job (`snakemake --logger earmark`); the log file has all of it."""

import logging
import sys
import time
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class LogHandler(LogHandlerBase):
    """Tells of each job that finished or failed, of warnings and of errors."""

    def __post_init__(self) -> None:
        """Begin with no job known."""
        self._started: dict[int, tuple[str, float]] = {}
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line, if it has one."""
        line = self._line(getattr(record, "event", None), record)
        if line:
            print(line, file=sys.stderr, flush=True)

    def _line(self, event: Any, record: Any) -> str:
        if event == LogEvent.JOB_INFO:
            name = " ".join([record.rule_name, *filter(None, record.wildcards.values())])
            self._started[record.jobid] = (name, time.monotonic())
            return f"{name} …" if self.common_settings.dryrun else ""
        if event == LogEvent.JOB_FINISHED:
            name, began = self._started.get(record.job_id, ("", time.monotonic()))
            self._last = f"{name} ({time.monotonic() - began:.0f} s)"
        elif event == LogEvent.PROGRESS:
            return f"{record.done:>4} of {record.total}: {self._last}"
        elif event == LogEvent.JOB_ERROR:
            name, _ = self._started.get(record.jobid, (record.rule_name, 0))
            return f"failed: {name} ({', '.join(record.log)})"
        elif record.levelno >= logging.WARNING:
            text = str(record.getMessage())
            # The script's own error is above it, and names no generated file.
            return "" if "CalledProcessError" in text else text
        return ""

    @property
    def writes_to_stream(self) -> bool:
        """In the place of Snakemake's own output."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """No: Snakemake's log file stays as it is."""
        return False

    @property
    def has_filter(self) -> bool:
        """No: ``--quiet`` holds here too."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Yes: a record becomes one line."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False
