"""Articles found by their words: an index of tantivy's in a folder of this replica.

The text is cut into terms here, as for the index in memory, and tantivy only counts them: BM25 with the same numbers
over the same passages, the title four times in front. What customers may read is indexed a second time in a field of
its own, with its own frequencies, which is all that their questions ever look into.

An update is one commit: whoever searches has the articles before it until `view` is called again.
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import log1p
from pathlib import Path
from threading import RLock
from typing import ParamSpec, TypeVar, cast

import tantivy

from tools.knowledge_base.articles import Article, ArticleCategory, Audience
from tools.knowledge_base.words import DEFAULT, LONGEST_QUERY, Words, codes

_FORMAT = "2"
"""Changes when the same article would be indexed in another way."""
_HEAP = 50_000_000
"""Bytes the writer collects before it writes them down."""
_TITLE_TIMES = 4
"""How often a title stands in front of each passage; as in the index in memory."""
_LONGEST_TERM = 1000
"""Characters; tantivy refuses terms of 64 kB."""
_MOST_PASSAGES = 20_000
"""Of the few articles of one answer."""
_BITS = 63
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """An article to be indexed."""

    article: Article
    """Without its body."""
    version: str
    """Of its passages."""
    passages: Sequence[str]
    """At least one."""


@dataclass(frozen=True, slots=True)
class Text:
    """An article as it was indexed."""

    article: Article
    passages: tuple[str, ...]
    scores: tuple[float, ...]
    """Of each passage by the question's words."""


def number_of(text: str) -> int:
    """By which an article, or a version, is known in the index: 63 bits of its digest."""
    return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) >> (64 - _BITS)


def unbroken(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What `work` returns; ValueError also where tantivy panics, which is no Exception and would end whoever calls."""
    try:
        return work(*given, **named)
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError("tantivy broke") from error
        raise


def _schema() -> tantivy.Schema:
    made = tantivy.SchemaBuilder()
    for field in ("public", "all"):
        made.add_text_field(field, tokenizer_name="blank", index_option="freq")
    made.add_text_field("category", tokenizer_name="raw", index_option="basic")
    made.add_unsigned_field("article", indexed=True, fast=True)
    for field in ("version", "position"):
        made.add_unsigned_field(field, fast=True)
    made.add_bytes_field("said", stored=True)
    return made.build()


def _opened(place: Path, schema: tantivy.Schema) -> tantivy.Index:
    """What is there, or nothing where that is broken: all of it can be made again."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)  # articles for staff are in it, too
    try:
        return tantivy.Index(schema, path=str(place))
    except ValueError:
        shutil.rmtree(place)
        place.mkdir(mode=0o700)
        return tantivy.Index(schema, path=str(place))


class Lexicon:
    """The index in its folder. One process writes into a folder."""

    def __init__(self, folder: Path) -> None:
        """Opens what is there or begins anew. Raises OSError and ValueError when the folder is no place for it."""
        place = folder / f"words-{_FORMAT}"
        self._schema = _schema()
        self._index = _opened(place, self._schema)
        analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("blank", analyzer)
        self._index.config_reader("manual")
        self._writer = self._index.writer(_HEAP, 1)
        self._words: dict[str, Words] = {}
        self._alone = RLock()
        """While a thread writes, also for a caller who was cancelled."""

    def begin(self) -> None:
        """Forget what was put and dropped since the last commit, by an update that broke."""
        with self._alone:
            self._writer.rollback()

    def versions(self) -> dict[int, int]:
        """What is indexed: the version of each article, both as numbers."""
        self._index.reload()
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.all_query(), max(1, searcher.num_docs), count=False).hits
        places = [place for _, place in hits]
        if not places:
            return {}
        articles, versions = (searcher.fast_field_values(field, places) for field in ("article", "version"))
        return {int(a or 0): int(v or 0) for a, v in zip(articles, versions, strict=True)}

    def put(self, entries: Sequence[Entry]) -> None:
        """Index these, instead of older versions of them; seen after `commit`."""
        with self._alone:
            self.drop([number_of(entry.article.slug) for entry in entries])
            for entry in entries:
                self._add(entry)

    def drop(self, articles: Collection[int]) -> None:
        """Without these; seen after `commit`."""
        if articles:  # by query: by term nothing goes, as the binding takes the number for a signed one
            mine = tantivy.Query.term_set_query(self._schema, "article", list(articles))
            with self._alone:
                self._writer.delete_documents_by_query(mine)

    def commit(self) -> None:
        """All that was put and dropped, at once."""
        with self._alone:
            self._writer.commit()
            self._writer.garbage_collect_files()

    def view(self, languages: Sequence[str]) -> "View":
        """The articles as they are now, in these languages; later commits change nothing about it."""
        self._index.reload()
        return View(self._schema, self._index.searcher(), tuple(languages))

    def close(self) -> None:
        """Let go of the folder."""
        with self._alone:
            self._writer.wait_merging_threads()

    def _add(self, entry: Entry) -> None:
        title = self._terms(entry.article.language, entry.article.title) * _TITLE_TIMES
        for position, text in enumerate(entry.passages):
            terms = title + self._terms(entry.article.language, text)
            self._writer.add_document(self._document(entry, position, " ".join(terms)))

    def _terms(self, language: str, text: str) -> list[str]:
        language = language or DEFAULT
        words = self._words.setdefault(language, Words(language))
        return [f"{language}:{term}" for term in words.terms(text) if len(term) <= _LONGEST_TERM]

    def _document(self, entry: Entry, position: int, terms: str) -> tantivy.Document:
        made = tantivy.Document()
        made.add_unsigned("article", number_of(entry.article.slug))
        made.add_unsigned("version", number_of(entry.version))
        made.add_unsigned("position", position)
        made.add_text("category", entry.article.category)
        made.add_text("all", terms)
        if entry.article.audience is Audience.PUBLIC:
            made.add_text("public", terms)
        made.add_bytes("said", json.dumps((_told(entry.article), entry.passages[position])).encode())
        return made


