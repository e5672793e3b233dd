"""Clips in pages too large for Arrow: the same values, in bounded memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earmark.data.hub import pages
from earmark.data.hub.partial import PartialFile
from earmark.data.hub.tables import Table
from earmark.errors import EarmarkError

SCHEMA = pa.schema(
    [
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("raw", pa.binary()),
        ("text", pa.string()),
    ]
)


def rows(count):
    """Clips of all kinds: null, empty, repeated, of noise, and of what Snappy packs well."""
    rng = np.random.default_rng(0)
    made = []
    for n in range(count):
        clip = [None, b"", rng.bytes(5000), bytes(n) * 40, b"abc" * n + rng.bytes(n), b"same"][
            n % 6
        ]
        audio = {"bytes": clip, "path": f"{n}.wav"} if n % 7 else None
        made.append({"audio": audio, "raw": rng.bytes(n), "text": f"text {n}"})
    return made


def table_of(path):
    return Table([(path.name, PartialFile(path, path.stat().st_size))], "x/y")


@pytest.fixture
def all_large(monkeypatch):
    """All pages are read as large ones are; blocks and windows are small."""
    monkeypatch.setattr(pages, "LARGE", 1)
    monkeypatch.setattr(pages, "BLOCK", 777)
    monkeypatch.setattr(pages, "WINDOW", 1 << 16)
    read = []
    values = pages.LargeColumn.values
    monkeypatch.setattr(
        pages.LargeColumn, "values", lambda self: read.append(self.path) or values(self)
    )
    return read


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy"])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("page", [1 << 20, 10_000])
def test_values_are_those_that_arrow_reads(
    tmp_path, all_large, version, compression, dictionary, page
):
    path, made = tmp_path / "x.parquet", rows(300)
    pq.write_table(
        pa.Table.from_pylist(made, schema=SCHEMA), path, compression=compression,
        use_dictionary=dictionary, data_page_version=version, data_page_size=page,
        row_group_size=130, write_batch_size=10,
    )  # fmt: skip
    table = table_of(path)
    for picked in (range(300), [0, 1, 5, 129, 130, 131, 299], [200]):
        for columns in (["audio", "text"], ["audio"], ["raw"]):
            found = [row.values for row in table.read(picked, columns)]
            assert found == [{key: made[n][key] for key in columns} for n in picked]
    assert set(all_large) == {"audio.bytes", "raw"}


def test_columns_of_bytes_that_are_not_null_are_read(tmp_path, all_large):
    path = tmp_path / "x.parquet"
    schema = pa.schema([pa.field("raw", pa.binary(), nullable=False)])
    made = [{"raw": bytes([n]) * n} for n in range(50)]
    pq.write_table(pa.Table.from_pylist(made, schema=schema), path)
    assert [row.values for row in table_of(path).read(range(50), ["raw"])] == made
    assert all_large == ["raw"]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_other_codecs_are_left_to_arrow(tmp_path, all_large, compression):
    path, made = tmp_path / "x.parquet", rows(20)
    pq.write_table(pa.Table.from_pylist(made, schema=SCHEMA), path, compression=compression)
    assert [row.values["raw"] for row in table_of(path).read(range(20), ["raw"])] == [
        row["raw"] for row in made
    ]
    assert not all_large


@pytest.mark.parametrize("dictionary", [True, False])
def test_damage_in_a_large_page_is_an_error_that_names_the_file(tmp_path, all_large, dictionary):
    path, made = tmp_path / "x.parquet", rows(300)
    pq.write_table(pa.Table.from_pylist(made, schema=SCHEMA), path, use_dictionary=dictionary)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    told = 0
    for place in rng.integers(4, len(whole) // 2, 40).tolist():
        path.write_bytes(whole[:place] + rng.bytes(40) + whole[place + 40 :])
        try:
            for _ in table_of(path).read(range(300), ["audio"]):
                pass
        except EarmarkError as error:  # any other exception would be a traceback
            assert "x.parquet" in str(error)
            told += 1
    assert told


def test_memory_does_not_grow_with_the_page(tmp_path, clone):
    path = tmp_path / "x.parquet"
    noise = np.random.default_rng(0).bytes(400_000)
    made = [{"raw": noise[n:] + noise[:n]} for n in range(200)]
    pq.write_table(pa.Table.from_pylist(made, schema=pa.schema([("raw", pa.binary())])), path)
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from earmark.data.hub.partial import PartialFile\n"
        "from earmark.data.hub.tables import Table\n"
        "import pyarrow.parquet, numpy\n"
        "def peak():\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) / 1024\n"
        "path = Path(sys.argv[1])\n"
        "table, before = Table([('x.parquet', PartialFile(path, path.stat().st_size))], 'x'), peak()\n"
        "assert sum(len(row.values['raw']) for row in table.read(range(200), ['raw'])) == 8 * 10**7\n"
        "print(peak() - before)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(clone / "workflow/scripts")},
    ).stdout  # fmt: skip
    assert float(output) < 40  # the page is of 80 MB, and Arrow needs a multiple of it
