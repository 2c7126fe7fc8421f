"""Embedders that one may choose instead of the one that comes along."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.tools import HeldClock
from tests.integration.test_reranking import tiny_model
from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.embedders import open_embedder
from tools.knowledge_base.minilm import HERE, MiniLM
from tools.knowledge_base.onnx_folder import OnnxFolder
from tools.knowledge_base.voyage import Voyage
from tools.knowledge_base.voyage_wire import LaterError, VoyageWire

KEY = "pa-secret"


@dataclass
class VoyageApi:
    """POST /v1/embeddings as the vendor describes it: bearer key, batches, `detail` in errors, 429 with Retry-After."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    moods: list[int] = field(default_factory=list)
    """Statuses to answer with first."""
    wait: str = "7"
    """Of those that say for how long."""
    drips: bool = False
    """Whether an answer never ends."""
    url: str = ""

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        if self.drips:
            return await endless(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"detail": "Provided API key is invalid."}, status=401)
        if self.moods:
            headers = {"Retry-After": self.wait}
            return web.json_response({"detail": "Rate limit"}, status=self.moods.pop(0), headers=headers)
        if len(body["input"]) > 1000 or body["input_type"] not in ("query", "document"):
            return web.json_response({"detail": "Bad request"}, status=400)
        data = [
            {"object": "embedding", "embedding": _vector(text, body["output_dimension"]), "index": i}
            for i, text in enumerate(body["input"])
        ]
        answer = {"object": "list", "data": data[::-1], "model": body["model"], "usage": {"total_tokens": 9}}
        return web.json_response(answer)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Connection": "close"})
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)
    return response


def _vector(text: str, dimensions: int) -> list[float]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return [float(x) for x in np.random.default_rng(seed).standard_normal(dimensions)]


@pytest.fixture
async def api() -> AsyncIterator[VoyageApi]:
    api = VoyageApi()
    app = web.Application()
    app.router.add_post("/v1/embeddings", api.embeddings)
    async with TestServer(app) as server:
        api.url = str(server.make_url("/v1/embeddings"))
        yield api


def voyage(
    api: VoyageApi, key: str = KEY, sleep: Callable[[float], None] = lambda _: None, clock: HeldClock | None = None
) -> Voyage:
    return Voyage("voyage-4-lite", key, url=api.url, sleep=sleep, clock=clock or HeldClock())


async def test_voyage_gets_passages_in_parts_and_gives_one_vector_each_in_order(api: VoyageApi) -> None:
    texts = [f"passage {number}" for number in range(150)]
    made = await asyncio.to_thread(voyage(api).embed, texts)
    assert made.shape == (150, 512)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    expected = np.array(_vector("passage 77", 512))
    assert float(made[77] @ expected / np.linalg.norm(expected)) == pytest.approx(1, abs=1e-5)
    assert [len(request["input"]) for request in api.requests] == [64, 64, 22]
    assert {request["input_type"] for request in api.requests} == {"document"}


async def test_voyage_is_told_that_a_question_is_one(api: VoyageApi) -> None:
    made = await asyncio.to_thread(voyage(api).embed_query, "How do I pay?")
    assert made.shape == (512,)
    assert api.requests[0]["input_type"] == "query"


async def test_a_busy_voyage_is_asked_again_when_it_says(api: VoyageApi) -> None:
    api.moods = [429, 503]
    slept: list[float] = []
    await asyncio.to_thread(voyage(api, sleep=slept.append).embed, ["a"])
    assert slept == [7.0, 7.0]


async def test_a_question_does_not_wait_for_a_busy_voyage(api: VoyageApi) -> None:
    api.moods = [429]
    with pytest.raises(EmbedderUnavailableError, match="busy"):
        await asyncio.to_thread(voyage(api).embed_query, "How do I pay?")


