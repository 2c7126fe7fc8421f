"""Which room takes which cause."""

import dataclasses
from typing import Any, get_args

from bot.desk.rooms import Rooms
from bot.domain.incoming import Incoming


class _Anyone:
    """Stands where a room would."""

    def __getattr__(self, name: str) -> Any:
        return self


def test_every_kind_of_cause_has_a_room() -> None:
    rooms = Rooms(**{field.name: _Anyone() for field in dataclasses.fields(Rooms)})  # type: ignore[arg-type]
    assert set(rooms._by_cause) == set(get_args(Incoming))
