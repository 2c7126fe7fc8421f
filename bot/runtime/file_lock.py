"""Keeps a second process away from a SQLite file; the system gives the lock back when its holder dies, however."""

import fcntl
import os
from pathlib import Path

from bot.domain.errors import PermanentError


class FileLock:
    """A lock on `<database>.lock`; nothing is locked for a database in memory."""

    def __init__(self, database: str) -> None:
        in_memory = database in {"", ":memory:"}
        self._path = None if in_memory else Path(f"{Path(database).resolve()}.lock")  # one lock, by whatever link
        self._file: int | None = None

    def take(self) -> None:
        """PermanentError, which names the remedy, when another process holds it."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip()
            os.close(file)
            raise PermanentError(
                f"another bot{f' (process {holder})' if holder else ''} works on this SQLite file already. Stop it "
                "first; to run several side by side, use PostgreSQL (DATABASE_URL=postgresql://…)."
            ) from None
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Let others in. Does nothing when it is not held."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
