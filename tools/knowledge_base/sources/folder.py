"""Documents in a folder of this machine: what is walked, what is left out, and what is said about it.

Hidden files (a dot in front) are nobody's business and are passed over in silence. Links are followed to files inside
the folder only, so that neither a circle nor a neighbour's file gets in; every other link is named in the report. What
lies below a folder that cannot be listed stays as it was imported.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.knowledge_base.sources.base import Skipped, SourceError


@dataclass(frozen=True, slots=True)
class File:
    """A document to be read."""

    path: Path
    name: str
    """Below the folder, with slashes."""

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rsplit(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Closed:
    """A folder that cannot be listed."""

    name: str
    why: str


def existing(path: Path) -> Path:
    """The folder with every link resolved; SourceError when there is none."""
    if not path.is_dir():
        raise SourceError(f"{path} is not a folder. Name a folder of Markdown or HTML files.")
    return path.resolve()


def walk(root: Path, endings: Collection[str]) -> Iterator[File | Skipped | Closed]:
    """Every file with one of these endings (`.md`), in a stable order. `root` is resolved."""
    closed: list[OSError] = []
    for folder, below, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in below:
            if (here / name).is_symlink():
                yield Skipped(_name(root, here / name), "a link to a folder, which is not followed")
        for name in sorted(files):
            if _is_document(name, endings):
                yield _file(root, here / name)
    for error in closed:
        yield Closed(_name(root, Path(error.filename)), f"cannot be listed: {error.strerror}")


def signature(root: Path, endings: Collection[str]) -> tuple[tuple[str, int, int], ...]:
    """Differs when a file came, went or was written; cheap, for somebody who looks every few seconds."""
    seen: list[tuple[str, int, int]] = []
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            if _is_document(name, endings):
                path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each of many files takes most of the time
                with suppress(OSError):  # went away just now, or leads nowhere; the next look tells
                    state = os.stat(path)  # noqa: PTH116 - likewise
                    seen.append((path, state.st_mtime_ns, state.st_size))
    return tuple(seen)


def _is_document(name: str, endings: Collection[str]) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in endings


def _file(root: Path, path: Path) -> File | Skipped:
    name = _name(root, path)
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # a circle is a RuntimeError before Python 3.13
        why = "a link that leads nowhere" if path.is_symlink() else "cannot be read"
        return Skipped(name, why, slug=name.rsplit(".", 1)[0])
    if not real.is_relative_to(root):
        return Skipped(name, "a link to a place outside the folder")
    if not real.is_file():
        return Skipped(name, "not a file")
    return File(path, name)


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
