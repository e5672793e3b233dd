"""The rows of a set in any form, in bounded memory."""

import json
import re
import sys
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.files import DISK_FULL, Row, not_itself

BATCH_BYTES = 2 << 20  # how much of a Parquet row group is held at a time
BATCH_ROWS = 512
_NOT_DECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of a byte
INDEX, WHERE = "earmark_index", "earmark_where"
"""Columns of a table of picked rows: where each stood in the table that it was picked from."""
EVERY = range(sys.maxsize)
"""The indices of all rows."""
FORMS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv"}


def form_of(file: Path) -> str:
    """The form that a local file's suffixes tell, packed or not: JSON where none does."""
    told = (FORMS[suffix] for suffix in map(str.lower, file.suffixes) if suffix in FORMS)
    return next(told, "json")


class Table:
    """The files of a split as one table.

    Args:
        files: Their names, for messages, and the files (paths, or opened Parquet files).
        form: ``parquet``, ``json``, ``csv``, or another packaged module of `datasets`.
        options: The form's options, as ``load_dataset`` takes them.
        text: Columns of CSV that hold text: ``007`` is no number there.
    """

    def __init__(
        self,
        files: Sequence[tuple[str, Any]],
        form: str,
        options: Settings | None = None,
        text: Sequence[str] = (),
    ) -> None:
        self._files, self._form, self._options = list(files), form, options or {}
        self._text = text
        if form not in ("parquet", "json", "csv"):  # `datasets` reads them as one
            self._files = [(files[0][0], [str(file) for _, file in files])]

    def columns(self) -> list[str]:
        """The columns: of the first file, and of its first rows where the form names none."""
        if self._form == "parquet":
            with _explained(*self._files[0]):
                return list(_parquet_file(self._files[0][1]).schema_arrow.names)
        first = islice(self.read(), BATCH_ROWS)
        return list({name: None for _, _, values in first for name in values})

    def matching(self, wanted: Mapping[str, Any]) -> Sequence[int]:
        """The rows whose columns hold one of the values listed (or none, under ``not``)."""
        rows = self.read(columns=list(wanted))
        if not wanted:
            return range(sum(1 for _ in rows))
        return [index for index, _, values in rows if _matches(values, wanted)]

    def read(
        self, picked: Sequence[int] = EVERY, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[int, str, Row]]:
        """Each row's index, place (``row 3 of test.csv``) and values, in order.

        Args:
            picked: Ascending indices.
            columns: The columns to read from Parquet; other forms give all they have.

        Raises:
            EarmarkError: when a file cannot be read; names it, and what is wrong with its form.
        """
        if self._form == "parquet":
            for name, batch in self.batches(picked, columns):
                with _explained(name, None):
                    rows = batch.to_pylist()
                for values in rows:
                    yield values.pop(INDEX), values.pop(WHERE), values
            return
        index, taken = 0, picked if isinstance(picked, range) else set(picked)
        for name, file in self._files:
            with _explained(name, file):
                for number, values in enumerate(self._rows(file), start=1):
                    if index in taken:
                        yield index, f"row {number} of {name}", values
                    index += 1

    def batches(
        self, picked: Sequence[int], columns: Sequence[str] | None
    ) -> Iterator[tuple[str, Any]]:
        """Rows of Parquet files as record batches, each with the name of its file.

        Beside the columns asked for they have `INDEX` and `WHERE`. No more of a row group than
        `BATCH_BYTES` is held, and none without a picked row is read. Takes and raises as `read`.
        """
        import pyarrow

        first = 0
        for name, file in self._files:
            with _explained(name, file):
                parquet = _parquet_file(file)
                for places, batch in _batches(parquet, first, picked, columns):
                    if INDEX not in batch.schema.names:
                        where = [f"row {place - first + 1} of {name}" for place in places]
                        batch = batch.append_column(INDEX, pyarrow.array(list(places)))
                        batch = batch.append_column(WHERE, pyarrow.array(where))
                    yield name, batch
                first += parquet.metadata.num_rows

    def _rows(self, file: Any) -> Iterator[Row]:
        if self._form == "json":
            return json_rows(file, self._options)
        if self._form == "csv":
            return _csv_rows(file, self._options, self._text)
        return _datasets_rows(self._form, file, self._options)


def _between(picked: Sequence[int], first: int, end: int) -> Sequence[int]:
    return picked[bisect_left(picked, first) : bisect_left(picked, end)]


def _batches(
    parquet: Any, first: int, picked: Sequence[int], columns: Sequence[str] | None
) -> Iterator[tuple[Sequence[int], Any]]:
    """Picked rows of a Parquet file that begins at row ``first``: batches and their indices."""
    names = None
    if columns is not None:
        names = [*columns, *(n for n in (INDEX, WHERE) if n in parquet.schema_arrow.names)]
    for group in range(parquet.metadata.num_row_groups):
        about, at = parquet.metadata.row_group(group), first
        first += about.num_rows
        inside = _between(picked, at, first)
        size = BATCH_BYTES * about.num_rows // max(about.total_byte_size, 1)
        size = max(1, min(size, BATCH_ROWS))
        for batch in (
            parquet.iter_batches(size, [group], names, use_threads=False) if inside else ()
        ):
            taken = _between(inside, at, at + batch.num_rows)
            if taken:
                whole = len(taken) == batch.num_rows
                yield taken, batch if whole else batch.take([place - at for place in taken])
            at += batch.num_rows
            if at > inside[-1]:
                break


def _parquet_file(file: Any) -> Any:
    import pyarrow.parquet

    if isinstance(file, pyarrow.parquet.ParquetFile):
        return file
    # Read through a buffer, not a column chunk at a time: one row group may hold gigabytes.
    return pyarrow.parquet.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)


