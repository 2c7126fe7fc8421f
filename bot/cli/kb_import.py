"""`deskhand kb import`: once, or again and again."""

import argparse
import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cli.kb_shelf import OpenShelf
from bot.cli.progress import Progress
from bot.config import SettingsError
from bot.domain.hidden import visible
from tools.base import ToolUnavailableError
from tools.connectors import ConnectorsError, load_connectors
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError
from tools.knowledge_base.importer import Importer, Report, Step
from tools.knowledge_base.sources.base import Source, SourceError
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.folder_source import FolderSource
from tools.knowledge_base.sources.folders import FolderSettings
from tools.knowledge_base.sources.opening import open_all, settings_of

_LOOK_SECONDS = 1.0
"""Between two looks at a folder; what changed between two is imported when it has been still for one."""
_AGAIN_SECONDS = 60.0
"""After an import of a watched folder failed."""
_FAULTS = (SourceError, ToolUnavailableError, EmbedderUnavailableError)


async def import_all(shelf: OpenShelf, arguments: argparse.Namespace, embedder: Embedder | None) -> int:
    """Import every source that is named, or set; 1 when one could not be read."""
    try:
        sources = [one.source for one in open_all(_wanted(shelf, arguments.sources), shelf.wires)]
    except SourceError as error:
        print(error)
        return 1
    if not sources:
        print("Nothing to import. Name a SOURCE, or set KNOWLEDGE_DIR or CONNECTORS_FILE.")
        return 1
    folders = _folders(sources) if arguments.watch else []
    looked = [await _look(folder) for folder in folders]  # before: what changes while it is read is read again
    imports = _Imports(shelf, embedder, dry_run=arguments.dry_run)
    well = await imports.all(sources, force=arguments.force)
    if arguments.every:
        await imports.again(sources, arguments.every)
    if arguments.watch:
        await imports.watch(folders, looked, well=well)
    return 0 if well else 1


class _Imports:
    def __init__(self, shelf: OpenShelf, embedder: Embedder | None, *, dry_run: bool) -> None:
        self._progress = Progress()
        self._importer = Importer(shelf.store, embedder, watcher=self._show)
        self._dry_run = dry_run

    async def all(self, sources: Sequence[Source], *, quietly: bool = False, force: bool = False) -> bool:
        """One after the other; what fails is told, and the next is read."""
        done = [await self._one(one, named=len(sources) > 1, quietly=quietly, force=force) for one in sources]
        return all(done)

    async def again(self, sources: Sequence[Source], every: float) -> None:
        """Until somebody ends the process."""
        while True:
            await asyncio.sleep(every)
            await self.all(sources, quietly=True)

    async def watch(self, folders: Sequence[FolderSource], looked: Sequence[object], *, well: bool) -> None:
        """Import a folder when something changed in it and has been still for a moment; without an end.

        `looked`: how they looked when they were imported. What failed (`well`: nothing so far) is tried again after a
        while, though nothing changed.
        """
        print("Watching for changes; Ctrl-C ends.")
        again_at = time.monotonic() + _AGAIN_SECONDS
        watched = [_Watched(f, look, not well, again_at) for f, look in zip(folders, looked, strict=True)]
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for one in watched:
                now = time.monotonic()
                if one.is_due(await _look(one.folder), now):
                    well = await self._one(one.folder, named=len(folders) > 1, quietly=True)
                    one.imported(well=well, now=now)

    async def _one(self, source: Source, *, named: bool, quietly: bool, force: bool = False) -> bool:
        try:
            report = await self._importer.run(source, dry_run=self._dry_run, force=force)
        except _FAULTS as error:
            self._progress.clear()
            print(visible(f"{source.name}: {error}" if named else str(error)), flush=True)
            return False
        self._progress.clear()
        if not quietly or report.imported or report.removed or report.skipped:
            print(visible("\n".join(_told(report, named=named, dry_run=self._dry_run))), flush=True)
        return True

    def _show(self, step: Step) -> None:
        self._progress.show(step.doing, step.done, step.of)


@dataclass(slots=True)
class _Watched:
    folder: FolderSource
    tried: object
    """How the folder looked when it was imported last, well or not."""
    has_failed: bool
    again_at: float
    seen: object = None
    """How it looked last."""

    def is_due(self, looks: object, now: float) -> bool:
        """Whether it has been still since the last look, and is another than before or has waited long enough."""
        still, self.seen = looks == self.seen, looks
        return still and (looks != self.tried or (self.has_failed and now >= self.again_at))

    def imported(self, *, well: bool, now: float) -> None:
        """What was seen last was imported, or is to be tried again."""
        self.tried, self.has_failed, self.again_at = self.seen, not well, now + _AGAIN_SECONDS


def _told(report: Report, *, named: bool, dry_run: bool) -> Iterable[str]:
    head, *skipped = str(report).splitlines()
    name = f"{report.source}: " if named else ""
    if dry_run:
        yield f"{name}would be: {head}; {report.embedded} texts to embed. Nothing was changed."
        yield from (f"would import {slug}" for slug in report.imported)
        yield from (f"would remove {slug}" for slug in report.removed)
        yield from [f"It would be refused: {report.refused}"] if report.refused else []
    else:
        yield f"{name}{head}; {report.embedded} texts embedded; {report.seconds:.1f} s"
    yield from skipped


def _wanted(shelf: OpenShelf, texts: Sequence[str]) -> list[KnowledgeConnector]:
    environment = shelf.settings.environment
    if texts:
        return [settings_of(text, environment) for text in texts]
    try:
        connectors = load_connectors(shelf.settings.connectors_file, environment)
    except ConnectorsError as error:
        raise SettingsError([f"CONNECTORS_FILE: {line}" for line in error.lines]) from error
    folder = shelf.settings.knowledge_dir
    return [*([FolderSettings(kind="folder", path=Path(folder))] if folder else []), *connectors.knowledge]


def _folders(sources: Sequence[Source]) -> list[FolderSource]:
    folders = [source for source in sources if isinstance(source, FolderSource)]
    other = next((source.name for source in sources if not isinstance(source, FolderSource)), "")
    if other:
        raise SettingsError([f"--watch: only folders can be watched. For {other} use --every 30m."])
    return folders


async def _look(folder: FolderSource) -> object:
    """None while it cannot be looked at."""
    try:
        return await asyncio.to_thread(folder.signature)
    except (SourceError, OSError):
        return None
