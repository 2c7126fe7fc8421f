"""Bounds of a view of the store: one workspace, or none.

Rows that belong to a conversation carry its id, which begins with the workspace's (`T…:C…:ts`); the others have a
column `team_id`.
"""

from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from bot.domain.errors import ForeignWorkspaceError


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a view may see and change."""

    team_id: str | None = None
    """None: every workspace (dispatch, sweep, retention, operators)."""

    def holds(self, conversation_id: str) -> bool:
        """Whether a conversation is inside."""
        return self.team_id is None or conversation_id.startswith(f"{self.team_id}:")

    def admits(self, team_id: str) -> bool:
        """Whether a workspace is inside."""
        return self.team_id is None or team_id == self.team_id

    def check(self, team_id: str) -> None:
        """ForeignWorkspaceError for a write that names another workspace."""
        if not self.admits(team_id):
            raise ForeignWorkspaceError("this row belongs to another workspace")

    def check_conversation(self, conversation_id: str) -> None:
        """ForeignWorkspaceError for a write to a conversation of another workspace."""
        if not self.holds(conversation_id):
            raise ForeignWorkspaceError("this conversation belongs to another workspace")

    def team(self, column: sa.Column[str]) -> sa.ColumnElement[bool]:
        """Condition on a column with the workspace's id."""
        return sa.true() if self.team_id is None else _is_team(column, self.team_id)

    def conversation(self, column: sa.Column[str]) -> sa.ColumnElement[bool]:
        """Condition on a column with a conversation's id, for rows found by another key."""
        if self.team_id is None:
            return sa.true()
        return _begins_with_team(column, self.team_id)


@lru_cache(4096)  # building a condition takes longer than the query it is for
def _is_team(column: sa.Column[str], team_id: str) -> sa.ColumnElement[bool]:
    return column == team_id


@lru_cache(4096)
def _begins_with_team(column: sa.Column[str], team_id: str) -> sa.ColumnElement[bool]:
    prefix = f"{team_id}:"
    return sa.func.substr(column, 1, len(prefix)) == prefix


EVERYWHERE = Bounds()
"""No bounds."""


def team_of_conversation(conversation_id: str) -> str:
    """The workspace in a conversation's id."""
    return conversation_id.partition(":")[0]
