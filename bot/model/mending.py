"""Makes a reply's content fit to be sent back. Pure.

What the model said is replayed verbatim, and the vendor refuses a whole conversation for one block it would not take
back: two calls with one id, arguments that are no object, an empty piece of text. Only such blocks are touched, all
others (thinking above all, which is signed) stay as they came.
"""

import re
from collections.abc import Iterable, Set
from typing import Any

Block = dict[str, Any]

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def mended(content: Iterable[Block], taken: Set[str]) -> tuple[list[Block], list[str]]:
    """The blocks, and what was odd about them; `taken`: ids of earlier tool calls.

    The same call made twice over is made once; another call under an id that is taken gets an id of its own.
    """
    blocks: list[Block] = []
    notes: list[str] = []
    calls: dict[str, list[tuple[Any, Any]]] = {}
    for block in content:
        match block.get("type"):
            case "text" if not str(block.get("text", "")).strip():
                notes.append("empty text")
            case "tool_use":
                call, given = (block.get("name"), block.get("input")), str(block.get("id") or "")
                if call in calls.get(given, ()):
                    notes.append("the same tool call twice")
                    continue
                calls.setdefault(given, []).append(call)
                used = taken | {b["id"] for b in blocks if b.get("type") == "tool_use"}
                fit = _fit(block, used)
                notes += [f"mended tool_use {name}" for name in fit if fit[name] != block.get(name)]
                blocks.append(fit)
            case _:
                blocks.append(block)
    return blocks, list(dict.fromkeys(notes))


def _fit(block: Block, used: Set[str]) -> Block:
    arguments, name = block.get("input"), str(block.get("name") or "")
    return {
        **block,
        "id": _free_id(str(block.get("id") or ""), used),
        "name": name if _NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:128] or "unnamed",
        "input": arguments if isinstance(arguments, dict) else {},
    }


def _free_id(wanted: str, used: Set[str]) -> str:
    if _ID.fullmatch(wanted) and wanted not in used:
        return wanted
    stem = re.sub(r"[^a-zA-Z0-9_-]", "_", wanted)[:50] or "toolu"
    return next(free for n in range(2, len(used) + 3) if (free := f"{stem}_{n}") not in used)
