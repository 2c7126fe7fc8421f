"""Makes the articles of a source what the source holds now.

Read, cut and embed what changed, calibrate the bands, then write all of it in one transaction: whoever searches sees
the old articles or the new ones, and an import that breaks anywhere (or is killed) has changed nothing. Vectors are
written as they are made, since nobody looks at one before an article of its text is there; so what was embedded before
a crash is not embedded again.
"""

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.memory import give_back
from tools.knowledge_base.articles import Article
from tools.knowledge_base.band import Thresholds
from tools.knowledge_base.building import Shelf, bands
from tools.knowledge_base.cutting import Cut, cut
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.intake import Reading
from tools.knowledge_base.sources.base import Skipped, Source, SourceError
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.store import ArticleStore, Batch, Changes, Held
from tools.knowledge_base.vectors import VectorStore

_SHOWN = 5
"""Broken documents named in a refusal."""
_MANY, _HALF = 20, 0.5
"""From how many articles of a source on an import that would take away more than this share of them is refused."""
_DRIFT = 0.05
"""Share of the articles that may change before the bands are measured anew: one article does not move them."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an import is."""

    doing: str
    """`reading` or `embedding`."""
    done: int
    of: int
    """0 when unknown."""


Watcher = Callable[[Step], None]


class ManyGoneError(SourceError):
    """Most of a source's articles would go: its service, or who configured it, is more likely wrong than they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would have done; the slugs, and what became of the rest."""

    source: str
    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    embedded: int = 0
    """Passages and titles that had no vector yet."""
    seconds: float = 0.0
    refused: str = ""
    """Of a dry run: why the import would be refused."""

    def __str__(self) -> str:
        head = (
            f"{len(self.imported)} imported, {len(self.unchanged)} unchanged, {len(self.removed)} removed, "
            f"{len(self.skipped)} skipped"
        )
        return "\n".join((head, *(f"skipped {item.name}: {item.why}" for item in self.skipped)))


@dataclass(frozen=True, slots=True)
class _Plan:
    batch: Batch
    changes: Changes
    after: Shelf
    """As all will be then."""
    measure: bool
    """Whether the bands are to be measured anew."""


