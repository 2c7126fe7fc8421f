"""`deskhand migrate --from … --to …`: the whole installation moves to another database."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bot.config import SettingsError
from bot.domain.errors import PermanentError
from bot.runtime.file_lock import FileLock
from bot.store.copying import CannotMoveError, Move, move
from bot.store.engine import database_file
from bot.store.schema import in_words


def move_house(source: str, target: str) -> int:
    """Move, print what arrived; 0 when every row did, else 1."""
    _check_urls(source, target)
    with _in_words(), _nobody_works_on(source, "--from"), _nobody_works_on(target, "--to"), in_words():
        result = asyncio.run(move(source, target, _progress))
    print(_table(result))
    return 0 if result.is_complete else 1


def _check_urls(source: str, target: str) -> None:
    if source == target:
        raise SettingsError(["--to: this is the same database as --from."])
    for option, url in (("--from", source), ("--to", target)):
        if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise SettingsError([f"{option}: write it as sqlite:///path or postgresql://user:password@host/name."])
    file = database_file(source)
    if file is not None and not file.exists():
        raise SettingsError([f"--from: there is no file {file}."])


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except CannotMoveError as error:
        raise SettingsError([str(error)]) from error
    except PermanentError as error:
        raise SettingsError([f"One of the databases: {error}"]) from error


@contextmanager
def _nobody_works_on(url: str, option: str) -> Iterator[None]:
    """Hold the lock that a bot would take on a SQLite file."""
    file = database_file(url)
    if file is None:
        yield
        return
    lock = FileLock(str(file))
    try:
        lock.take()
    except PermanentError as error:
        raise CannotMoveError(f"{option}: a bot works on {file}. Stop it first.") from error
    try:
        yield
    finally:
        lock.release()


def _progress(table: str, done: int, total: int) -> None:
    print(f"{table}: {done} of {total}", file=sys.stderr, flush=True)


def _table(result: Move) -> str:
    width = max(len(one.table) for one in result.tables)
    lines = [f"{'table':<{width}}  {'rows':>9}  checksum          "]
    lines += [
        f"{one.table:<{width}}  {one.rows:>9}  {one.checksum}  {'same on both sides' if one.matches else 'DIFFERENT'}"
        for one in result.tables
    ]
    rows = sum(one.rows for one in result.tables)
    if not result.is_complete:
        return "\n".join([*lines, "", "Not every row arrived. The old database is as it was; run the same again."])
    lines += ["", f"{rows} rows moved. Set DATABASE_URL to the new database; keep the old one until you have looked."]
    if result.open_causes or result.open_deliveries:
        lines.append(
            f"{result.open_causes} events and {result.open_deliveries} deliveries are still open; "
            "the first start goes on with them."
        )
    return "\n".join(lines)
