"""HTTP to other companies' services, over real connections on loopback."""

import asyncio
import gzip
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from pydantic import BaseModel, SecretStr

from tests.fakes.loopback import served
from tests.fakes.tools import HeldClock
from tools.base import OutcomeUnknownError, ToolUnavailableError
from tools.http import HttpBackend, Limits, http_session
from tools.http_answer import BackendRefusedError, pause_of, wait_asked_for
from tools.http_auth import Auth
from tools.paging import Page, PagingError, first, pages
from tools.public_addresses import is_public

TOKEN = "tok-very-secret-0123456789"
AUTH = Auth.bearer(SecretStr(TOKEN))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_session() as one:
        yield one


@asynccontextmanager
async def service(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with served(app) as url:
        yield url


def answering(status: int, body: bytes = b"{}", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


def backend(session: aiohttp.ClientSession, url: str, **more: object) -> HttpBackend:
    return HttpBackend(session, url, AUTH, name="Acme", **more)  # type: ignore[arg-type]  # whatever a test sets


def told(error: BaseException) -> str:
    """All that a log would show of it and of what led to it, but for lines of source."""
    frames = traceback.TracebackException.from_exception(error)
    shown, rest = "", frames
    while rest is not None:
        shown += "".join(rest.format_exception_only())
        rest = rest.__cause__ or (None if rest.__suppress_context__ else rest.__context__)  # type: ignore[assignment]
    return f"{error!r} {error} {shown}"


async def test_an_answer_comes_with_our_token_and_is_read_by_its_shape(session: aiohttp.ClientSession) -> None:
    class Shape(BaseModel):
        name: str

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"] == "deskhand"
        assert request.headers["Accept"] == "application/json"
        return web.json_response({"name": request.query["q"]}, headers={"Link": '</v2?page=2>; rel="next"'})

    async with service(answer) as url:
        got = await backend(session, f"{url}/v2/").get("/things", params={"q": "ana+tag@x.example & co"})
        assert got.read(Shape).name == "ana+tag@x.example & co"
        assert got.next_link == f"{url}/v2?page=2"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_refusal_is_final_and_says_nothing_of_us(session: aiohttp.ClientSession, status: int) -> None:
    body = f'{{"message": "no scope for {TOKEN}"}}'.encode()
    async with service(answering(status, body)) as url:
        with pytest.raises(BackendRefusedError, match=f"Acme refused our request .HTTP {status}.") as caught:
            await backend(session, url).get("/x?email=ana@cobalt-studio.example")
        assert (caught.value.status, caught.value.will_pass) == (status, False)
        assert caught.value.is_lockout == (status in {401, 403})
        assert "no scope" not in str(vars(caught.value))
        assert not any(word in told(caught.value) for word in (TOKEN, "ana@", "no scope", url))
        assert (await backend(session, url).get("/x", expect={status})).status == status


async def test_a_pause_that_was_asked_for_is_kept(session: aiohttp.ClientSession) -> None:
    clock, calls = HeldClock(), 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=429, headers={"Retry-After": "30"}) if calls == 1 else web.json_response({})

    async with service(answer) as url:
        one = backend(session, url, clock=clock, sleep=clock.sleep)
        with pytest.raises(ToolUnavailableError) as caught:
            await one.send("POST", "/x", body={})
        assert caught.value.retry_after == 30
        clock.now += 10
        with pytest.raises(ToolUnavailableError, match="asked us to wait") as caught:
            await one.get("/x")
        assert (caught.value.retry_after, calls) == (20, 1)
        patient = backend(session, url, clock=clock, sleep=clock.sleep, limits=Limits(patience_seconds=60))
        calls = 0
        with pytest.raises(ToolUnavailableError):
            await patient.get("/x")
        await patient.get("/x")
        assert clock.slept == [30]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7), ("0.5", 0.5), ("-3", 0), ("1e9", 3600), ("nan", None), ("inf", None), ("soon", None), ("", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("Mon, 01 Jan 99999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_retry_after_is_understood_or_left_alone(given: str, seconds: float | None) -> None:
    assert wait_asked_for({"Retry-After": given}) == seconds


def test_retry_after_may_be_a_date_and_some_say_when_calls_are_free_again() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    reset = {"X-RateLimit-Reset": str(int(now.timestamp()) + 40)}
    assert pause_of(429, reset, now) == 40
    assert pause_of(429, {**reset, "Retry-After": "2"}, now) == 2
    assert pause_of(429, {"X-RateLimit-Reset": "17"}, now) == 5
    assert pause_of(429, {"X-RateLimit-Reset": "2026-11-21T12:01Z"}, now) == 60
    assert pause_of(429, {"X-RateLimit-Reset": "0" * 5000 + "Z"}, now) == 5
    assert pause_of(200, reset, now) is None
    then = now + timedelta(seconds=90)
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S -0000", "%A, %d-%b-%y %H:%M:%S GMT", "%c"):
        assert wait_asked_for({"Retry-After": then.strftime(form)}, now) == 90
        assert pause_of(503, {"Retry-After": then.strftime(form)}, now) == 90


@pytest.mark.parametrize(("status", "done"), [(403, "nothing"), (423, "nothing"), (477, "nothing"), (502, "unknown")])
async def test_any_failure_may_come_with_the_time_to_come_back(
    session: aiohttp.ClientSession, status: int, done: str
) -> None:
    async with service(answering(status, Retry_After="9")) as url:
        for safe in (True, False):
            with pytest.raises((ToolUnavailableError, OutcomeUnknownError)) as caught:
                await backend(session, url).send("POST", "/x", body={}, safe=safe)
            assert isinstance(caught.value, OutcomeUnknownError) == (not safe and done == "unknown")
            assert getattr(caught.value, "will_pass", True)
            if isinstance(caught.value, ToolUnavailableError):
                assert caught.value.retry_after == 9


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_broken_service_may_be_read_again_but_leaves_a_write_open(
    session: aiohttp.ClientSession, status: int
) -> None:
    async with service(answering(status)) as url:
        one = backend(session, url)
        with pytest.raises(ToolUnavailableError) as caught:
            await one.get("/x")
        assert caught.value.will_pass
        with pytest.raises(OutcomeUnknownError) as unknown:
            await one.send("POST", "/x", body={})
        assert "500" not in str(unknown.value)
        assert f"HTTP {status}" in str(unknown.value.__cause__)
        with pytest.raises(ToolUnavailableError):
            await one.send("POST", "/x", body={}, safe=True)


async def test_a_service_that_is_not_there_did_nothing(session: aiohttp.ClientSession) -> None:
    with pytest.raises(ToolUnavailableError, match="Acme cannot be reached") as caught:
        await backend(session, "http://127.0.0.1:1").send("POST", "/x", body={})
    assert TOKEN not in told(caught.value)
    assert "127.0.0.1" not in told(caught.value)


async def test_a_slow_body_meets_the_deadline(session: aiohttp.ClientSession) -> None:
    gone = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.wait_for(gone.wait(), 60)
        return response

    async with service(drip) as url:
        one = backend(session, url, limits=Limits(total_seconds=0.2))
        with pytest.raises(ToolUnavailableError, match="TimeoutError"):
            await one.get("/x")
        with pytest.raises(OutcomeUnknownError):
            await one.send("POST", "/x", body={})
        gone.set()


async def test_a_huge_answer_is_not_read_to_its_end(session: aiohttp.ClientSession) -> None:
    packed = gzip.compress(b" " * 3_000_000)
    limits = Limits(body_bytes=100_000)
    for handler in (
        answering(200, b" " * 100_001),
        answering(200, packed, Content_Encoding="gzip"),
    ):
        async with service(handler) as url:
            with pytest.raises(ToolUnavailableError, match="answered too much"):
                await backend(session, url, limits=limits).get("/x")
    async with service(answering(200, b" " * 100_000)) as url:
        assert len((await backend(session, url, limits=limits).get("/x")).body) == 100_000


@pytest.mark.parametrize("body", [b"<html>Login</html>", b"\xff\xfe", b"[" * 100_000, b""])
async def test_an_answer_that_is_not_json_is_an_outage(session: aiohttp.ClientSession, body: bytes) -> None:
    async with service(answering(200, body)) as url:
        one = backend(session, url)
        with pytest.raises(ToolUnavailableError, match="not JSON"):
            (await one.get("/x")).json()
        with pytest.raises(OutcomeUnknownError):
            (await one.send("POST", "/x")).json()


async def test_our_token_does_not_follow_a_redirect_to_another_host(session: aiohttp.ClientSession) -> None:
    seen: list[tuple[str, str | None]] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("Authorization", request.headers.get("X-Signature"))))
        return web.json_response({"at": "elsewhere"})

    async with service(elsewhere) as other:

        async def send_on(request: web.Request) -> web.Response:
            seen.append((request.path, request.headers.get("Authorization")))
            onward = {"/own": "/here", "/far": f"{other}/there", "/round": "/round"}.get(request.path)
            return web.Response(status=302, headers={"Location": onward}) if onward else web.json_response({})

        async with service(send_on) as url:
            one = backend(session, url)
            await one.get("/own")
            assert (await one.get("/far", headers={"X-Signature": "of this request"})).json() == {"at": "elsewhere"}
            ours = f"Bearer {TOKEN}"
            assert seen == [("/own", ours), ("/here", ours), ("/far", ours), ("/there", None)]
            with pytest.raises(BackendRefusedError, match="circles"):
                await one.get("/round")
            seen.clear()
            with pytest.raises(BackendRefusedError, match="HTTP 302"):
                await one.send("POST", "/far", body={"email": "ana@cobalt-studio.example"})
            assert [path for path, _ in seen] == ["/far"]


