"""The Bolt application: everything Slack sends comes in here."""

import logging
import re

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import names
from bot.slack.listeners import rating
from bot.slack.listeners.acknowledge import acknowledge, failed, ignore_event
from bot.slack.listeners.asking import Asking
from bot.slack.listeners.buttons import Buttons
from bot.slack.listeners.consent import ConsentForms
from bot.slack.listeners.intake import Intake
from bot.slack.listeners.money import MoneyForms
from bot.slack.listeners.routing import Routing, authorize
from bot.slack.web import quiet_logger
from bot.slack.workspace import Workspaces

_ANYTHING = re.compile(r".*", re.DOTALL)
_A_RATING = re.compile(rf"{names.RATE}\d")
_A_LESSON = re.compile(rf"{names.LESSON}[a-z]+")


def build_app(*, signing_secret: str, client: AsyncWebClient, workspaces: Workspaces) -> AsyncApp:
    """Put Bolt together.

    `client` shows how to reach Slack; its token is not used. Everything is handed over explicitly, so that no SLACK_*
    variable of the environment can turn Bolt into something else.
    """
    app = AsyncApp(
        name="deskhand",
        logger=quiet_logger("bot.slack.bolt", logging.ERROR),
        signing_secret=signing_secret,
        client=_tokenless(client),
        before_authorize=Routing(workspaces).find,
        authorize=authorize,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.use(Intake().store)
    app.error(failed)
    _listen(app, Buttons(), Asking())
    return app


def _listen(app: AsyncApp, buttons: Buttons, asking: Asking) -> None:
    """Bolt runs the first listener that matches; of each kind the catch-all comes last, and events, the most, first."""
    app.event(_ANYTHING)(ignore_event)
    app.action(names.DENY)(buttons.deny)
    app.action(names.HAND_BACK)(buttons.hand_back)
    _listen_to_consent(app, ConsentForms())
    app.action(names.TRACE)(buttons.trace)
    app.action(names.FULL_TEXT)(buttons.full_text)
    for stored in (
        names.APPROVE,
        names.TAKE_OVER,
        names.RECLAIM,
        names.RESOLVE,
        names.FEEDBACK,
        names.STOP,
        *names.MONEY_ANSWERS,
    ):
        app.action(stored)(acknowledge)
    _listen_to_money(app, MoneyForms())
    app.action(_A_RATING)(acknowledge)
    app.action(_A_LESSON)(acknowledge)
    app.action(names.RATING_COMMENT)(rating.comment)
    app.action(_ANYTHING)(buttons.unknown)
    app.view_submission(names.DENY_FORM)(buttons.form_sent)
    app.view_submission(names.HAND_BACK_FORM)(buttons.form_sent)
    app.message_shortcut(names.COST_SHORTCUT)(asking.cost)
    app.command(names.BUDGET_COMMAND)(asking.budget)
    for accept_all in (app.view_submission, app.view_closed, app.shortcut, app.command):
        accept_all(_ANYTHING)(acknowledge)


def _listen_to_consent(app: AsyncApp, consent: ConsentForms) -> None:
    app.action(names.EDIT)(consent.edit)
    app.action(names.ASK)(consent.ask)
    app.view_submission(names.EDIT_FORM)(consent.edited)
    app.view_submission(names.ASK_FORM)(consent.asked)


def _listen_to_money(app: AsyncApp, money: MoneyForms) -> None:
    app.action(names.SET_LIMIT)(money.ask_limit)
    app.action(names.PAUSE)(money.ask_pause)
    app.action(names.RESUME)(money.resume)
    app.view_submission(names.LIMIT_FORM)(money.limit_sent)
    app.view_submission(names.PAUSE_FORM)(money.pause_sent)


def _tokenless(client: AsyncWebClient) -> AsyncWebClient:
    """The same client for Bolt's own bookkeeping; the token would come from `authorize`."""
    copy = AsyncWebClient(
        base_url=client.base_url, session=client.session, retry_handlers=[], logger=client.logger, ssl=client.ssl
    )
    copy.proxy = client.proxy
    return copy
