"""Time zones by their names in the IANA database."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; ValueError, a sentence, when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; use a name like Europe/Berlin or UTC") from None


def _known(name: str) -> str:
    if name:
        zone_of(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known)]
"""A name that is known, or nothing."""
