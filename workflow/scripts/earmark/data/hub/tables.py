"""The rows of a split, read in bounded memory from its Parquet files or from parts of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from earmark.data.hub.pages import LargeColumn
from earmark.data.hub.partial import PartialFile
from earmark.data.hub.ranges import RangeSet
from earmark.errors import EarmarkError
from earmark.files import DISK_FULL, Row

BATCH_BYTES = 2 << 20  # how much of a row group is held at a time
BATCH_ROWS = 512
TAIL = 64 << 10  # what Arrow reads first of a Parquet file: its last bytes


@dataclass(frozen=True)
class TableRow:
    """A row: its place, and the values of the columns asked for."""

    where: str
    number: int
    values: Row


class Table:
    """The files of a split as one table; opened one at a time.

    Args:
        files: Their names, for messages, and where they are.
        where: The dataset, for messages.
        text: Columns that hold text, in files that do not say so (CSV): ``007`` is no number.
    """

    def __init__(
        self, files: Sequence[tuple[str, PartialFile]], where: str, text: Sequence[str] = ()
    ) -> None:
        self._files = list(files)
        self._where, self._text = where, text
        opened = [self._open(index) for index in range(len(files))]
        self._metadata = [parquet.metadata for parquet in opened]
        self._schemas = [parquet.schema_arrow for parquet in opened]
        self._counts = [metadata.num_rows for metadata in self._metadata]

    @property
    def total(self) -> int:
        """How many rows there are."""
        return sum(self._counts)

    def column_types(self) -> dict[str, Any]:
        """The columns and their Arrow types.

        Raises:
            EarmarkError: when the files disagree.
        """
        first: dict[str, Any] = {}
        for (name, _), schema in zip(self._files, self._schemas, strict=True):
            types = {field.name: field.type for field in schema}
            if not first:
                first = types
            elif set(types) != set(first):
                differing = ", ".join(sorted(set(types) ^ set(first)))
                raise EarmarkError(
                    f"{self._where}: {name} and {self._files[0][0]} have different columns: "
                    f"{differing} are in one of them only"
                )
        return first

    def matching(self, rows: Mapping[str, Any]) -> Sequence[int]:
        """The rows whose columns hold one of the values listed (or none, under ``not``)."""
        if not rows:
            return range(self.total)
        found, first = [], 0
        for index, count in enumerate(self._counts):
            with self._damage(index, 0):
                values = self._open(index).read(columns=list(rows)).to_pylist()
            found += [first + n for n, row in enumerate(values) if _matches(row, rows)]
            first += count
        return found

    def ranges(self, rows: Sequence[int] | None, columns: Sequence[str]) -> list[RangeSet]:
        """The bytes of each file that hold some columns of some rows (None: of all rows)."""
        result = []
        for index, groups in enumerate(self._groups(rows)):
            metadata = self._metadata[index]
            ranges = RangeSet()
            for group, _ in groups:
                chunks = metadata.row_group(group)
                for number in range(chunks.num_columns):
                    chunk = chunks.column(number)
                    if chunk.path_in_schema.split(".")[0] not in columns:
                        continue
                    start = chunk.data_page_offset
                    if chunk.dictionary_page_offset:
                        start = min(start, chunk.dictionary_page_offset)
                    ranges.add(start, start + chunk.total_compressed_size)
            result.append(ranges.joined(4096))
        return result

    def read(self, rows: Sequence[int], columns: Sequence[str]) -> Iterator[TableRow]:
        """The rows asked for, in order; a batch of `BATCH_BYTES` is in memory at a time.

        Args:
            rows: Ascending indices.
            columns: The columns to read; no other is touched.

        Raises:
            EarmarkError: when a file is damaged; names it and the row.
        """
        for index, groups in enumerate(self._groups(rows)):
            name = self._files[index][0]
            parquet = self._open(index) if groups else None
            for group, inside in groups:
                place = inside[0]
                with self._damage(index, place):
                    for number, values in self._group_rows(index, parquet, group, inside, columns):
                        place = number
                        yield TableRow(f"row {number + 1} of {name}", number, values)

    def _group_rows(
        self, index: int, parquet: Any, group: int, inside: Sequence[int], columns: Sequence[str]
    ) -> Iterator[tuple[int, Row]]:
        """Some rows of one row group, with their numbers in the file."""
        name, file = self._files[index]
        metadata = parquet.metadata
        leaves = [
            (leaf, metadata.schema.column(leaf))
            for leaf in range(metadata.num_columns)
            if metadata.schema.column(leaf).path.split(".")[0] in columns
        ]
        for leaf, about in leaves:
            if name.endswith(".parquet") and _is_bytes(about):
                large = LargeColumn(file, metadata, group, leaf)
                if large.is_needed():
                    others = [other.path for _, other in leaves if other.path != about.path]
                    yield from _with_large(parquet, group, inside, others, large)
                    return
        yield from _arrow_rows(parquet, group, inside, columns)

    def _groups(self, rows: Sequence[int] | None) -> Iterator[list[tuple[int, Sequence[int]]]]:
        """For each file, its row groups that hold rows asked for, with those rows' numbers."""
        rows = range(self.total) if rows is None else rows
        first, taken = 0, 0
        for metadata in self._metadata:
            groups, start = [], 0
            for group in range(metadata.num_row_groups):
                end = start + metadata.row_group(group).num_rows
                upto = taken
                while upto < len(rows) and rows[upto] < first + end:
                    upto += 1
                if upto > taken:
                    groups.append((group, _shifted(rows[taken:upto], first)))
                taken, start = upto, end
            first += start
            yield groups

    def _open(self, index: int) -> Any:
        import pyarrow.parquet

        name, file = self._files[index]
        with self._damage(index, 0):
            source: Any = _as_parquet(name, file, self._text) if file.whole else file.open()
            # Read through a buffer, not a column chunk at a time: one row group may hold gigabytes.
            return pyarrow.parquet.ParquetFile(source, buffer_size=1 << 20, pre_buffer=False)

    def _damage(self, index: int, number: int) -> _Damage:
        name, file = self._files[index]
        return _Damage(f"{self._where}: {name} (kept as {file.path})", number)