def _told(article: Article) -> tuple[str, ...]:
    return (
        article.slug, article.title, article.category, article.url, article.updated, article.audience.value,
        article.language,
    )  # fmt: skip


class View:
    """The index at one moment. Threads may share it."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, languages: tuple[str, ...]) -> None:
        self._schema = schema
        self._searcher = searcher
        self._languages = languages

    def asks(self, query: str, *, internal: bool) -> "Asking":
        """A question on somebody's behalf."""
        terms = [
            f"{language}:{term}"
            for language in self._languages
            for term in list(dict.fromkeys(Words(language).terms(query)))[:LONGEST_QUERY]
            if len(term) <= _LONGEST_TERM
        ]
        return Asking(self._schema, self._searcher, "all" if internal else "public", query, terms)


class Asking:
    """One question to the index."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, field: str, query: str, terms: Sequence[str]
    ) -> None:
        self._schema, self._searcher, self._field = schema, searcher, field
        self._query, self._by_language = query, _grouped(terms)
        self._said = _any([self._term(field, term) for term in terms])

    def best(self, articles: int, category: ArticleCategory | None) -> dict[int, float]:
        """The score of the best passage of the best articles, at least so many of them if there are."""
        wanted = self._said if category is None else _all(_free(self._term("category", category)), self._said)
        size = 4 * articles
        while True:
            hits = self._searcher.search(wanted, size, count=False).hits
            numbers = self._searcher.fast_field_values("article", [place for _, place in hits])
            found: dict[int, float] = {}
            for (score, _), number in zip(hits, numbers, strict=True):
                found.setdefault(int(number or 0), float(score))
            if len(found) >= articles or len(hits) < size:
                return found
            size *= 4

    def texts(self, articles: Collection[int]) -> dict[int, Text]:
        """What these articles say, as far as they are indexed for whoever asks."""
        if not articles:
            return {}
        mine = tantivy.Query.term_set_query(self._schema, "article", list(articles))
        wanted = tantivy.Query.boolean_query([(tantivy.Occur.Must, _free(mine)), (tantivy.Occur.Should, self._said)])
        hits = self._searcher.search(wanted, _MOST_PASSAGES, count=False).hits
        places = [place for _, place in hits]
        order = self._searcher.fast_field_values("position", places)
        parts: dict[int, list[tuple[int, str, float]]] = {}
        heads: dict[int, Article] = {}
        for (score, place), position in zip(hits, order, strict=True):
            head, text = json.loads(bytes(self._searcher.doc(place).get_first("said") or b""))
            article = _article(head)
            if self._field == "public" and article.audience is not Audience.PUBLIC:
                continue
            heads[number := number_of(article.slug)] = article
            parts.setdefault(number, []).append((int(position or 0), text, float(score)))
        return {number: _text(heads[number], sorted(rows)) for number, rows in parts.items()}

    def holds_code(self) -> bool:
        """Whether an error code or the like in the question stands in an article."""
        return any(self._holders(f"{lang}:{code}") for code in codes(self._query) for lang in self._by_language)

    def share(self, text: str, language: str = "") -> float:
        """How much of the question's weight stands in a text, 0 to 1; rare words weigh more."""
        language = language or DEFAULT
        asked = self._by_language.get(language, [])
        inside = {f"{language}:{term}" for term in Words(language).terms(text)}
        weights = {term: self._weight(term) for term in asked}
        total = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in inside) / total if total else 0.0

    def _weight(self, term: str) -> float:
        """As BM25 has it; a word nobody has weighs most."""
        holders, rows = self._holders(term), max(1, self._searcher.num_docs)
        return log1p(2 * rows) if not holders else log1p(max(0.0, rows - holders + 0.5) / (holders + 0.5))

    def _holders(self, term: str) -> int:
        return self._searcher.doc_freq(self._field, term)

    def _term(self, field: str, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, term, "freq" if field == self._field else "basic")


def _grouped(terms: Iterable[str]) -> Mapping[str, list[str]]:
    made: dict[str, list[str]] = {}
    for term in terms:
        made.setdefault(term.partition(":")[0], []).append(term)
    return made


def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if not queries:
        return tantivy.Query.empty_query()
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _all(*queries: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _free(query: tantivy.Query) -> tantivy.Query:
    """A condition that adds nothing to a score."""
    return tantivy.Query.const_score_query(query, 0.0)


def _article(head: Sequence[str]) -> Article:
    slug, title, category, url, updated, audience, language = head
    kind = cast("ArticleCategory", category)  # as `_told` wrote it
    return Article(slug, title, kind, url, updated, Audience(audience), "", language)


def _text(article: Article, rows: Sequence[tuple[int, str, float]]) -> Text:
    return Text(article, tuple(text for _, text, _ in rows), tuple(score for *_, score in rows))
