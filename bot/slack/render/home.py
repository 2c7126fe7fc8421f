"""The Home tab: everybody's own conversations; for staff what the agent costs; for admins the buttons, too."""

from datetime import UTC, datetime

from bot.domain.money import show_share, show_usd
from bot.domain.reports import HomePage, OwnConversation, TalkState
from bot.slack.render import blocks as b
from bot.slack.render.budget import report_blocks
from bot.slack.render.text import link, moment

_STATES = {
    TalkState.BOT: "🤖 with the agent",
    TalkState.WAITING: "⏳ waiting for a colleague",
    TalkState.CLOSED: "✅ resolved; write again and it opens",
}
_HINT = "Write to me in *Messages*, or mention me in a channel."


def home_view(page: HomePage) -> b.Block:
    """As views.publish takes it."""
    money = [b.header("What the agent costs"), *report_blocks(page.report), b.divider()] if page.report else []
    return {"type": "home", "blocks": [*_notice(page), *money, *_own(page)][: b.VIEW_BLOCKS]}


def _notice(page: HomePage) -> list[b.Block]:
    """For those who do not see the report, which says it with more words."""
    if not page.is_paused or page.report is not None:
        return []
    return [b.section("⏸️ *I'm switched off at the moment.* Whatever you write to me goes to a colleague.")]


def _own(page: HomePage) -> list[b.Block]:
    title = b.header("Your conversations")
    if not page.own:
        return [title, b.section(f"You have not asked me anything yet. {_HINT}")]
    return [title, *(b.section(_row(one)) for one in page.own), b.context(_HINT)]


def _row(one: OwnConversation) -> str:
    where = "Direct conversation" if one.is_direct else f"In <#{one.channel_id}>"
    opened = moment(one.opened_at, datetime.fromtimestamp(one.opened_at, UTC).strftime("%Y-%m-%d %H:%M UTC"))
    state = f"🙋 with <@{one.owner}>" if one.state is TalkState.PERSON else _STATES[one.state]
    thread = f" · {link(one.link, 'Open the thread')}" if one.link else ""
    used = one.spend.usd + one.spend.reserved
    cost = f"{show_usd(used)} of {show_usd(one.limit)}  {show_share(used, one.limit)}"
    return f"*{where}*, {opened}{thread}\n{state} · {cost}"
