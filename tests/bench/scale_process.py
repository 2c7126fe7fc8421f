"""Run by bench_search_scale in processes of their own: `write URL FOLDER N`, then `memory` and `scale URL FOLDER`."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import psutil
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import memory
from bot.store.engine import create_engine
from bot.turns import take_short_turns
from tests.bench.search_text import Writer
from tools.database import create_tables
from tools.knowledge_base.band import Thresholds
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.embedder import UNKNOWN, Vectors
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.scale.growing import GrowingKnowledge, Scale
from tools.knowledge_base.sources.base import Document
from tools.knowledge_base.store import ArticleStore, Batch
from tools.knowledge_base.tables import vectors
from tools.knowledge_base.tool import Question

_ROWS = 2000
_QUESTIONS = 300
_CENTRES, _SPREAD = 2000, 0.8
Json = dict[str, object]


class Synthetic:
    """Vectors that gather around some points, as those of texts do; they have nothing to do with what the texts say."""

    name = "synthetic"
    dimensions = 384
    languages = frozenset({"en"})
    bounds = UNKNOWN

    def __init__(self) -> None:
        self._centres = np.random.default_rng(5).standard_normal((_CENTRES, self.dimensions)).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        numbers = np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8]))
        near = self._centres[numbers.integers(_CENTRES)]
        made = near + _SPREAD * numbers.standard_normal(self.dimensions).astype(np.float32)
        found: NDArray[np.float32] = made / np.linalg.norm(made)
        return found


async def write(engine: AsyncEngine, folder: Path, count: int) -> Json:
    """Articles and vectors as an import leaves them."""
    embedder = Synthetic()
    articles = Writer().articles(count)
    (folder / "questions").write_text(json.dumps(Writer(8).questions(_QUESTIONS)))
    await create_tables(engine)
    cuts = {article.slug: cut(article) for article in articles}
    documents = {article.slug: Document(article) for article in articles}
    bands = {embedder.name: Thresholds(-1.0, 1.0).json()}
    await ArticleStore(engine, time.time).replace(Batch("plain", documents, frozenset(), cuts, bands))
    digests = sorted({digest for parts in cuts.values() for digest in (parts.title_digest, *parts.digests)})
    for start in range(0, len(digests), _ROWS):
        part = digests[start : start + _ROWS]
        made = embedder.embed(part).astype("<f2")
        rows = [
            {"embedder": embedder.name, "digest": d, "vector": v.tobytes()} for d, v in zip(part, made, strict=True)
        ]
        async with engine.begin() as connection:
            await connection.execute(sa.insert(vectors), rows)
    return {"passages": sum(len(parts.passages) for parts in cuts.values())}


async def ask(engine: AsyncEngine, folder: Path, *, large: bool) -> Json:
    """Start up as the bot does, then questions from one client, and from two at once."""
    memory.keep_lean()
    take_short_turns()
    store, embedder = ArticleStore(engine, time.time), Synthetic()
    began = time.perf_counter()
    growing = GrowingKnowledge(store, embedder, None, Scale(1 if large else sys.maxsize, folder / "words"))
    await growing.refresh()
    started = time.perf_counter() - began
    assert growing.is_large is large
    memory.settle()
    questions = json.loads((folder / "questions").read_text())
    await _asked(growing, questions[:30])
    one, found = await _asked(growing, questions)
    both = await asyncio.gather(_asked(growing, questions), _asked(growing, questions[::-1]))
    size = psutil.Process().memory_info().rss / 1e6
    await growing.close()
    return {"started": started, "one": one, "two": [*both[0][0], *both[1][0]], "memory": size, "found": found}


async def _asked(knowledge: LocalKnowledge, questions: Sequence[str]) -> tuple[list[float], list[list[str]]]:
    times, found = [], []
    for question in questions:
        began = time.perf_counter()
        answer = await knowledge.search(Question(question, None, internal=False))
        times.append((time.perf_counter() - began) * 1000)
        found.append([result.source for result in answer.results])
    return times, found


async def main(action: str, url: str, folder: str, count: str = "0") -> None:
    engine = create_engine(url)
    try:
        place = Path(folder)
        told = await (
            write(engine, place, int(count)) if action == "write" else ask(engine, place, large=action == "scale")
        )
        print(json.dumps(told))
    finally:
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
