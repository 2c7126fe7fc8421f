"""When a night's work is due."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Night:
    """Once a day, at an hour of the business's own time."""

    hour: int = 3
    zone: tzinfo = UTC

    def last(self, now: float) -> float:
        """Unix seconds of the last time it was that hour."""
        local = datetime.fromtimestamp(now, self.zone)
        today = local.replace(hour=self.hour, minute=0, second=0, microsecond=0, fold=0)
        return (today if today <= local else today - timedelta(days=1)).timestamp()
