"""The one printer of tables for a terminal: as wide as it is, and no figure is ever cut."""

from collections.abc import Sequence


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1, title: str = ""
) -> None:
    """Print a table; of one that is too wide, the columns in parts below each other.

    Args:
        headings: The columns' headings; a line feed breaks one.
        rows: The cells; a line feed breaks one.
        names: How many columns, at the left, say what a row is of; each part repeats them.
        title: What stands above, in lines as wide as the terminal.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    widths = [
        max(len(line) for cell in column for line in cell.split("\n"))
        for column in zip(headings, *rows, strict=True)
    ]
    room = console.width - 2 * names
    first = [min(width, max(12, room // (2 * names))) for width in widths[:names]]
    parts: list[list[int]] = [[]]
    for place in range(names, len(headings)):
        taken = sum(widths[k] + 2 for k in parts[-1])
        if parts[-1] and sum(first) + taken + widths[place] > room:
            parts.append([])
        parts[-1].append(place)
    if title:
        console.print(Text(title))
    for number, part in enumerate(parts):
        if number:
            console.print()
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for place, width in enumerate(first):
            table.add_column(Text(headings[place]), overflow="fold", max_width=width)
        for place in part:
            table.add_column(Text(headings[place]), justify="right", min_width=widths[place])
        for row in rows:
            table.add_row(*(Text(row[place]) for place in [*range(names), *part]))
        console.print(table)
