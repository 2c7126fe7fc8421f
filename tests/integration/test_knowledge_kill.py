"""An import that is killed at any moment leaves the old articles or the new ones, never a mix. On both databases."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.engine import create_engine
from tests.contract.store_kit import KINDS, database
from tests.fakes.knowledge import WordEmbedder
from tools.database import create_tables
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.staging import PassageStore
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tables import articles, chunks, vectors
from tools.knowledge_base.tool import Question

ARTICLES = 30
KILLS = 4
PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.store.engine import create_engine
from tests.fakes.knowledge import WordEmbedder
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.store import ArticleStore

async def main(url, *folders):
    importer = Importer(ArticleStore(create_engine(url), lambda: 0.0), WordEmbedder())
    while True:
        for folder in folders:
            await importer.run(MarkdownFolder(Path(folder)))
            print("imported", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
"""Imports one version after the other, as fast as it can."""


def write(folder: Path, version: str) -> Path:
    """A version of every article; each has one article and a passage that the other has not."""
    folder.mkdir()
    for n in [*range(ARTICLES), f"unicorn{version}"]:
        more = f"\n\n## More\n\n{'Words about something. ' * 60}{version}" if version == "new" else ""
        (folder / f"a{n}.md").write_text(f"---\ntitle: Article {n} {version}\n---\nThe {version} text of {n}.{more}\n")
    return folder


async def killed_at_some_moment(url: str, folders: list[Path], chance: random.Random) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, url, *map(str, folders), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(100):
        for _ in range(chance.randint(1, 3)):
            assert await process.stdout.readline()
        await asyncio.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_killed_import_leaves_one_version_whole(kind: str, tmp_path: Path) -> None:
    folders = [write(tmp_path / version, version) for version in ("old", "new")]
    chance = random.Random(7)  # noqa: S311 - chance, no secret
    async with database(kind, tmp_path) as url:
        engine = create_engine(url)
        await create_tables(engine)
        seen = set()
        for _ in range(KILLS if kind == "sqlite" else KILLS // 2):
            await killed_at_some_moment(url, folders, chance)
            seen.add(await whole_version(engine))
            chance.shuffle(folders)
        assert seen <= {"old", "new"}
        report = await Importer(ArticleStore(engine, lambda: 0.0), WordEmbedder()).run(MarkdownFolder(folders[0]))
        assert len(report.imported) + len(report.unchanged) == ARTICLES + 1
        await PassageStore(engine, "").sweep()
        assert await whole_version(engine) == folders[0].name
        await engine.dispose()


async def whole_version(engine: AsyncEngine) -> str:
    """The one version that articles, passages, vectors and searches are of."""
    store, embedder = ArticleStore(engine, lambda: 0.0), WordEmbedder()
    held = await store.held()
    versions = {article.title.split()[-1] for article in held.articles}
    assert len(versions) == 1, versions
    version = versions.pop()
    assert len(held.articles) == ARTICLES + 1
    for article in held.articles:
        texts = " ".join(passage.text for passage in held.cuts[article.slug].passages)
        assert f"The {version} text of" in texts
        assert texts.endswith(version) or version == "old"
    async with engine.connect() as connection:
        seen = sa.and_(articles.c.slug == chunks.c.slug, articles.c.cut == chunks.c.version)
        without = sa.select(sa.func.count()).where(seen, chunks.c.digest.not_in(sa.select(vectors.c.digest)))
        assert await connection.scalar(without) == 0
    found = await LocalKnowledge(store, embedder).search(Question(f"article unicorn{version}", None, internal=False))
    assert found.results[0].title == f"Article unicorn{version} {version}"
    return version