class Importer:
    """Brings sources into one shelf of the knowledge base."""

    def __init__(
        self, store: ArticleStore, embedder: Embedder | None = None, *, watcher: Watcher = lambda _: None
    ) -> None:
        """Without an embedder articles are found by their words alone, until `catch_up` is called with one."""
        self._store = store
        self._vectors = VectorStore(store.engine)
        self._embedder = embedder
        self._watcher = watcher

    async def import_folder(self, path: Path) -> Report:
        """Make the plain folder's articles those below `path`."""
        return await self.run(MarkdownFolder(path))

    async def run(self, source: Source, *, dry_run: bool = False, force: bool = False) -> Report:
        """Take in what changed, remove what is gone, all at once.

        What cannot be read as an article is reported and skipped; if it was imported earlier, that version stays.
        Raises SourceError when there is no article at all, so that a wrong path empties nothing; ManyGoneError, unless
        `force`, when more than half of what there was would go; EmbedderUnavailableError, and ToolUnavailableError when
        the database does not answer. A dry run writes nothing.
        """
        try:
            return await self._run(source, dry_run=dry_run, force=force)
        finally:
            await asyncio.to_thread(give_back)

    async def _run(self, source: Source, *, dry_run: bool, force: bool) -> Report:
        begun = self._store.clock()
        reading = await self._read(source)
        plan = await self._plan(source.name, reading)
        refused = "" if force else _too_many_gone(source.name, frozenset(reading.known), plan.changes)
        if dry_run:
            changes, embedded = plan.changes, await self._to_embed(plan.after)
        elif refused:
            raise ManyGoneError(refused)
        else:
            changes, embedded = await self._carry_out(plan)
        taken = (Skipped(slug, "another source has an article of that name") for slug in changes.taken)
        skipped = (*reading.skipped, *taken)
        left_out = {item.slug for item in skipped}
        unchanged = tuple(slug for slug in changes.unchanged if slug not in left_out)
        seconds = self._store.clock() - begun
        return Report(source.name, changes.imported, unchanged, changes.removed, skipped, embedded, seconds, refused)

    async def clear(self, source: str) -> int:
        """Take every article of a source away, which an import of nothing does not do; how many there were."""
        return await self._store.remove(source)

    async def catch_up(self) -> int:
        """Cut and embed what was imported without this embedder; how many texts that were.

        Vectors that nobody was told of, because another shelf has the same texts or whoever made them was stopped, are
        announced.
        """
        held = await self._store.held()
        cuts = await asyncio.to_thread(_cut, held.articles, held.cuts, frozenset())
        shelf, measure = Shelf(held.articles, {**held.cuts, **cuts}), self._has_drifted(held, 0)
        if not held.articles or not (cuts or measure or await self._is_untold(held, shelf)):
            return 0
        nobodys = Batch("", {}, frozenset(), cuts)
        return (await self._carry_out(_Plan(nobodys, Changes((), (), ()), shelf, measure)))[1]

    async def _read(self, source: Source) -> Reading:
        known = await self._store.known(source.name)
        reading = Reading(known)
        async for _ in reading.all(source.read(known)):
            self._watcher(Step("reading", reading.seen, reading.expected))
        if not reading.documents and not reading.stays & set(known):
            raise SourceError(_refusal(source.name, reading))
        return reading

    async def _plan(self, source: str, reading: Reading) -> _Plan:
        held = await self._store.held()
        digests = await asyncio.to_thread(lambda: {slug: d.article.digest for slug, d in reading.documents.items()})
        batch = Batch(source, reading.documents, frozenset(reading.stays), {}, digests=digests)
        changes = await self._store.preview(batch)
        fresh = {slug: reading.documents[slug].article for slug in changes.imported}
        articles = await asyncio.to_thread(_afterwards, held.articles, frozenset(changes.removed), fresh)
        cuts = await asyncio.to_thread(_cut, articles, held.cuts, fresh.keys())
        measure = self._has_drifted(held, len(changes.imported) + len(changes.removed))
        return _Plan(replace(batch, cuts=cuts), changes, Shelf(articles, {**held.cuts, **cuts}), measure)

    async def _carry_out(self, plan: _Plan) -> tuple[Changes, int]:
        """Write it; what else was imported meanwhile is written, too, and may have swept our vectors away."""
        embedded = await self._embed(plan.after)
        thresholds = await self._calibrate(plan.after) if plan.measure else {}
        batch = replace(plan.batch, thresholds=thresholds, embedded=await self._count(plan.after))
        changes = await self._store.replace(replace(batch, has_new_vectors=embedded > 0))
        if not changes.is_nothing:
            await self._vectors.sweep()
        if lost := await self._embed(plan.after):
            await self._store.announce()
        return changes, embedded + lost

    def _has_drifted(self, held: Held, changed: int) -> bool:
        """Whether so much is another than when the bands were measured that they are to be measured anew."""
        if self._embedder is None:
            return False
        name = self._embedder.name
        if Thresholds.parse(held.thresholds.get(name, "")) is None:
            return True
        return held.drift[name] + changed > _DRIFT * len(held.articles)

    async def _embed(self, shelf: Shelf) -> int:
        if self._embedder is None:
            return 0
        told = lambda done, of: self._watcher(Step("embedding", done, of))  # noqa: E731
        return await self._vectors.fill(self._embedder, await asyncio.to_thread(shelf.texts), told)

    async def _to_embed(self, shelf: Shelf) -> int:
        if self._embedder is None:
            return 0
        digests = await asyncio.to_thread(shelf.digests)
        return len(await self._vectors.missing(self._embedder.name, digests))

    async def _count(self, shelf: Shelf) -> Mapping[str, int]:
        """By embedder: how many texts there are, which all have their vectors."""
        return {self._embedder.name: len(await asyncio.to_thread(shelf.digests))} if self._embedder else {}

    async def _is_untold(self, held: Held, shelf: Shelf) -> bool:
        """Whether there are vectors to be made, or made but never announced."""
        is_more = any(held.embedded.get(name) != count for name, count in (await self._count(shelf)).items())
        return is_more or await self._to_embed(shelf) > 0

    async def _calibrate(self, shelf: Shelf) -> Mapping[str, str]:
        if self._embedder is None:
            return {}
        vectors = await self._vectors.load(self._embedder, await asyncio.to_thread(shelf.digests))
        return {self._embedder.name: await asyncio.to_thread(bands, shelf, vectors, self._embedder)}


def _afterwards(
    before: Iterable[Article], removed: Container[str], fresh: Mapping[str, Article]
) -> tuple[Article, ...]:
    """All articles of the shelf once the import is done."""
    stay = (article for article in before if article.slug not in removed and article.slug not in fresh)
    return tuple(sorted((*stay, *fresh.values()), key=lambda article: article.slug))


def _cut(articles: Iterable[Article], present: Container[str], fresh: Container[str]) -> dict[str, Cut]:
    """Those that are new, and those that were cut in an older way."""
    return {a.slug: cut(a) for a in articles if a.slug in fresh or a.slug not in present}


def _too_many_gone(name: str, known: frozenset[str], changes: Changes) -> str:
    """Why an import is refused; empty when it is not. Renamed documents count as gone."""
    gone = len(known.intersection(changes.removed))
    if len(known) < _MANY or gone <= _HALF * len(known):
        return ""
    came = f", and {len(changes.imported)} would come" if changes.imported else ""
    return (
        f"{gone} of the {len(known)} articles of {name} would go{came}. Nothing was changed, in case the source is at "
        "fault. If they are to go: `deskhand kb import SOURCE --force`."
    )


def _refusal(name: str, reading: Reading) -> str:
    if not reading.skipped:
        return f"{name} holds no articles. Nothing was changed."
    some = "; ".join(f"{item.name}: {item.why}" for item in reading.skipped[:_SHOWN])
    return f"None of the {len(reading.skipped)} documents in {name} is a readable article. Nothing was changed. {some}"
