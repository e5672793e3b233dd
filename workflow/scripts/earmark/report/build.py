"""What the report step writes: the leaderboard in three formats and the page, or a page to send."""

import secrets
import shutil
from pathlib import Path

from earmark.config import Run
from earmark.errors import EarmarkError
from earmark.files import whole_file
from earmark.owner import check_owner, claim
from earmark.paths import Paths
from earmark.report import formats
from earmark.report.anonymous import anonymous, scrubber
from earmark.report.clips import WORST, Clips
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


def bundle(
    run: Run,
    target: str | Path,
    published: str | Path | None = None,
    worst: int = WORST,
    without_places: bool = False,
) -> Results:
    """Write the page, its pieces and audio, which open from any folder; returns what is in it.

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
    folder = work / target.stem
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise EarmarkError(f"{target}: {error.strerror}; name another place") from None
    try:
        made, clips = tables(results, compared=found), Clips(worst, folder)
        write_page(results, made, found, folder / "report.html", clips, scrub)
        if zipped:
            Path(shutil.make_archive(str(work / "sent"), "zip", work, target.stem)).replace(target)
        else:
            if target.exists():
                target.rmdir()
            folder.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return results
