"""The Bolt application: everything Slack sends comes in here."""

import logging
import re
from collections.abc import Awaitable, Callable

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import names
from bot.slack.desk_port import Desk
from bot.slack.identity import OwnIdentity
from bot.slack.listeners.acknowledge import acknowledge, failed, ignore_event
from bot.slack.listeners.asking import Asking
from bot.slack.listeners.buttons import Buttons
from bot.slack.listeners.intake import Intake
from bot.slack.listeners.window import Window
from bot.slack.web import quiet_logger

_ANYTHING = re.compile(r".*", re.DOTALL)


def build_app(*, signing_secret: str, client: AsyncWebClient, desk: Desk, identity: OwnIdentity) -> AsyncApp:
    """Put Bolt together.

    `client` carries the bot token. Everything is handed over explicitly, so that no SLACK_* variable of the environment
    can turn Bolt into something else; `authorize` answers from memory after the first auth.test.
    """
    app = AsyncApp(
        name="deskhand",
        logger=quiet_logger("bot.slack.bolt", logging.ERROR),
        signing_secret=signing_secret,
        client=_tokenless(client),
        authorize=_authorizer(client.token or "", identity),
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.use(Intake(desk, identity).store)
    app.error(failed)
    _listen(app, Buttons(desk, Window(client, desk, identity)), Asking(client, desk, identity))
    return app


def _listen(app: AsyncApp, buttons: Buttons, asking: Asking) -> None:
    """Bolt runs the first listener that matches; the catch-alls come last."""
    app.action(names.DENY)(buttons.deny)
    app.action(names.HAND_BACK)(buttons.hand_back)
    app.action(names.TRACE)(buttons.trace)
    app.action(names.FULL_TEXT)(buttons.full_text)
    for stored in (names.APPROVE, names.TAKE_OVER, names.RESOLVE, names.FEEDBACK):
        app.action(stored)(acknowledge)
    app.action(_ANYTHING)(buttons.unknown)
    app.view_submission(names.DENY_FORM)(buttons.form_sent)
    app.view_submission(names.HAND_BACK_FORM)(buttons.form_sent)
    app.message_shortcut(names.COST_SHORTCUT)(asking.cost)
    app.command(names.BUDGET_COMMAND)(asking.budget)
    app.event(_ANYTHING)(ignore_event)
    for accept_all in (app.view_submission, app.view_closed, app.shortcut, app.command):
        accept_all(_ANYTHING)(acknowledge)


def _tokenless(client: AsyncWebClient) -> AsyncWebClient:
    """The same client for Bolt's own bookkeeping; the token comes from `authorize`, as Bolt wants it."""
    copy = AsyncWebClient(
        base_url=client.base_url, session=client.session, retry_handlers=[], logger=client.logger, ssl=client.ssl
    )
    copy.proxy = client.proxy
    return copy


def _authorizer(token: str, identity: OwnIdentity) -> Callable[..., Awaitable[AuthorizeResult]]:
    async def authorize() -> AuthorizeResult:
        """An exception of ours becomes HTTP 500, so Slack delivers again; Slack's own would be answered with 200."""
        me = await identity.get()
        return AuthorizeResult(
            enterprise_id=None,
            team_id=me.team_id,
            bot_user_id=me.user_id,
            bot_id=me.bot_id,
            bot_token=token,
        )

    return authorize
