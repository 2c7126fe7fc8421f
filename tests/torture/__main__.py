"""Worlds that try to break the bot, and what they counted: `make torture`, `make soak`, `make load`."""

import argparse
import asyncio
import logging
import random
import sys

from tests.bench.kit import Row
from tests.torture.chaos import Violence
from tests.torture.load import Load, measure
from tests.torture.run import Plan, torture
from tests.torture.soak import Soak, soak
from tests.torture.stories import KINDS

_MARKS = {True: "✓", False: "✗", None: " "}


def main() -> int:
    """0: nothing lost, repeated, out of order, overspent or stuck; 1: something was, and its story is told."""
    given = _parser().parse_args()
    for name, level in (("bot.sandbox", logging.ERROR), ("aiohttp.server", logging.CRITICAL)):
        logging.getLogger(name).setLevel(level)  # killed clients are no news here
    return int(given.work(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many bots to kill -9 (%(default)s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--replicas", type=int, default=0, help="bots side by side (1; on PostgreSQL 3)")
    parser.add_argument("--seed", type=int, default=-1, help="draw the chances of an earlier run again")
    parser.add_argument("--at-once", type=int, default=6, help="conversations side by side (%(default)s)")
    parser.add_argument("--kind", choices=("", *KINDS), default="", help="only this kind of story")
    parser.set_defaults(work=_torture)
    works = parser.add_subparsers(title="instead of violence")
    soaking = works.add_parser("soak", help="everyday work for an hour: does anything grow?")
    soaking.add_argument("--minutes", type=float, default=60.0, help="how long (%(default)s)")
    soaking.add_argument("--per-minute", type=float, default=20.0, help="new conversations (%(default)s)")
    soaking.set_defaults(work=_soak)
    loading = works.add_parser("load", help="200 events a second into 1,000 conversations: are they acknowledged?")
    loading.add_argument("--rate", type=int, default=200, help="events a second (%(default)s)")
    loading.add_argument("--seconds", type=int, default=20, help="how long (%(default)s)")
    loading.add_argument("--conversations", type=int, default=1000, help="in flight (%(default)s)")
    loading.set_defaults(work=_load)
    return parser


def _torture(given: argparse.Namespace) -> int:
    replicas = given.replicas or (3 if given.database == "postgresql" else 1)
    seed = given.seed if given.seed >= 0 else random.randrange(10**6)  # noqa: S311 — told to the user
    print(f"torture: seed {seed}", flush=True)
    violence = Violence() if replicas == 1 else Violence(mean_seconds=5.0)
    plan = Plan(seed, given.kills, given.database, replicas, given.at_once, kind=given.kind, violence=violence)
    report = asyncio.run(torture(plan))
    print(report.table())
    return 0 if report.is_clean else 1


def _soak(given: argparse.Namespace) -> int:
    report, well = asyncio.run(soak(Soak(given.minutes, given.per_minute)))
    print(report.table())
    return 0 if well else 1


def _load(given: argparse.Namespace) -> int:
    rows = asyncio.run(measure(Load(given.rate, given.seconds, given.conversations)))
    print("\n".join(map(_line, rows)))
    return 0 if all(row.ok is not False for row in rows) else 1


def _line(row: Row) -> str:
    return f"  {_MARKS[row.ok]} {row.name:<46} {row.goal:<9} {row.measured}"


if __name__ == "__main__":
    sys.exit(main())
