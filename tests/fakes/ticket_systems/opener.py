"""A process that opens one ticket and may be killed meanwhile: KIND, URL of the system, database, time."""

import asyncio
import sys

from bot.store.engine import create_engine
from tests.contract.ticket_kit import NEW, settings
from tools.connector_settings import Wires
from tools.http import http_session
from tools.tickets.outside import Around, OutsideTickets


async def _open(kind: str, url: str, database: str, now: float) -> None:
    def clock() -> float:
        return now

    async with http_session() as session:
        vendor = settings(kind, url).open(Wires(session, None, clock))  # type: ignore[arg-type]  # nothing to close
        await OutsideTickets.on(create_engine(database), vendor, Around(clock)).open(NEW, "run:1")


if __name__ == "__main__":
    asyncio.run(_open(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
