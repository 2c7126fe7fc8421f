"""A model that reads question and passage together may order what was found, and can spoil nothing."""

import asyncio
import logging
import math
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import SettingsError, load_settings
from bot.domain.lesson import SOURCE
from bot.library import own_reranker
from bot.store.engine import create_engine
from tests.fakes.knowledge import ScriptedSource, WordEmbedder, article
from tests.fakes.tools import HeldClock
from tests.unit.test_doctor import Clinic
from tools.backends import Backends, open_backends
from tools.knowledge_base.articles import Article
from tools.knowledge_base.cross_encoder import CrossEncoder
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.own import OwnKnowledge
from tools.knowledge_base.rerankers import open_reranker
from tools.knowledge_base.reranking import CANDIDATES, Reranked, Reranker, RerankerUnavailableError
from tools.knowledge_base.tool import Findings, Question
from tools.knowledge_base.voyage_reranker import VoyageReranker

KEY = "pa-secret"
LONG = 30.0
QUERY = "Which card is golden?"
CARDS = [article(f"card-{number:02}", f"A card of kind k{number}.") for number in range(30)]


class Scripted:
    """Likes the texts that hold a word."""

    name = "scripted"

    def __init__(self, liked: str = "") -> None:
        self.liked = liked
        self.given: list[tuple[str, ...]] = []
        self.fault: Exception | None = None
        self.answer: Any = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def scores(self, question: str, texts: Sequence[str]) -> Any:
        self.given.append(tuple(texts))
        assert self.may_answer.wait(LONG)
        if self.fault:
            raise self.fault
        return self.answer if self.answer is not None else [float(self.liked in text) for text in texts]


@asynccontextmanager
async def shelf(folder: Path, reranked: Reranked | None, *articles: Article) -> AsyncIterator[Backends]:
    engine, embedder = create_engine(f"sqlite:///{folder / 'articles.db'}"), WordEmbedder()
    backends = await open_backends(engine, clock=HeldClock(), embedder=embedder, reranked=reranked)
    try:
        await Importer(backends.articles, embedder).run(ScriptedSource("folder", *articles), force=True)
        await backends.knowledge.refresh()
        yield backends
    finally:
        await backends.builds.close()
        await engine.dispose()


async def ask(backends: Backends, *, internal: bool = False, category: Any = None) -> Findings:
    return await backends.knowledge.search(Question(QUERY, category, internal=internal))


def slugs(findings: Findings) -> list[str]:
    return [result.source.removeprefix("kb://") for result in findings.results]


async def plain(folder: Path, *articles: Article) -> Findings:
    async with shelf(folder, None, *articles) as backends:
        return await ask(backends)


async def test_twenty_candidates_are_ordered_anew_and_five_are_shown_in_the_same_band(tmp_path: Path) -> None:
    before = await plain(tmp_path, *CARDS)
    reranker = Scripted()
    async with shelf(tmp_path, Reranked(reranker, seconds=LONG), *CARDS) as backends:
        assert await ask(backends) == before  # it likes them equally
        (given,) = reranker.given
        assert len(given) == CANDIDATES
        titles = [text.splitlines()[0] for text in given]
        assert titles[:5] == [result.title for result in before.results]
        reranker.liked = titles[13]
        after = await ask(backends)
    assert [result.title for result in after.results] == [titles[13], *titles[:4]]
    assert after.band is before.band


async def test_it_reads_the_title_and_the_best_passage(tmp_path: Path) -> None:
    dull = "\n\n".join(f"## Part {number}\n\n" + "Nothing to see. " * 60 for number in range(3))
    long = article("long", f"{dull}\n\n## Gold\n\nThis golden card shines.\n\n{dull}", title="All cards")
    reranker = Scripted()
    async with shelf(tmp_path, Reranked(reranker, seconds=LONG), long, CARDS[0]) as backends:
        await ask(backends)
    (text,) = (text for text in reranker.given[0] if text.startswith("All cards\n"))
    assert "This golden card shines." in text
    assert text.count("Nothing to see") < 60


async def test_it_never_sees_what_the_customer_may_not(tmp_path: Path) -> None:
    secret = article("secret", "The golden card is a secret.", internal=True)
    reranker = Scripted("secret")
    async with shelf(tmp_path, Reranked(reranker, seconds=LONG), secret, *CARDS[:3]) as backends:
        assert "secret" not in slugs(await ask(backends))
        assert not [text for texts in reranker.given for text in texts if "secret" in text]
        assert slugs(await ask(backends, internal=True))[0] == "secret"
        asked = len(reranker.given)
        assert (await ask(backends, category="billing")).results == ()
        assert len(reranker.given) == asked


