"""Question sets with known answers, read from a folder; what a ranking of them is worth."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.cutting import cut, texts_of
from tools.knowledge_base.embedder import Embedder

SETS = "DESKHAND_SEARCH_SETS"
"""Name of the variable with a folder of sets: each a folder with corpus.jsonl (id, title, body) and queries.jsonl (id,
text, rel: article ids); one without a corpus holds questions that nothing answers."""
MISSING = f"skipped: {SETS} names no folder of question sets (each with corpus.jsonl and queries.jsonl)"
SET_SEPARATOR = "\N{SYMBOL FOR UNIT SEPARATOR}"
Ranker = Callable[[str], Sequence[str]]
"""A question's articles by slug, the best 10."""


@dataclass(frozen=True)
class Query:
    text: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class QuestionSet:
    name: str
    articles: tuple[Article, ...]
    queries: tuple[Query, ...]
    """Only those that some article answers."""


@dataclass(frozen=True)
class Worth:
    """Averages over the questions of a set."""

    recall5: float
    mrr10: float
    hit5: float


def load_sets() -> tuple[list[QuestionSet], list[str]]:
    """The sets that have a corpus, and the questions of those that have none; nothing without a folder."""
    folder = os.environ.get(SETS, "")
    if not folder or not Path(folder).is_dir():
        return [], []
    sets, outside = [], []
    for path in sorted(Path(folder).iterdir()):
        if not (path / "queries.jsonl").exists():
            continue
        if (path / "corpus.jsonl").exists():
            sets.append(_read(path))
        else:
            outside += [line["text"] for line in _lines(path / "queries.jsonl")]
    return sets, outside


def _read(path: Path) -> QuestionSet:
    def slug(key: str) -> str:
        return f"{path.name}{SET_SEPARATOR}{key}"

    articles = tuple(
        Article(slug(line["id"]), line["title"], "product", "", "", Audience.PUBLIC, line["body"])
        for line in _lines(path / "corpus.jsonl")
    )
    queries = (Query(q["text"], frozenset(map(slug, q["rel"]))) for q in _lines(path / "queries.jsonl"))
    return QuestionSet(path.name, articles, tuple(query for query in queries if query.relevant))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def worth(queries: Sequence[Query], rank: Ranker) -> Worth:
    recalls, reciprocals, hits = [], [], []
    for query in queries:
        found = list(rank(query.text))[:10]
        right = [place for place, slug in enumerate(found, 1) if slug in query.relevant]
        among = sum(place <= 5 for place in right)
        recalls.append(among / min(5, len(query.relevant)))
        reciprocals.append(1 / right[0] if right else 0.0)
        hits.append(float(among > 0))
    return Worth(*(float(np.mean(values)) for values in (recalls, reciprocals, hits)))


def mean(worths: Sequence[Worth]) -> Worth:
    return Worth(*(float(np.mean([getattr(w, field) for w in worths])) for field in ("recall5", "mrr10", "hit5")))


def vectors_of(articles: Sequence[Article], embedder: Embedder) -> Mapping[str, NDArray[np.float16]]:
    """Their vectors, kept in the system's temporary folder between benches: they take minutes."""
    path = Path(tempfile.gettempdir()) / f"deskhand-bench-{embedder.name}.npz"
    known: dict[str, NDArray[np.float16]] = {}
    if path.exists():
        with np.load(path) as kept:
            known = dict(zip(kept["digests"].tolist(), kept["vectors"], strict=True))
    texts = {digest: text for article in articles for digest, text in texts_of(article, cut(article))}
    missing = [digest for digest in texts if digest not in known]
    if missing:
        made = embedder.embed([texts[digest] for digest in missing]).astype(np.float16)
        known |= dict(zip(missing, made, strict=True))
        np.savez(path, digests=np.array(list(known)), vectors=np.stack(list(known.values())))
    return known
