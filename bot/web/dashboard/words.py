"""How numbers, times and money are written on the pages: filters of the templates; `—` where there is none."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal

from bot.domain.hidden import one_line
from bot.domain.histogram import SHORTEST
from bot.domain.insight import DIRECT
from bot.domain.money import show_usd

NOTHING = "—"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_VERSION = 8
_LONGEST_NAME = 80
_THOUSAND = 1000


def number(value: float | None) -> str:
    """12,345; one digit behind the point when it is not whole."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def usd(value: Decimal | None) -> str:
    """$1.20; small amounts with more digits, large ones without cents."""
    if value is None:
        return NOTHING
    return f"${value:,.0f}" if value >= _THOUSAND else show_usd(value)


def dollars(value: float) -> str:
    """The same for the scale of a chart, where zero is zero and a round number is short: $0.50."""
    if not value:
        return "$0"
    return f"${value:.2f}" if value < _THOUSAND and round(value, 2) == value else usd(Decimal(f"{value:.6f}"))


def percent(value: float | None) -> str:
    """42 %; of 0 to 1."""
    return NOTHING if value is None else f"{value * 100:.0f}\N{NARROW NO-BREAK SPACE}%"


def duration(seconds: float | None) -> str:
    """850 ms, 4.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    if seconds < _HOUR:
        return _pair(round(seconds), _MINUTE, "min", 1, "s")
    if seconds < _DAY:
        return _pair(round(seconds / 60) * 60, _HOUR, "h", _MINUTE, "min")
    return _pair(round(seconds / _HOUR) * _HOUR, _DAY, "d", _HOUR, "h")


def within(seconds: float | None) -> str:
    """A percentile: whatever is shorter than the shortest bucket is only known to be that."""
    is_shortest = seconds is not None and seconds <= SHORTEST
    return f"under {duration(SHORTEST)}" if is_shortest else duration(seconds)


def day(value: date) -> str:
    """12 Mar."""
    return f"{value.day} {value:%b}"


def moment(at: float, zone: tzinfo) -> str:
    """12 Mar 2026, 14:05."""
    local = datetime.fromtimestamp(at, zone)
    return f"{day(local)} {local:%Y, %H:%M}"


def channel(channel_id: str, names: Mapping[str, str] | None = None) -> str:
    """What a channel is called."""
    if channel_id == DIRECT:
        return "Direct messages"
    return f"#{one_line((names or {}).get(channel_id, channel_id), _LONGEST_NAME)}"


def version(value: str) -> str:
    """The beginning of a prompt's hash."""
    return value[:_VERSION] or "none yet"


def plural(count: float, one: str, many: str = "") -> str:
    """1 step, 2 steps."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def _pair(value: int, large: int, name: str, small: int, small_name: str) -> str:
    rest = value % large // small
    return f"{value // large} {name}" + (f" {rest} {small_name}" if rest else "")


FILTERS: Mapping[str, Callable[..., str]] = {
    "number": number,
    "usd": usd,
    "percent": percent,
    "duration": duration,
    "within": within,
    "day": day,
    "moment": moment,
    "channel": channel,
    "version": version,
    "plural": plural,
}
