"""The board of the breakers in a story whose time is told by the test."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.noticeboard import Board, Mark


@dataclass(frozen=True)
class HeldBoard:
    """A real board but for its clock, which no test can hold."""

    board: Board

    async def marks(self) -> Mapping[str, Mark]:
        return await self.board.marks()

    async def change(self, name: str, mark: Mark) -> bool:
        return await self.board.change(name, mark)

    async def now(self) -> float | None:
        return None
