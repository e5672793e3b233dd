"""The journal keeps every answer that was written, whatever ends the process that wrote it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from earmark.errors import EarmarkError
from earmark.inference.journal import Journal, Writer, compact, shard_file


def key(number: int) -> str:
    return f"{number:040x}"


def row(number: int, error: str | None = None, **more: Any) -> dict[str, Any]:
    text = "" if error else f"answer {number}"
    return {"id": str(number), "generation": text, "error": error, "request": key(number), **more}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    with Writer(path) as writer:
        for one in rows:
            writer.append(one)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_what_is_appended_is_found_by_its_fingerprint(folder: Path) -> None:
    write(shard_file(folder, 0, 1), *[row(n) for n in range(5)])
    with Journal(folder) as journal:
        assert all(key(n) in journal for n in range(5)) and key(9) not in journal
        assert journal.get(key(3)) == row(3) and journal.get(key(9)) is None
        assert (len(journal.answers), len(journal.errors)) == (5, 0)


def test_a_journal_that_is_not_there_yet_is_empty(folder: Path) -> None:
    assert key(1) not in Journal(folder)


def test_every_file_counts_whatever_number_of_shards_wrote_it(folder: Path) -> None:
    write(shard_file(folder, 0, 1), row(1))
    write(shard_file(folder, 1, 3), row(2))
    write(shard_file(folder, 1, 3, seed=2), row(3))
    assert len({path.name for path in folder.glob("*.jsonl")}) == 3
    with Journal(folder) as journal:
        assert all(key(n) in journal for n in (1, 2, 3))


def test_an_error_is_no_answer_and_gives_way_to_one_never_the_reverse(folder: Path) -> None:
    path = write(shard_file(folder, 0, 1), row(1, "HTTP 400"), row(1, "HTTP 500"))
    with Journal(folder) as journal:
        assert key(1) not in journal and journal.failed(key(1))
        assert (journal.get(key(1)) or {})["error"] == "HTTP 500"
    write(path, row(1), row(1, "HTTP 502"), {**row(1), "generation": "a second answer"})
    with Journal(folder) as journal:
        assert key(1) in journal and not journal.failed(key(1))
        assert journal.get(key(1)) == row(1)
        assert journal.repeated == 4


@pytest.mark.parametrize("cut", [1, 2, 9, 40, len(json.dumps(row(2))) - 1])
def test_a_line_cut_anywhere_costs_that_answer_alone(folder: Path, cut: int) -> None:
    path = write(shard_file(folder, 0, 1), row(1))
    with path.open("ab") as stream:
        stream.write(json.dumps(row(2)).encode()[:cut])
    with Journal(folder) as journal:
        assert key(1) in journal and key(2) not in journal
        assert (journal.torn, len(journal.damaged)) == (1, 0)
    write(path, row(3))
    with Journal(folder) as journal:
        assert key(3) in journal and (journal.torn, len(journal.damaged)) == (0, 0)
    assert len(path.read_bytes().splitlines()) == 2


def test_a_whole_last_line_without_its_newline_counts_and_the_next_is_whole(folder: Path) -> None:
    path = write(shard_file(folder, 0, 1), row(1))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with Journal(folder) as journal:
        assert key(1) in journal
    write(path, row(2))
    with Journal(folder) as journal:
        assert key(2) in journal and len(journal.damaged) == 0
        assert (len(journal.answers), journal.repeated) == (2, 0)


def test_lines_that_are_no_record_are_named_and_cost_nothing_else(folder: Path) -> None:
    path = write(shard_file(folder, 0, 1), row(1))
    with path.open("ab") as stream:
        stream.write(b"\x00\x00\xff\n[]\n7\n{}\n" + b'{"request": 3}\n{"request": "zz"}\n')
        stream.write(b"[" * 100_000 + b"\n")
    write(path, row(2))
    with Journal(folder) as journal:
        assert key(1) in journal and key(2) in journal
        assert len(journal.damaged) == 7
        assert journal.damaged[0] == f"{path}, line 2"


def test_a_second_job_at_the_same_file_is_told_who_holds_it(folder: Path) -> None:
    path = shard_file(folder, 0, 1)
    with Writer(path) as writer:
        with pytest.raises(
            EarmarkError, match=r"in use by process \d+ on .*nothing is asked twice"
        ):
            Writer(path)
        with Writer(shard_file(folder, 1, 2)) as other:  # another shard's file is free
            other.append(row(2))
        writer.append(row(1))
    write(path, row(3))  # and it is free once the first has ended


def test_the_lock_of_a_killed_process_is_no_obstacle_and_its_answers_are_there(
    folder: Path, clone: Path
) -> None:
    path = shard_file(folder, 0, 1)
    code = (
        "import os, sys; from pathlib import Path; from earmark.inference.journal import Writer\n"
        "writer = Writer(Path(sys.argv[1]))\n"
        "for n in range(100): writer.append({'request': f'{n:040x}', 'error': None})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={"PYTHONPATH": str(clone / "workflow" / "scripts")},
        check=False,
    )
    assert done.returncode == -9
    write(path, row(100))
    with Journal(folder) as journal:
        assert len(journal.answers) == 101


def test_a_full_disk_leaves_no_half_of_a_line_among_the_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shard_file(folder, 0, 1)
    write_some = os.write

    def fill(file: int, data: bytes) -> int:
        if len(data) < 60:  # the rest of a line
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_some(file, data[:-50])

    with Writer(path) as writer:
        writer.append(row(1))
        with monkeypatch.context() as patch:
            patch.setattr("earmark.inference.journal.os.write", fill)
            with pytest.raises(OSError, match="No space left on device"):
                writer.append(row(2))
        writer.append(row(3))
    assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == ["1", "3"]


def test_compacting_keeps_what_counts_and_disturbs_no_reader(folder: Path) -> None:
    write(shard_file(folder, 0, 2), row(1, "HTTP 500"), row(1), row(2, "late"), row(2, "last"))
    write(shard_file(folder, 1, 2), row(1), row(3))
    with Journal(folder) as reader:
        before = {n: reader.get(key(n)) for n in (1, 2, 3)}
        old, new = compact(folder)
        assert {n: reader.get(key(n)) for n in (1, 2, 3)} == before
    with Journal(folder) as reader:
        assert {n: reader.get(key(n)) for n in (1, 2, 3)} == before
        assert reader.repeated == 0 and 0 < new < old
    assert [path.name for path in folder.glob("*.jsonl")] == ["compacted.jsonl"]
    assert compact(folder) == (new, new)


def test_nothing_is_compacted_while_a_job_appends(folder: Path) -> None:
    with Writer(shard_file(folder, 0, 1)) as writer:
        writer.append(row(1))
        with pytest.raises(EarmarkError, match="in use by process"):
            compact(folder)
    assert key(1) in Journal(folder)
