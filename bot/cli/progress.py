"""How far a long command is: a bar at a terminal, a line now and then anywhere else."""

import sys
from typing import TextIO

_WIDTH = 24
_LINES = 5
"""Lines for one piece of work where there is no terminal."""
_CLEAR = "\r\x1b[K"


class Progress:
    """Told how far one piece of work after the other is."""

    def __init__(self, out: TextIO | None = None) -> None:
        """To stderr, so that what a command prints can go into a file."""
        self._out = out or sys.stderr
        self._is_terminal = self._out.isatty()
        self._told = ("", 0)

    def show(self, doing: str, done: int, of: int) -> None:
        """`of`: 0 when unknown."""
        if self._is_terminal:
            self._out.write(_CLEAR + _bar(doing, done, of))
            self._out.flush()
            return
        part = done * _LINES // of if of else 0
        if (doing, part) != self._told and (part or not of):
            self._told = (doing, part)
            print(_line(doing, done, of), file=self._out, flush=True)

    def clear(self) -> None:
        """Take the bar away, before something else is printed."""
        self._told = ("", 0)
        if self._is_terminal:
            self._out.write(_CLEAR)
            self._out.flush()


def _bar(doing: str, done: int, of: int) -> str:
    if not of:
        return _line(doing, done, of)
    filled = _WIDTH * min(done, of) // of
    return f"{doing:<10} {'█' * filled}{'░' * (_WIDTH - filled)} {done:,}/{of:,}"


def _line(doing: str, done: int, of: int) -> str:
    return f"{doing} {done:,}/{of:,}" if of else f"{doing} {done:,}"