@pytest.mark.parametrize("broken", ["<http://[>; rel=next", "<", "next", ",,<>;rel=next"])
async def test_an_answer_with_a_broken_link_is_an_answer(session: aiohttp.ClientSession, broken: str) -> None:
    async with service(answering(201, b'{"id": 1}', Link=broken)) as url:
        assert (await backend(session, url).send("POST", "/x", body={})).json() == {"id": 1}


async def test_a_refusal_in_an_odd_charset_is_a_refusal(session: aiohttp.ClientSession) -> None:
    for charset in ("undefined", "idna", "punycode", "hex"):
        body = b"x" * 1_000_000
        async with service(answering(400, body, Content_Type=f"text/plain; charset={charset}")) as url:
            with pytest.raises(BackendRefusedError):
                await backend(session, url).get("/x")


async def test_a_link_to_another_host_is_not_followed(session: aiohttp.ClientSession) -> None:
    async with service(answering(200)) as url:
        one = backend(session, f"{url}/v2")
        assert (await one.get(f"{url}/v2/next?page=2")).status == 200
        for bad in ("http://127.0.0.1:1/v2", "next", "file:///etc/passwd"):
            with pytest.raises(BackendRefusedError, match="not its own"):
                await one.get(bad)


async def test_cookies_of_one_call_are_not_sent_with_the_next(session: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert not request.cookies
        response = web.json_response({})
        response.set_cookie("session", "of-ana")
        return response

    async with service(answer) as url:
        for _ in range(2):
            await backend(session, url).get("/x")


async def test_secrets_show_nowhere(session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    basic = Auth.basic("ana@x.example/token", SecretStr(TOKEN))
    encoded = basic.plain()["Authorization"].split()[1]
    assert TOKEN not in repr(basic) and encoded not in repr(basic)  # noqa: PT018 - one promise
    async with service(answering(500)) as url:
        one = HttpBackend(session, url, basic, name="Acme")
        with pytest.raises(ToolUnavailableError) as caught:
            await one.get("/x")
    assert TOKEN not in told(caught.value) + caplog.text + repr(one)
    for bad in ("", "two\nlines", "x: ÿ"):
        with pytest.raises(ValueError, match="token") as wrong:
            Auth.bearer(SecretStr(bad))
        assert not bad or bad not in told(wrong.value)


async def test_pages_are_read_to_the_end_and_no_further_than_needed() -> None:
    asked: list[str] = []

    async def fetch(cursor: str) -> Page[int]:
        asked.append(cursor)
        number = int(cursor or 0)
        return Page((number, number), str(number + 1) if number < 3 else "")

    assert [one async for one in pages(fetch, service="Acme", most=10)] == [0, 0, 1, 1, 2, 2, 3, 3]
    asked.clear()
    assert await first(pages(fetch, service="Acme", most=10), 3) == (0, 0, 1)
    assert asked == ["", "1"]
    with pytest.raises(PagingError, match="more than 2 pages"):
        [one async for one in pages(fetch, service="Acme", most=2)]


async def test_pages_that_go_in_a_circle_are_left() -> None:
    async def fetch(cursor: str) -> Page[int]:
        return Page((1,), {"": "a", "a": "b", "b": "a"}[cursor])

    with pytest.raises(PagingError, match="circle"):
        [one async for one in pages(fetch, service="Acme", most=1000)]


async def test_a_public_session_reaches_nothing_private() -> None:
    async with service(answering(200)) as url, http_session(public_only=True) as session:
        for address in (url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "2130706433")):
            with pytest.raises(ToolUnavailableError) as caught:
                await backend(session, address).get("/x")
            assert "127.0.0.1" not in told(caught.value)
        with pytest.raises(BackendRefusedError, match="not at a public address"):
            await backend(session, url).get("/x")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True),
        ("127.0.0.1", False), ("0.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00:ec2::254", False), ("ff02::1", False),
        ("192.0.0.192", False), ("168.63.129.16", False), ("fec0::1", False), ("3fff::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:192.0.0.192", False),
        ("::ffff:8.8.8.8", True), ("64:ff9b::a00:1", False), ("2002:a00:1::", False),
        ("localhost", False), ("", False),
    ],
)  # fmt: skip
def test_public_addresses_are_told_from_private_ones(address: str, public: bool) -> None:
    assert is_public(address) == public
