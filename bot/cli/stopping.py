"""Ctrl-C and SIGTERM: the first asks to stop, the second does not ask."""

import asyncio
import contextlib
import logging
import os
import signal

logger = logging.getLogger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C stays a KeyboardInterrupt there
            loop.add_signal_handler(number, _stop, stop, number)
    return stop


def _stop(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        os._exit(128 + number)
    logger.info("cli.stopping", extra={"fields": {"signal": number.name}})
    stop.set()
