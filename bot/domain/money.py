"""Money: `Decimal` USD in code, integer micro-dollars where it is stored."""

from decimal import ROUND_UP, Decimal

MICRO = Decimal(1_000_000)
ZERO = Decimal(0)


def to_micro(usd: Decimal) -> int:
    """Micro-dollars of an amount, rounded up so that a stored cost is never below the real one."""
    return int((usd * MICRO).to_integral_value(rounding=ROUND_UP))


def from_micro(micro: int) -> Decimal:
    """USD of an amount in micro-dollars."""
    return Decimal(micro) / MICRO


def show_usd(usd: Decimal) -> str:
    """An amount for people: `$0.021`, `$2.00`, `$0.0004`; never rounded down to nothing."""
    if usd == ZERO or usd >= Decimal("0.995"):
        return f"${usd:.2f}"
    if usd >= Decimal("0.0005"):
        return f"${usd:.3f}"
    return f"${max(usd, Decimal('0.0001')):.4f}"


_CELLS = 10


def show_share(used: Decimal, limit: Decimal) -> str:
    """How much of a limit is used, as a bar with its number behind it: `███░░░░░░░ 34%`.

    Never empty when something was used and never full when something is left, so that the bar does not say more than
    the number.
    """
    if limit <= ZERO:
        return f"{'█' * _CELLS} 100%"
    share = used / limit
    cells = min(_CELLS, int(share * _CELLS))
    if used > ZERO:
        cells = max(1, cells)
    percent = max(1, int(share * 100)) if used > ZERO else 0
    return f"{'█' * cells}{'░' * (_CELLS - cells)} {percent}%"
