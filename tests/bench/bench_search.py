"""How good is the search? Public question sets against other ways to rank the same articles; where the bands lie."""

import asyncio
from collections.abc import Sequence

from tests.bench.kit import Row
from tests.bench.search_rivals import RIVALS, Embed
from tests.bench.search_sets import MISSING, QuestionSet, Worth, load_sets, mean, vectors_of, worth
from tools.knowledge_base.articles import Article
from tools.knowledge_base.band import Band
from tools.knowledge_base.dense import Stored
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.minilm import MiniLM

_GAIN = 0.14
"""Points of recall the hybrid is to be above plain BM25 in the pool."""
_PLAIN = next(iter(RIVALS))


async def measure(*, quick: bool) -> list[Row]:
    return await asyncio.to_thread(_measure, quick=quick)


def _measure(*, quick: bool) -> list[Row]:
    sets, outside = load_sets()
    if not sets:
        return [Row("quality of search", MISSING)]
    minilm = MiniLM(workers=2)
    pool = tuple(article for one in sets for article in one.articles)
    vectors = vectors_of(pool, minilm)
    embed = Embed(minilm)
    rows = [Row("sets", ", ".join(f"{one.name} {len(one.articles)}/{len(one.queries)}" for one in sets))]
    if not quick:
        rows += _table("own corpora", sets, [one.articles for one in sets], vectors, embed)
    rows += _table("pool", sets, [pool] * len(sets), vectors, embed)
    return rows + _bands(sets, outside, vectors, embed)


def _table(
    title: str, sets: Sequence[QuestionSet], corpora: Sequence[Sequence[Article]], vectors: Stored, embed: Embed
) -> list[Row]:
    rows, plain = [Row(f"{title}: r5 / MRR@10 / hit@5", "average; each set's r5")], 0.0
    for name, rival in RIVALS.items():
        each = []
        ranker = None
        for one, corpus in zip(sets, corpora, strict=True):
            if ranker is None or corpus is not corpora[0]:
                ranker = rival(corpus, vectors, embed)
            each.append(worth(one.queries, ranker))
        average = mean(each)
        plain = average.recall5 if name == _PLAIN else plain
        rows.append(_row(title, name, average, each, plain))
    return rows


def _row(title: str, name: str, average: Worth, each: Sequence[Worth], plain: float) -> Row:
    measured = f"{average.recall5:.3f} / {average.mrr10:.3f} / {average.hit5:.3f}   " + " ".join(
        f"{one.recall5:.3f}" for one in each
    )
    if name != "hybrid" or title != "pool":
        return Row(f"  {name}", measured)
    gain = average.recall5 - plain
    return Row(f"  {name}", f"{measured}  ({gain:+.3f} on plain BM25)", f">= +{_GAIN}", gain >= _GAIN)


def _bands(sets: Sequence[QuestionSet], outside: Sequence[str], vectors: Stored, embed: Embed) -> list[Row]:
    """How many questions fall into each band: off-topic ones, and those that an article answers."""
    rows = [Row("bands: none / weak / strong", "of questions about something else, and of those an article answers")]
    for one in sets:
        index = ArticleIndex.build(one.articles, vectors, embed)
        off = _shares(index, outside)
        on = _shares(index, [query.text for query in one.queries])
        rows.append(Row(f"  {one.name}", f"off {_told(off)}   on {_told(on)}"))
    return rows


def _shares(index: ArticleIndex, questions: Sequence[str]) -> list[float]:
    bands = [index.search(question, None, internal=False).band for question in questions]
    return [bands.count(band) / max(1, len(bands)) for band in (Band.NONE, Band.WEAK, Band.STRONG)]


def _told(shares: Sequence[float]) -> str:
    return " / ".join(f"{share:.1%}" for share in shares)