class _Damage:
    """Turns what Arrow says of a damaged file into an error that names the file."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        import pyarrow

        if kind is None or isinstance(error, EarmarkError | GeneratorExit):
            return
        if isinstance(error, FileNotFoundError):
            raise EarmarkError(
                f"{self.name}: not there; remove the split's source/files.json and run again, so "
                "that it is downloaded"
            ) from None
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return
        if isinstance(
            error, pyarrow.ArrowException | OSError | ValueError | LookupError | EOFError
        ):
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise EarmarkError(
                f"{self.name}, in or after row {self.number + 1}: damaged or of an unknown kind: "
                f"{reason}. Remove it and the split's source/files.json, and run again"
            ) from None


def _matches(row: Row, rows: Mapping[str, Any]) -> bool:
    return all(
        (row[column] not in wanted["not"]) if isinstance(wanted, Mapping) else row[column] in wanted
        for column, wanted in rows.items()
    )


def _shifted(rows: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(rows, range):
        return range(rows.start - by, rows.stop - by)
    return [row - by for row in rows]


def _is_bytes(about: Any) -> bool:
    """Whether a leaf of a Parquet schema holds bytes that are no text, one value a row."""
    return bool(
        about.physical_type == "BYTE_ARRAY"
        and about.logical_type.type == "NONE"
        and about.max_repetition_level == 0
        and about.path.count(".") <= 1
    )


def _with_large(
    parquet: Any, group: int, inside: Sequence[int], others: Sequence[str], large: LargeColumn
) -> Iterator[tuple[int, Row]]:
    """As `_arrow_rows`, with one column more, whose pages are too large for Arrow."""
    rows: Iterator[tuple[int, Row]] = ((number, {}) for number in inside)
    if others:
        rows = _arrow_rows(parquet, group, inside, others)
    at, values = _first_row(parquet.metadata, group), large.values()
    outer, _, inner = large.path.partition(".")
    for number, row in rows:
        for _ in range(number - at):
            next(values)
        at, value = number + 1, next(values)
        if not inner:
            row[outer] = value
        elif row.setdefault(outer, {}) is not None:
            row[outer][inner] = value
        yield number, row


def _first_row(metadata: Any, group: int) -> int:
    return sum(metadata.row_group(before).num_rows for before in range(group))


def _arrow_rows(
    parquet: Any, group: int, inside: Sequence[int], columns: Sequence[str]
) -> Iterator[tuple[int, Row]]:
    metadata = parquet.metadata
    first = _first_row(metadata, group)
    about = metadata.row_group(group)
    row_bytes = about.total_byte_size / max(about.num_rows, 1)
    batch_rows = int(min(max(BATCH_BYTES / max(row_bytes, 1), 1), BATCH_ROWS))
    taken = 0
    batches = parquet.iter_batches(
        batch_size=batch_rows, row_groups=[group], columns=list(columns), use_threads=False
    )
    for batch in batches:
        end = first + batch.num_rows
        upto = taken
        while upto < len(inside) and inside[upto] < end:
            upto += 1
        if upto > taken:
            numbers = inside[taken:upto]
            if len(numbers) < batch.num_rows:
                batch = batch.take([number - first for number in numbers])
            yield from zip(numbers, _values(batch), strict=True)
        taken, first = upto, end
        if taken == len(inside):
            return


def _values(batch: Any) -> Iterator[Row]:
    """The rows of a batch, as `to_pylist` has them, but bytes as views that copy nothing."""
    names = batch.schema.names
    columns = [_column(batch.column(index)) for index in range(len(names))]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _column(column: Any) -> list[Any]:
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_binary(kind) or kinds.is_large_binary(kind):
        return _views(column)
    if kinds.is_struct(kind) and not column.null_count:
        names = [field.name for field in kind]
        parts = [_column(column.field(index)) for index in range(len(names))]
        return [dict(zip(names, part, strict=True)) for part in zip(*parts, strict=True)]
    values: list[Any] = column.to_pylist()
    return values


def _views(column: Any) -> list[memoryview | None]:
    """A column of bytes as views of Arrow's memory: its own scalars are copies."""
    import numpy as np
    import pyarrow.types as kinds

    _, offsets, data = column.buffers()
    width = np.int32 if kinds.is_binary(column.type) else np.int64
    if data is None or not len(column):
        return [memoryview(b"") if there else None for there in column.is_valid().to_pylist()]
    places = np.frombuffer(offsets, width)[column.offset : column.offset + len(column) + 1].tolist()
    whole = memoryview(data).cast("B")  # Arrow's bytes are signed ones
    views: list[memoryview | None] = [whole[start:end] for start, end in pairwise(places)]
    if column.null_count:
        valid = column.is_valid().to_pylist()
        views = [view if there else None for view, there in zip(views, valid, strict=True)]
    return views