def json_rows(file: Path, options: Settings) -> Iterator[Row]:
    """The objects of a JSON file, packed or not: one a line, or an array of them.

    Raises:
        ValueError: when it holds something else; names line or item.
    """
    import fsspec

    how, start = _written(file)
    how["encoding"], field = options.get("encoding", how["encoding"]), options.get("field")
    whole = field is not None or start.decode(how["encoding"], "ignore").lstrip()[:1] == "["
    with fsspec.open(str(file), "rt", errors="surrogateescape", **how) as lines:
        if whole:
            document = json.load(lines)
            if field is not None and (not isinstance(document, dict) or field not in document):
                has = ", ".join(document) if isinstance(document, dict) else "an array"
                raise ValueError(f"no field {field!r} (source.options.field); it has {has:.200}")
            rows: Iterator[Any] = enumerate(document if field is None else document[field], start=1)
        else:
            rows = ((n, _parsed(line, n)) for n, line in enumerate(lines, 1) if line.strip())
        for number, row in rows:
            if not isinstance(row, dict):
                place = f"{'item' if whole else 'line'} {number}"
                raise ValueError(f"{place}: a JSON object was expected, not {json.dumps(row):.40}")
            yield row


def _written(file: Path) -> tuple[dict[str, str], bytes]:
    """How a file is packed and encoded, as its first bytes tell, and those, unpacked."""
    import fsspec

    with Path(file).open("rb") as stream:
        packing = "gzip" if stream.read(2) == b"\x1f\x8b" else "infer"
    with fsspec.open(str(file), "rb", compression=packing) as stream:
        start = stream.read(4096)
    marked = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    return {"compression": packing, "encoding": "utf-16" if marked else "utf-8-sig"}, start


def _parsed(line: str, number: int) -> Any:
    if bad := _NOT_DECODED.search(line):
        raise ValueError(
            f"line {number}: not UTF-8: byte 0x{ord(bad[0]) - 0xDC00:02x}; save it as UTF-8, or "
            "name its encoding: `source.options: {encoding: …}`"
        )
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        several = "an object over several lines; one a line, or an array, is read"
        why = several if line.strip() == "{" else str(error)
        raise ValueError(f"line {number}: not JSON: {why}") from None


def _csv_rows(file: Path, options: Settings, text: Sequence[str]) -> Iterator[Row]:
    import pandas

    tabs = ".tsv" in Path(file).name.lower()
    given: Settings = {**_written(file)[0], "sep": "\t" if tabs else ","}
    # Words such as "none" and "NA" are said too. Without an index, a row of too many fields warns.
    given |= {"keep_default_na": False, "na_values": [""], "index_col": False}
    given |= {"dtype": dict.fromkeys(text, str), **options}
    with pandas.read_csv(file, chunksize=10_000, **given) as frames:
        for frame in _in_columns(frames):
            if len(frame.columns) == 1 and (other := re.search("[;|\t]", str(frame.columns[0]))):
                raise ValueError(
                    f"one column, {frame.columns[0]!r}; name what parts them: `source.options: "
                    f"{{sep: {other[0]!r}}}`"
                )
            rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
            if tabs and "quoting" not in options:
                _no_quote_left_open(rows)
            yield from rows


def _in_columns(frames: Any) -> Iterator[Any]:
    """The frames, none of whose rows has more fields than the header."""
    import pandas

    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            try:
                frame = next(frames)
            except StopIteration:
                return
            except pandas.errors.ParserWarning:
                raise ValueError(
                    "rows have more fields than the header; texts with what parts them need quotes"
                ) from None
        yield frame


def _no_quote_left_open(rows: Sequence[Row]) -> None:
    for row in rows:
        for value in row.values():
            if isinstance(value, str) and "\n" in value:
                raise ValueError(
                    f"a field of several lines, {value!r:.60}: if that is a quote left open, "
                    "`source.options: {quoting: 3}` takes quotes as they are; {quoting: 0} keeps it"
                )


def _datasets_rows(form: str, paths: list[str], options: Settings) -> Iterator[Row]:
    import datasets

    datasets.disable_progress_bars()
    files = {"rows": paths}
    rows = datasets.load_dataset(form, data_files=files, split="rows", streaming=True, **options)
    # Media as they are stored: the readers' own types want torch, even where nothing is decoded.
    stored: Any = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    stored = datasets.Value("string") if form == "audiofolder" else stored
    kinds = {
        name: stored if hasattr(kind, "decode") else kind for name, kind in rows.features.items()
    }
    yield from rows.cast(datasets.Features(kinds))


def _matches(values: Row, wanted: Mapping[str, Any]) -> bool:
    for column, allowed in wanted.items():
        value = values.get(column)
        if value in allowed["not"] if isinstance(allowed, dict) else value not in allowed:
            return False
    return True


@contextmanager
def _explained(name: str, file: Any) -> Iterator[None]:
    """Turns what a reader says of a file into an error that names it."""
    try:
        yield
    except FileNotFoundError:
        raise EarmarkError(
            f"{file}: not there; remove the split's source/files.json and run again, so that "
            "it is downloaded"
        ) from None
    except UnicodeError as error:
        raise EarmarkError(
            f"{name}: not text in the encoding it is read in ({error}); save it as UTF-8, or name "
            "its encoding: `source.options: {encoding: …}`"
        ) from None
    except Exception as error:
        if isinstance(error, EarmarkError) or getattr(error, "errno", None) in DISK_FULL:
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(file, str | Path) and Path(file).is_file():
            with Path(file).open("rb") as stream:
                said = not_itself(stream.read(64)) or said
        if "EOF inside string" in said:
            said += "; `source.options: {quoting: 3}` takes quotes as they are"
        raise EarmarkError(f"{name}: its rows cannot be read: {said}") from None