async def test_it_does_not_see_what_became_internal_after_the_index_was_built(tmp_path: Path) -> None:
    reranker = Scripted("hidden")
    shown = article("hidden", "The golden card is hidden.")
    async with shelf(tmp_path, Reranked(reranker, seconds=LONG), shown, *CARDS[:3]) as backends:
        now = article("hidden", "The golden card is hidden.", internal=True)
        await Importer(backends.articles, WordEmbedder()).run(ScriptedSource("folder", now, *CARDS[:3]))
        assert "hidden" not in slugs(await ask(backends))
    assert not [text for texts in reranker.given for text in texts if "hidden" in text]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (RerankerUnavailableError("It is away."), None),
        (RuntimeError("odd"), None),
        (None, [1.0]),
        (None, [math.nan] * 3),
        (None, [None, "high", 3.0]),
        (None, 5.0),
    ],
)
async def test_a_failure_leaves_the_order_and_is_told_once_in_a_while(
    tmp_path: Path, fault: Exception | None, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = await plain(tmp_path, *CARDS[:3])
    reranker, clock = Scripted(), HeldClock()
    reranker.fault, reranker.answer = fault, answer
    async with shelf(tmp_path, Reranked(reranker, seconds=LONG, clock=clock), *CARDS[:3]) as backends:
        with caplog.at_level(logging.WARNING):
            assert [await ask(backends) for _ in range(3)] == [before] * 3
        assert [record.message for record in caplog.records] == ["knowledge.reranker_unavailable"]
        assert len(reranker.given) == 1
        reranker.fault, reranker.answer, reranker.liked = None, None, "k2."
        clock.now += 60
        assert slugs(await ask(backends))[0] == "card-02"


async def test_it_is_not_waited_for_beyond_its_deadline(tmp_path: Path) -> None:
    before = await plain(tmp_path, *CARDS[:3])
    reranker = Scripted("k2.")
    reranker.may_answer.clear()
    async with shelf(tmp_path, Reranked(reranker, seconds=0.05), *CARDS[:3]) as backends:
        try:
            async with asyncio.timeout(LONG / 2):
                assert await ask(backends) == before
        finally:
            reranker.may_answer.set()


async def test_accepted_answers_of_a_workspace_are_not_lost_by_waiting_for_it(tmp_path: Path) -> None:
    reranker = Scripted("first")
    answers = [article(f"answers/{name}", f"The {name} golden card.") for name in ("second", "first")]
    async with shelf(tmp_path, None, *CARDS) as backends:
        team = backends.articles.of("T1")
        await Importer(team, WordEmbedder()).run(ScriptedSource(SOURCE, *answers))
        own = LocalKnowledge(team, WordEmbedder(), backends.builds, Reranked(reranker, seconds=LONG))
        await own.refresh()
        reranker.may_answer.clear()
        asyncio.get_running_loop().call_later(0.6, reranker.may_answer.set)
        knowledge = OwnKnowledge(own, backends.knowledge, trusted=False)
        assert "answers/first" in slugs(await knowledge.search(Question(QUERY, None, internal=False)))


@dataclass
class VoyageApi:
    """POST /v1/rerank as the vendor describes it: best first, `detail` in errors."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    url: str = ""

    async def rerank(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"detail": "Provided API key is invalid."}, status=401)
        if self.status != 200:
            return web.json_response({"detail": "Rate limit"}, status=self.status)
        data = [{"relevance_score": len(text) / 100, "index": i} for i, text in enumerate(body["documents"])]
        data.sort(key=lambda one: -one["relevance_score"])
        answer = {"object": "list", "data": data[: body["top_k"]], "model": body["model"], "usage": {"total_tokens": 9}}
        return web.json_response(answer)


@pytest.fixture
async def api() -> AsyncIterator[VoyageApi]:
    api = VoyageApi()
    app = web.Application()
    app.router.add_post("/v1/rerank", api.rerank)
    async with TestServer(app) as server:
        api.url = str(server.make_url("/v1/rerank"))
        yield api


def voyage(api: VoyageApi, key: str = KEY) -> Reranker:
    return VoyageReranker("rerank-2.5-lite", key, seconds=LONG, url=api.url)


async def test_voyage_scores_the_texts_in_their_order(api: VoyageApi) -> None:
    texts = ["ab", "abcdef", "abcd"]
    assert await asyncio.to_thread(voyage(api).scores, QUERY, texts) == [0.02, 0.06, 0.04]
    assert api.requests == [{"query": QUERY, "documents": texts, "model": "rerank-2.5-lite", "top_k": 3}]


async def test_a_customer_does_not_wait_for_a_busy_voyage_and_a_wrong_key_is_not_told(api: VoyageApi) -> None:
    with pytest.raises(RerankerUnavailableError, match="VOYAGE_API_KEY") as told:
        await asyncio.to_thread(voyage(api, "pa-wrong").scores, QUERY, ["a"])
    assert "pa-wrong" not in str(told.value)
    api.status = 429
    with pytest.raises(RerankerUnavailableError, match="busy"):
        await asyncio.to_thread(voyage(api).scores, QUERY, ["a"])
    assert len(api.requests) == 2


def _field(number: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3, value])


def _node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    names = (_field(1, name.encode()) for name in inputs)
    return _field(1, *names, _field(2, output.encode()), _field(4, kind.encode()), *attributes)


def _value(number: int, name: str, kind: int) -> bytes:
    sizes = _field(2, _field(1, _number(1, 1)), _field(1, _field(2, b"n")))
    return _field(number, _field(1, name.encode()), _field(2, _field(1, _number(1, kind), sizes)))


def tiny_model(folder: Path) -> Path:
    """One whose number for a pair is the highest token of the passage; in the protobuf of ONNX."""
    whole, real = 7, 1
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "wooden", "silver", "golden")
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    names = ("input_ids", "token_type_ids", "attention_mask")
    to_real = _field(5, _field(1, b"to"), _number(3, real), bytes([20 << 3 & 127 | 128, 1, 2]))
    nodes = (
        _node("Mul", names[:2], "seen"),
        _node("Mul", ("seen", names[2]), "whole"),
        _node("Cast", ("whole",), "real", to_real),
        _node("ReduceMax", ("real",), "logits"),
    )
    ends = (*(_value(11, name, whole) for name in names), _value(12, "logits", real))
    graph = _field(7, *nodes, _field(2, b"tiny"), *ends)
    (folder / "model.onnx").write_bytes(_number(1, 8) + graph + _field(8, _number(2, 14)))
    return folder


def test_a_cross_encoder_of_ones_own_reads_question_and_passage_apart(tmp_path: Path) -> None:
    reranker = open_reranker(str(tiny_model(tmp_path)), seconds=LONG)
    assert reranker is not None
    assert reranker.scores("golden?", ["A wooden card", "Golden!", "silver " * 900]) == [4.0, 6.0, 5.0]


def test_a_slow_cross_encoder_gives_up_between_two_passages(tmp_path: Path) -> None:
    ticks = iter([0.0, 0.5, 1.5])
    reranker = CrossEncoder(tiny_model(tmp_path), seconds=1.0, clock=lambda: next(ticks))
    with pytest.raises(RerankerUnavailableError, match="1 of 2 passages in 1 s"):
        reranker.scores("golden?", ["wooden", "silver"])


async def test_a_setting_alone_brings_it_into_the_search(tmp_path: Path) -> None:
    settings = load_settings({"RERANKER": str(tiny_model(tmp_path))})
    kinds = [article(kind, f"A {kind} card.") for kind in ("silver", "wooden", "golden")]
    async with shelf(tmp_path, await own_reranker(settings), *kinds) as backends:
        assert slugs(await ask(backends)) == ["golden", "silver", "wooden"]
    assert await own_reranker(load_settings({})) is None


@pytest.mark.parametrize(
    ("setting", "told"), [("bge", "none of voyage:MODEL"), ("voyage:", "none of"), ("voyage:rerank-2.5", "VOYAGE_API")]
)
async def test_the_bot_does_not_start_with_one_that_cannot_be_opened(setting: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        await own_reranker(load_settings({"RERANKER": setting}))
    assert error.value.lines[0].startswith("RERANKER: ")


async def test_the_doctor_says_whether_it_works(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    clinic.settings |= {"EMBEDDER": "none"}

    async def told() -> list[str]:
        return [str(finding) for finding in await clinic.findings() if "erank" in str(finding).lower()]

    assert await told() == []
    clinic.settings["RERANKER"] = str(tmp_path)
    (missing,) = await told()
    assert missing.startswith("✗ Reranker: ")
    assert "model.onnx" in missing
    assert "→ " in missing
    clinic.settings["RERANKER"] = str(tiny_model(tmp_path))
    (found,) = await told()
    assert found == f"✓ Reranker: {tmp_path} answers."
