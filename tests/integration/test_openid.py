"""Who signed in is believed only when Slack has signed it, for us, for this very sign-in, just now."""

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.errors import PermanentError, TransientError
from bot.sandbox.config import SandboxConfig
from bot.sandbox.signer import Signer
from bot.slack.oauth import Credentials
from bot.slack.openid import OpenId
from bot.slack.web import slack_client

OURS, OTHERS = Signer(SandboxConfig()), Signer(SandboxConfig())
"""Made once: keys take a while."""


class Slack:
    """Answers with whatever token it is given."""

    def __init__(self) -> None:
        self.token = ""
        self.asked_for_keys = 0
        self.is_away = False

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/openid.connect.token", self._exchange)
        app.router.add_get("/openid/connect/keys", self._keys)
        return app

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["client_secret"] == "s3cret"
        return web.json_response({"ok": True, "id_token": self.token})

    async def _keys(self, _: web.Request) -> web.Response:
        self.asked_for_keys += 1
        if self.is_away:
            raise web.HTTPServiceUnavailable
        return web.json_response(OURS.public_keys())


@pytest.fixture
async def slack() -> AsyncIterator[tuple[Slack, OpenId]]:
    fake = Slack()
    async with TestServer(fake.application()) as server, aiohttp.ClientSession() as session:
        client = slack_client("", f"{server.make_url('/')}api/", session)
        OURS.issuer = OTHERS.issuer = str(server.make_url("")).rstrip("/")
        yield fake, OpenId(client, session, Credentials("1.1", "s3cret", "https://desk.example/back"), time.time)


def token(signer: Signer = OURS, **about: Any) -> str:
    return signer.token(**{"user": "U1", "nonce": "n1"} | about)


def unsigned() -> str:
    claims = jwt.decode(token(), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "sandbox-key"})


def signed_with_the_public_key() -> str:
    claims = jwt.decode(token(), options={"verify_signature": False})
    return jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"kid": "sandbox-key"})


async def test_a_good_token_names_workspace_and_person(slack: tuple[Slack, OpenId]) -> None:
    fake, openid = slack
    fake.token = token()
    assert await openid.who("code", "n1") == ("T0FERNWAY", "U1")
    assert await openid.who("code", "n1") == ("T0FERNWAY", "U1")
    assert fake.asked_for_keys == 1
    address = openid.address("state-1", "n1")
    assert address.startswith(f"{openid.origin}/openid/connect/authorize?response_type=code&scope=openid+profile&")
    assert "s3cret" not in address


LIES = {
    "of another sign-in": lambda: token(nonce="another"),
    "for another app": lambda: token(aud="9.9"),
    "of another issuer": lambda: token(iss="https://evil.example"),
    "expired": lambda: token(exp=int(time.time()) - 3_600),
    "of another's key": lambda: token(OTHERS),
    "of no workspace": lambda: token(**{"https://slack.com/team_id": ""}),
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "no token": lambda: "not.a.token",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("lie", LIES)
async def test_whatever_else_is_not_believed(slack: tuple[Slack, OpenId], lie: str) -> None:
    fake, openid = slack
    fake.token = LIES[lie]()
    with pytest.raises(PermanentError):
        await openid.who("code", "n1")


async def test_without_keys_nobody_is_let_in_and_the_next_attempt_asks_again(slack: tuple[Slack, OpenId]) -> None:
    fake, openid = slack
    fake.token, fake.is_away = token(), True
    with pytest.raises(TransientError):
        await openid.who("code", "n1")
    fake.is_away = False
    assert await openid.who("code", "n1") == ("T0FERNWAY", "U1")
