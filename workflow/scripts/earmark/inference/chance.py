"""The chance baseline: one of the choices, drawn with a seed; empty where there are none."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Iterator

from earmark.files import Row


def random_choices(rows: Iterable[Row], seed: int) -> Iterator[Row]:
    """Predictions by chance.

    Args:
        rows: The manifest's rows; those with ``choices`` get one of them.
        seed: Another seed draws others; a row's draw does not depend on the other rows.
    """
    for row in rows:
        given = row.get("choices")
        choices = [one for one in given if one is not None] if isinstance(given, list) else []
        draw = random.Random(f"{seed}/{row['id']}")
        now = time.time()
        yield {
            "id": row["id"],
            "generation": str(draw.choice(choices)) if choices else "",
            "error": None,
            "finish_reason": "stop",
            "num_generated_tokens": None,
            "num_input_tokens": None,
            "generation_start_time": now,
            "generation_end_time": now,
            "attempts": 0,
            "request": hashlib.sha256(f"chance/{seed}/{row['id']}".encode()).hexdigest()[:40],
        }
