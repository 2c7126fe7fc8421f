"""Who looks at the dashboard."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """A member of staff, or an admin, of one workspace; sees that workspace and no other."""

    team_id: str
    user_id: str
    name: str
    is_admin: bool = False
