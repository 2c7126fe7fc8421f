"""Whether the connection to Slack stands, for `deskhand doctor`."""

from collections.abc import Iterable
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.errors import PermanentError, TransientError
from bot.slack.identity import Identity, identity_of
from bot.slack.manifest import SCOPES
from bot.slack.reading import obj, word
from bot.slack.web import SlackRefusalError, call


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    """What was found, or what to do; a sentence without secrets."""


async def check(client: AsyncWebClient, *, staff_channels: tuple[str, ...], app_token: str = "") -> list[Finding]:
    """Look at the token, its scopes, the staff channels and (if set) the app token."""
    try:
        me, granted = await _who(client)
    except (TransientError, PermanentError) as error:
        return [Finding("slack token", ok=False, detail=f"{error}. Check SLACK_BOT_TOKEN and SLACK_API_URL.")]
    findings = [Finding("slack token", ok=True, detail=f"connected to {me.team or me.team_id} as {me.user_id}")]
    if granted is not None:
        findings.append(_scopes(granted))
    findings += [await _staff_channel(client, channel) for channel in dict.fromkeys(staff_channels) if channel]
    if app_token:
        findings.append(await _app_token(client, app_token))
    return findings


async def missing_channel(client: AsyncWebClient, channels: Iterable[str]) -> str | None:
    """The first channel Slack says does not exist (for us); doubts and other refusals do not count."""
    for channel in channels:
        try:
            await call(client.conversations_info(channel=channel))
        except SlackRefusalError as error:
            if error.error == "channel_not_found":
                return channel
        except TransientError:
            continue
    return None


async def _who(client: AsyncWebClient) -> tuple[Identity, frozenset[str] | None]:
    """Our ids, and the granted scopes if Slack names them (header x-oauth-scopes)."""
    scopes: frozenset[str] | None = None

    async def ask() -> AsyncSlackResponse:
        nonlocal scopes
        response = await client.auth_test()
        header = response.headers.get("x-oauth-scopes")
        scopes = frozenset(s.strip() for s in header.split(",") if s.strip()) if header else None
        return response

    return identity_of(await call(ask())), scopes


def _scopes(granted: frozenset[str]) -> Finding:
    missing = [scope for scope in SCOPES if scope not in granted]
    if not missing:
        return Finding("slack scopes", ok=True, detail="all granted")
    wanted = ", ".join(missing)
    return Finding("slack scopes", ok=False, detail=f"missing: {wanted}. Add them and reinstall the app.")


async def _staff_channel(client: AsyncWebClient, channel: str) -> Finding:
    name = f"staff channel {channel}"
    try:
        found = obj((await call(client.conversations_info(channel=channel))).get("channel"))
        if found.get("is_member") is not True:
            return Finding(name, ok=False, detail="the bot is not in it. Type /invite @Deskhand there.")
        if found.get("is_ext_shared") is True:
            return Finding(name, ok=False, detail="it is shared with another organisation, which can read every case.")
        await call(client.conversations_members(channel=channel, limit=1))
    except SlackRefusalError as error:
        return Finding(name, ok=False, detail=f"{error}. Check STAFF_CHANNEL, and invite the bot if it is private.")
    except (TransientError, PermanentError) as error:
        return Finding(name, ok=False, detail=f"{error}. Try again.")
    return Finding(name, ok=True, detail=f"#{word(found.get('name'))}")


async def _app_token(client: AsyncWebClient, app_token: str) -> Finding:
    try:
        await call(client.apps_connections_open(app_token=app_token))
    except (TransientError, PermanentError) as error:
        detail = f"{error}. SLACK_APP_TOKEN needs the scope connections:write, and Socket Mode must be on."
        return Finding("slack app token", ok=False, detail=detail)
    return Finding("slack app token", ok=True, detail="Socket Mode is available")
