"""A report to send: the page, its pieces and the audio of the worst answers, in one folder."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from pathlib import Path

from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import whole_file
from earmark.report.anonymous import anonymous, scrubber
from earmark.report.clips import WORST, Clips
from earmark.report.differences import differences
from earmark.report.gather import Results, gather
from earmark.report.leaderboard import tables
from earmark.report.page import write_page


def bundle(
    run: Run,
    target: str | Path,
    published: str | Path | None = None,
    worst: int = WORST,
    without_places: bool = False,
) -> Results:
    """Write a report that opens from any folder, with sound; returns what it was made from.

    Args:
        run: The run's config.
        target: A folder that is not there yet, or is empty; or a ``.zip``, which is replaced.
        published: A CSV file of published numbers, or None.
        worst: The audio of so many answers of each model on each split, the worst.
        without_places: Whether paths, addresses and host names are left out.

    Raises:
        EarmarkError: for a file that cannot be read, or a folder that holds something.
    """
    target = Path(target).absolute()  # which has a name, also for "."
    zipped = target.suffix.lower() == ".zip"
    if not zipped and target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise EarmarkError(f"{target}: is there already, and not empty; name a new folder")
    results = gather(run, published)
    scrub = scrubber(results) if without_places else None
    if scrub is not None:
        results = anonymous(results, scrub)
    found = differences(results)
    work = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise EarmarkError(f"{target}: {error.strerror}; name another place") from None
    try:
        made, clips = tables(results, compared=found), Clips(worst, work)
        write_page(results, made, found, work / "report.html", clips, scrub)
        if not zipped:
            if target.exists():
                target.rmdir()
            work.rename(target)
            return results
        with (
            whole_file(target, "wb") as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for file in sorted(work.rglob("*")):
                archive.write(file, Path(target.stem) / file.relative_to(work))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return results
