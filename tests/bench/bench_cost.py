"""What recorded conversations cost with our desk and with a plain loop, side by side, in dollars."""

import tempfile
from decimal import Decimal
from pathlib import Path

from tests.bench.cost_kit import Bill, counter
from tests.bench.kit import Row
from tests.bench.talks import Talk, recorded

GOAL = 0.35
"""Ours, as a share of the plain loop, over all recordings."""
FLAT = 1.25
"""The last ten turns of the long one cost at most so many times the eleventh to twentieth."""


async def measure(*, quick: bool) -> list[Row]:
    talks = recorded()[:-1] if quick else recorded()
    cold = [await _alone(talk) for talk in talks]
    warm = await _one_after_the_other(talks)
    rows = [_row(talk.name, bill) for talk, bill in zip(talks, cold, strict=True)]
    rows += [_sum("all of them, each alone (nothing cached before)", cold, None)]
    rows += [_sum("all of them, one after the other (prefix cached)", warm, None if quick else GOAL)]
    if not quick:
        rows.append(_flat(cold[-1]))
    return rows


async def _alone(talk: Talk) -> Bill:
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        async with counter(Path(folder)) as both:
            return await both.have(talk)


async def _one_after_the_other(talks: tuple[Talk, ...]) -> list[Bill]:
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        async with counter(Path(folder)) as both:
            return [await both.have(talk) for talk in talks]


def _row(name: str, bill: Bill) -> Row:
    return Row(name, _told([bill]))


def _sum(name: str, bills: list[Bill], goal: float | None) -> Row:
    share = float(sum(sum(b.ours) for b in bills) / sum(sum(b.plain) for b in bills))
    return Row(name, _told(bills), f"<= {goal}" if goal else "", share <= goal if goal else None)


def _told(bills: list[Bill]) -> str:
    ours, plain = sum(sum(b.ours) for b in bills), sum(sum(b.plain) for b in bills)
    helper = sum(b.helper for b in bills)
    cached = sum(b.cached for b in bills)
    told = f"ours ${ours:.4f} (helper ${helper:.4f})  plain ${plain:.4f}  share {float(ours / plain):.2f}"
    return f"{told}  (plain with the automatic cache ${cached:.4f})"


def _flat(bill: Bill) -> Row:
    early, late = _mean(bill.ours[10:20]), _mean(bill.ours[-10:])
    plain = f"plain ${_mean(bill.plain[10:20]):.4f} and ${_mean(bill.plain[-10:]):.4f}"
    name = f"  a turn of the {len(bill.ours)}: the 11th to 20th, the last ten"
    is_flat = late <= early * Decimal(str(FLAT))
    return Row(name, f"ours ${early:.4f} and ${late:.4f}  {plain}", f"<= {FLAT}x", is_flat)


def _mean(each: list[Decimal]) -> Decimal:
    return sum(each, Decimal(0)) / len(each)
