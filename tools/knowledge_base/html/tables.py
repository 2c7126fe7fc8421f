"""Tables of HTML as tables of Markdown: the first row is the head, every row one line."""

import re
from collections.abc import Callable, Iterator, Sequence

from tools.knowledge_base.html.tree import Element
from tools.knowledge_base.html.visible import is_hidden

Rows = Sequence[Sequence[Element]]

_WIDEST = 40
"""Columns to which short rows are filled up and joined cells spread."""


def rows_of(table: Element) -> Rows:
    """Its visible rows, without those of tables inside it."""
    rows: list[list[Element]] = []
    waiting = list(reversed(table.children))
    while waiting:
        one = waiting.pop()
        if not isinstance(one, Element) or is_hidden(one):
            continue
        if one.tag == "tr":
            cells = [cell for cell in one.children if isinstance(cell, Element) and cell.tag in {"td", "th"}]
            rows.append([cell for cell in cells if not is_hidden(cell)])
        elif one.tag in {"thead", "tbody", "tfoot"}:
            waiting.extend(reversed(one.children))
    return [row for row in rows if row]


def table(rows: Rows, line: Callable[[Element], str]) -> Iterator[str]:
    """One block, or none when all cells are empty; `line` gives a cell on one line."""
    texts = [_texts(row, line) for row in rows]
    if not any(cell for row in texts for cell in row):
        return
    width = min(max(map(len, texts)), _WIDEST)
    head, *body = [[*row, *[""] * (width - len(row))] for row in texts]
    yield "\n".join(map(_row, (head, ["---"] * len(head), *body)))


def _texts(row: Sequence[Element], line: Callable[[Element], str]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        cells.append(line(cell).replace("|", "\\|"))
        span = cell.get("colspan")
        if re.fullmatch(r"[0-9]{1,2}", span):
            cells.extend([""] * min(int(span) - 1, _WIDEST - len(cells)))
    return cells


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
