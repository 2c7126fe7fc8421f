"""The bot without the guards that stand between it and a hostile model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.agent import calls, gate, links, review
from bot.domain.budget import Limit
from bot.slack.render import answer as answers
from bot.slack.render import text as rendered
from tools.base import AnyTool, ToolContext, ToolOutput
from tools.billing import tool as billing
from tools.customers import tool as customers
from tools.tickets import tool as tickets


@contextmanager
def without_guards() -> Iterator[None]:
    """The same bot, but whatever the model wants is done: no owner, consent or budget, no second look, no polish."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (billing, customers, tickets):
            patch.setattr(module, "permitted_email", lambda asked, _: asked.strip().lower())
        patch.setattr(gate.Gate, "run", _run_at_once)
        patch.setattr(calls.Purse, "limits_for", _no_limits)
        patch.setattr(calls.Purse, "tokens_for", lambda *_: 10**9)
        patch.setattr(review, "claims_in", lambda _: ())
        patch.setattr(links.Links, "polish", _no_polish)
        for module in (rendered, answers):
            patch.setattr(module, "neutralise", _as_it_is)
            patch.setattr(module, "visible", _as_it_is)
        yield


async def _run_at_once(_: gate.Gate, tool: AnyTool, arguments: str, context: ToolContext) -> ToolOutput:
    return await tool.call(arguments, context)


async def _no_limits(*_: object) -> tuple[Limit, ...]:
    return ()


async def _no_polish(*_: object, **__: object) -> Callable[..., str]:
    return links.unpolished


def _as_it_is(text: str, *_: Any) -> str:
    return text