def _as_parquet(name: str, file: PartialFile, text: Sequence[str]) -> Any:
    """What Arrow is to open: the file, or a small table of text turned into Parquet in memory."""
    if name.endswith(".parquet"):
        return str(file.path)
    import pyarrow.parquet

    read = _csv if name.endswith(".csv") else _json
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(read(file, text), buffer)
    buffer.seek(0)
    return buffer


def _csv(file: PartialFile, text: Sequence[str]) -> Any:
    """A table of CSV; columns of text stay so even where each value would do for a number."""
    import pyarrow
    import pyarrow.csv

    return pyarrow.csv.read_csv(
        str(file.path),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={column: pyarrow.string() for column in text}
        ),
    )


def _json(file: PartialFile, text: Sequence[str]) -> Any:
    """A table of JSON Lines of any length; text that Arrow takes for dates stays text."""
    import pyarrow
    import pyarrow.json
    import pyarrow.types as kinds

    def read(**options: Any) -> Any:
        return pyarrow.json.read_json(
            str(file.path),
            read_options=pyarrow.json.ReadOptions(block_size=max(file.size + 1, 1 << 20)),
            parse_options=pyarrow.json.ParseOptions(**options),
        )

    with file.open() as stream:
        if stream.read(256).lstrip()[:1] == b"[":
            raise ValueError("one JSON array, where JSON Lines are read: one object a line")
    table = read()
    dates = [field.name for field in table.schema if kinds.is_timestamp(field.type)]
    if not dates:
        return table
    return read(explicit_schema=pyarrow.schema([(name, pyarrow.string()) for name in dates]))


def footer_range(file: PartialFile) -> RangeSet:
    """The bytes of a Parquet file that describe it, as far as known; grows when asked again.

    First the end of the file, then, once that is here, the footer whose length it tells.

    Raises:
        EarmarkError: when the end is not that of a Parquet file.
    """
    tail = max(file.size - TAIL, 0)
    if not file.present.covers(max(file.size - 8, 0), file.size):
        return RangeSet([(tail, file.size)])
    with file.open() as stream:
        stream.seek(file.size - 8)
        end = stream.read(8)
    if end[4:] != b"PAR1":
        raise EarmarkError(f"{Path(file.path).name}: not a Parquet file: it ends in {end[4:]!r}")
    footer = max(file.size - 8 - int.from_bytes(end[:4], "little"), 0)
    return RangeSet([(min(tail, footer), file.size)])
