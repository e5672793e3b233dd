from __future__ import annotations

import re

import pytest

from earmark.data.row_ids import check_ids
from earmark.errors import EarmarkError


def test_rows_without_ids_of_their_own_and_no_rows_are_errors():
    check_ids("m.jsonl", [(1, "a"), (2, "b")])
    with pytest.raises(EarmarkError, match=re.escape("m.jsonl, rows 1 and 3: the id 'a'")):
        check_ids("m.jsonl", [(1, "a"), (2, "b"), (3, "a")])
    with pytest.raises(EarmarkError, match="no rows"):
        check_ids("m.jsonl", [])
