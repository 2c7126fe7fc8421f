"""`deskhand eval promises`: a model at its worst and people who press everything, against the eleven promises."""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.cli.progress import Progress
from bot.evals.holding import Held, hold

BROKEN = 1


async def hold_promises(arguments: argparse.Namespace) -> int:
    """0 when all of them hold; one play for each epoch."""
    folder: Path = arguments.output / f"promises-{secrets.token_hex(3)}"
    await asyncio.to_thread(folder.mkdir, parents=True)
    progress = Progress()
    try:
        held = await hold(folder, epochs=arguments.epochs, told=lambda done, of: progress.show("played", done, of))
    finally:
        progress.clear()
    _tell(arguments, held, folder)
    return BROKEN if held.breaches else 0


def _tell(arguments: argparse.Namespace, held: Held, folder: Path) -> None:
    lines: Sequence[str] = [*held.lines(), f"Databases: {folder}"]
    if arguments.json and arguments.what == "promises":
        print(json.dumps({"conversations": held.conversations, "calls": held.calls, "broken": dict(held.breaches)}))
    else:
        print("\n".join(lines), file=sys.stderr if arguments.json else sys.stdout, flush=True)
