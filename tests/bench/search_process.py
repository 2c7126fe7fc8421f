"""Run by bench_search_speed in processes of their own: `write FILE N` fills a database, `ask FILE` searches it."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import psutil
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import memory
from bot.store.engine import create_engine
from bot.turns import take_short_turns
from tests.bench.search_text import Writer
from tools.database import create_tables
from tools.knowledge_base.band import Thresholds
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.minilm import MiniLM
from tools.knowledge_base.sources.base import Document
from tools.knowledge_base.store import ArticleStore, Batch
from tools.knowledge_base.tables import vectors
from tools.knowledge_base.tool import Question

_ROWS = 5000
_QUESTIONS = 600
Json = dict[str, float | list[float]]


async def write(engine: AsyncEngine, count: int) -> Json:
    """Articles and vectors as an import leaves them; how long embedding them would have taken, from a sample."""
    minilm, writer = MiniLM(), Writer()
    articles = writer.articles(count)
    cuts = {article.slug: cut(article) for article in articles}
    _questions(engine).write_text(json.dumps(Writer(8).questions(_QUESTIONS)))
    await create_tables(engine)
    documents = {article.slug: Document(article) for article in articles}
    bands = {minilm.name: Thresholds(-1.0, 1.0).json()}
    began = time.perf_counter()
    await ArticleStore(engine, time.time).replace(Batch("plain", documents, frozenset(), cuts, bands))
    written = time.perf_counter() - began
    digests = sorted({digest for parts in cuts.values() for digest in (parts.title_digest, *parts.digests)})
    await _write_vectors(engine, minilm, digests, writer)
    sample = [part.text for parts in list(cuts.values())[:25] for part in parts.passages][:25]
    began = time.perf_counter()
    minilm.embed(sample)
    each = (time.perf_counter() - began) / len(sample)
    passages = sum(len(parts.passages) for parts in cuts.values())
    return {"passages": passages, "embedding": each * passages, "written": written}


def _questions(engine: AsyncEngine) -> Path:
    """Written beforehand: whoever makes them up takes memory that is not the search's."""
    return Path(f"{engine.url.database}.questions")


async def _write_vectors(engine: AsyncEngine, minilm: MiniLM, digests: Sequence[str], writer: Writer) -> None:
    for start in range(0, len(digests), _ROWS):
        part = digests[start : start + _ROWS]
        made = writer.vectors(len(part), minilm.dimensions).astype(np.float16)
        rows: list[Mapping[str, object]] = [
            {"embedder": minilm.name, "digest": digest, "vector": vector.tobytes()}
            for digest, vector in zip(part, made, strict=True)
        ]
        async with engine.begin() as connection:
            await connection.execute(sa.insert(vectors), rows)


async def ask(engine: AsyncEngine) -> Json:
    """Start up as the bot does, then questions from one client, and from two at once."""
    memory.keep_lean()
    take_short_turns()
    began = time.perf_counter()
    minilm = MiniLM()
    knowledge = LocalKnowledge(ArticleStore(engine, time.time), minilm)
    await knowledge.refresh()
    started = time.perf_counter() - began
    memory.settle()
    questions = json.loads(_questions(engine).read_text())
    await _times(knowledge, questions[:50])
    one = await _times(knowledge, questions)
    both = await asyncio.gather(_times(knowledge, questions), _times(knowledge, questions[::-1]))
    size = psutil.Process().memory_info().rss / 1e6
    return {"started": started, "one": one, "two": [*both[0], *both[1]], "memory": size}


async def _times(knowledge: LocalKnowledge, questions: Sequence[str]) -> list[float]:
    times = []
    for question in questions:
        began = time.perf_counter()
        await knowledge.search(Question(question, None, internal=False))
        times.append((time.perf_counter() - began) * 1000)
    return times


async def main(action: str, file: str, count: str = "0") -> None:
    engine = create_engine(f"sqlite:///{file}")
    try:
        print(json.dumps(await (write(engine, int(count)) if action == "write" else ask(engine))))
    finally:
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