async def test_while_voyage_is_away_questions_wait_for_it_only_now_and_then(api: VoyageApi) -> None:
    api.moods, clock = [503], HeldClock()
    embedder = voyage(api, clock=clock)
    for _ in range(3):
        with pytest.raises(EmbedderUnavailableError):
            await asyncio.to_thread(embedder.embed_query, "How do I pay?")
    assert len(api.requests) == 1
    assert (await asyncio.to_thread(embedder.embed, ["a"])).shape == (1, 512), "an import may wait"
    clock.now += 10
    assert (await asyncio.to_thread(embedder.embed_query, "How do I pay?")).shape == (512,)


async def test_an_answer_that_never_ends_is_not_waited_for(api: VoyageApi) -> None:
    api.drips = True
    async with asyncio.timeout(30):
        with pytest.raises(LaterError):
            await asyncio.to_thread(VoyageWire(api.url, KEY).post, b"{}", 0.2)


@pytest.mark.parametrize("wait", ["²", "-1", "soon", "", "9" * 400])
async def test_a_wait_that_is_no_number_is_none(api: VoyageApi, wait: str) -> None:
    api.moods, api.wait = [503], wait
    with pytest.raises(LaterError) as told:
        await asyncio.to_thread(VoyageWire(api.url, KEY).post, b"{}", 30)
    assert told.value.seconds in (None, float("inf"))


async def test_a_wrong_key_is_told_without_the_key(api: VoyageApi) -> None:
    with pytest.raises(EmbedderUnavailableError, match="VOYAGE_API_KEY") as told:
        await asyncio.to_thread(voyage(api, key="pa-wrong").embed, ["a"])
    assert "pa-wrong" not in str(told.value)
    assert len(api.requests) == 1


def test_without_a_key_there_is_no_voyage() -> None:
    with pytest.raises(EmbedderUnavailableError, match="VOYAGE_API_KEY"):
        open_embedder("voyage:voyage-4-lite")


def test_a_folder_with_a_model_of_ones_own_is_an_embedder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to(HERE / "minilm_int8.onnx")
    (tmp_path / "vocab.txt").symlink_to(HERE / "vocab.txt")
    embedder = open_embedder(str(tmp_path))
    assert isinstance(embedder, OnnxFolder)
    own = MiniLM()
    assert embedder.dimensions == own.dimensions
    assert np.allclose(embedder.embed(["How do I pay?"]), own.embed(["How do I pay?"]), atol=1e-5)
    assert np.allclose(embedder.embed_query("How do I pay?"), own.embed_query("How do I pay?"), atol=1e-5)


def test_whatever_changes_the_vectors_of_such_a_model_changes_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to(HERE / "minilm_int8.onnx")
    words = (HERE / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(words, encoding="utf-8")
    (tmp_path / "1_Pooling").mkdir()
    names = [OnnxFolder(tmp_path).name, OnnxFolder(tmp_path).name]
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    names.append(OnnxFolder(tmp_path).name)
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: "}}')
    names.append(OnnxFolder(tmp_path).name)
    (tmp_path / "vocab.txt").write_text(words.replace("\nhello\n", "\nhallo\n"), encoding="utf-8")
    names.append(OnnxFolder(tmp_path).name)
    assert len(set(names)) == 4
    assert names[0] == names[1]


def test_a_model_that_wants_something_else_than_text_is_no_embedder(tmp_path: Path) -> None:
    model = (tiny_model(tmp_path) / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(model.replace(b"token_type_ids", b"pixels_of_text"))
    with pytest.raises(EmbedderUnavailableError, match="cannot read a text"):
        open_embedder(str(tmp_path))


@pytest.mark.parametrize("setting", ["minilm2", "fastembed:", "/nowhere", "voyage"])
def test_a_word_that_chooses_none_says_what_there_is(setting: str) -> None:
    with pytest.raises(EmbedderUnavailableError, match="minilm, none"):
        open_embedder(setting)


def test_an_empty_folder_is_no_embedder(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailableError, match=r"model\.onnx"):
        open_embedder(str(tmp_path))


def test_none_is_none() -> None:
    assert open_embedder("none") is None
