"""The report step: the leaderboard in three formats, and the page."""

from __future__ import annotations

from pathlib import Path

from earmark.config import Run
from earmark.files import whole_file
from earmark.owner import check_owner, claim
from earmark.paths import Paths
from earmark.report import formats
from earmark.report.clips import Clips
from earmark.report.differences import differences
from earmark.report.gather import Results, gather
from earmark.report.leaderboard import tables
from earmark.report.page import write_page
from earmark.report.sliced import sliced_tables


def build(run: Run, folder: str | Path, published: str | Path | None = None) -> Results:
    """Write ``leaderboard.csv``, ``.md``, ``.tex`` and ``report.html`` to a folder.

    Audio is addressed from the run's results folder. ``published`` is a CSV file of published
    numbers. Returns what the files were made from.

    Raises:
        EarmarkError: for a file that cannot be read, or another config's report in the folder.
    """
    check_owner(run)
    results = gather(run, published)
    found = differences(results)
    made = tables(results, compared=found)
    every = [*made, *sliced_tables(results)]
    paths = Paths(run.data_dir, str(folder))
    for ending, text in (
        ("csv", formats.as_csv(made, intervals=True)),
        ("md", formats.as_markdown(every, intervals=True)),
        ("tex", formats.as_tex(every)),
    ):
        with whole_file(paths.leaderboard.of(format=ending)) as stream:
            stream.write(text)
    write_page(results, every, found, paths.report.of(), Clips())
    claim(run)
    return results
