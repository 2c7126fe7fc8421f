"""Money in sight and in bounds: footers, `/agent-budget`, the shortcut, and what happens when the money ends."""

import re
from decimal import Decimal

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, search
from tests.fakes.desk_people import Thread, words_of_view
from tests.fakes.messages_api import text


async def an_answer(desk: Desk, user: str = "U0ANA") -> Thread:
    desk.claude.will(search(), answer_from_source("Guests are free."))
    thread = await desk.customer(user).asks("What do guests cost?")
    await thread.answer()
    return thread


def link(thread: Thread) -> str:
    return f"https://fernway.slack.com/archives/{thread.channel}/p{thread.ts.replace('.', '')}"


async def test_the_report_shows_workspace_channel_own_and_the_dearest_conversations(desk: Desk) -> None:
    thread = await an_answer(desk)
    report = await desk.customer().types()
    for words in ("Workspace today", "Workspace this month", "This channel today", "You today", "Dearest open"):
        assert words in report
    spent = re.search(r"\*You today\*\n(\$[\d.]+)", report)
    assert spent is not None
    assert Decimal(spent[1].removeprefix("$")) > 0
    assert thread.ts.replace(".", "") in report
    stranger = await desk.customer("U0BO").types()
    assert "*You today*\n$0.00" in stranger


async def test_what_the_footer_says_is_what_was_billed(desk: Desk) -> None:
    thread = await an_answer(desk)
    footer = (await thread.answer()).footer
    said = re.search(r"· \$([\d.]+) of", footer)
    assert said is not None
    assert abs(Decimal(said[1]) - desk.claude.cost) <= Decimal("0.001")


async def test_a_link_shows_one_conversation_step_by_step(desk: Desk) -> None:
    thread = await an_answer(desk)
    shown = await desk.customer().types(link(thread))
    for words in ("of $2.00", "claude-sonnet-5-5", "search_knowledge_base", "*1.*", "*2.*"):
        assert words in shown


async def test_p8_somebody_elses_conversation_is_not_shown_to_a_customer(desk: Desk) -> None:
    thread = await an_answer(desk)
    refused = await desk.customer("U0BO").types(link(thread))
    assert "Only the support team and the person who began" in refused
    assert "$" not in refused
    assert "of $2.00" in await desk.customer("U0SAM").types(link(thread))


async def test_p8_the_dearest_conversations_of_others_are_not_listed_for_customers(desk: Desk) -> None:
    """A DM's link names who talks to the bot."""
    ana = await desk.customer().in_dm()
    thread = await ana.asks("What do guests cost?")
    await thread.answer()
    assert thread.ts.replace(".", "") not in await desk.customer("U0BO").types()
    assert thread.ts.replace(".", "") in await desk.customer("U0GRACE").types()


async def test_a_link_into_nowhere_gets_a_friendly_word(desk: Desk) -> None:
    ana = desk.customer()
    assert "I take no part" in await ana.types("https://fernway.slack.com/archives/C0SUPPORT/p1700000000000100")
    assert "How to use it" in await ana.types("what does this cost?")


async def test_an_admin_sets_a_limit_it_holds_and_is_recorded_with_the_name(desk: Desk) -> None:
    grace = desk.customer("U0GRACE")
    told = await grace.types("set conversation 0.75")
    assert "at most $0.750 for every conversation" in told
    thread = await an_answer(desk)
    assert (await thread.answer()).footer.endswith("of $0.750")
    assert "by <@U0GRACE>" in await grace.types()
    assert "at most $5.00 per day for this workspace" in await grace.types("set workspace 5 per day")
    assert "at most $20.00 per month for this channel" in await grace.types("set channel $20 per month")
    assert "at most $1.00 per week for every user" in await grace.types("set user 1 per week")
    assert "of $5.00" in await grace.types()
    assert "Removed the limit" in await grace.types("set conversation off")


async def test_others_are_told_who_may_set_limits(desk: Desk) -> None:
    for user in ("U0ANA", "U0SAM"):
        told = await desk.customer(user).types("set workspace 1000")
        assert "Only admins can set budgets" in told
        assert "Nothing was changed" in told
    assert "Limits" not in await desk.customer("U0GRACE").types()


async def test_a_limit_that_makes_no_sense_changes_nothing_and_says_how_to_write_it(desk: Desk) -> None:
    grace = desk.customer("U0GRACE")
    for wish in ("set", "set conversation", "set planet 5", "set user -3", "set user 0", "set user 1e9", "set user ,"):
        assert "Nothing was changed" in await grace.types(wish), wish
    nowhere = "https://fernway.slack.com/archives/C0SUPPORT/p1700000000000100"
    assert "I take no part in that conversation" in await grace.types(f"set conversation {nowhere} 5")
    assert "Limits" not in await grace.types()
    assert desk.rows("select count(*) from limits") == [(0,)]


async def test_one_conversation_can_have_a_limit_of_its_own(desk: Desk) -> None:
    thread = await an_answer(desk)
    grace = desk.customer("U0GRACE")
    assert "at most $0.020 for this conversation" in await grace.types(f"set conversation {link(thread)} 0.02")
    await desk.customer().says("And in May?", thread)
    assert "of $0.020" in (await thread.answer(2)).footer
    assert (await an_answer(desk, "U0BO")).answers()[0].footer.endswith("of $2.00")


async def test_p4_when_the_money_ends_the_bot_says_so_hands_over_and_spends_nothing_more(desk: Desk) -> None:
    await desk.customer("U0GRACE").types("set conversation 0.02")
    thread = await desk.customer().asks("What do guests cost?")
    told = await thread.answer()
    assert "reached the limit of what I may spend" in told.text
    assert told.footer.endswith("of $0.020")
    assert "the budget is used up" in (await desk.card()).shown().text
    assert desk.claude.asked == []
    assert desk.claude.cost <= Decimal("0.02")


async def test_p4_a_run_that_reaches_its_limit_sums_up_on_the_money_kept_for_it(desk: Desk) -> None:
    desk.claude.always = search()
    await desk.customer("U0GRACE").types("set conversation 0.12")
    thread = await desk.customer().asks("What do guests cost?")
    told = await thread.answer()
    assert "reached the limit" in told.text
    assert 1 <= len(desk.claude.asked) < 25
    assert len(desk.claude.summed_up) == 1
    assert "the agent searched and found little" in (await desk.card()).shown().text
    assert desk.claude.cost <= Decimal("0.12")
    for number in range(2, 5):
        await desk.customer().says(f"and now, for the {number}. time?", thread)
        await (await desk.card()).gets_reply(f"and now, for the {number}. time?")
    await desk.settled()
    assert desk.claude.cost <= Decimal("0.12")
    assert [m.kind for m in thread.answers()] == ["budget", "waiting"], "told once that a colleague was asked"


async def test_staff_are_told_once_when_a_conversation_nears_its_limit(desk: Desk) -> None:
    thread = await an_answer(desk)
    await desk.customer("U0GRACE").types("set conversation 0.01")
    for number in (2, 3):
        await desk.customer().says("@deskhand", thread)  # answered without a model: no money is asked for
        await thread.answer(number)
    await desk.settled()
    alerts = [words for words in await desk.driver.texts("C0STAFF") if "has used" in words]
    assert len(alerts) == 1
    assert "of its $0.010" in alerts[0]


async def test_the_shortcut_shows_what_a_conversation_cost(desk: Desk) -> None:
    thread = await an_answer(desk)
    ana = desk.customer()
    opened = await desk.driver.call(
        "shortcut", user="U0ANA", channel="C0SUPPORT", ts=thread.ts, callback_id="conversation_cost"
    )
    assert opened["acked"]
    window = words_of_view(await ana.sees_form())
    assert "of $2.00" in window
    assert "search_knowledge_base" in window
    await ana.closes()
    elsewhere = await ana.says("good morning")
    await desk.driver.call("shortcut", user="U0ANA", channel="C0SUPPORT", ts=elsewhere, callback_id="conversation_cost")
    assert "cost nothing" in words_of_view(await ana.sees_form())


async def test_while_a_run_works_the_live_line_shows_step_and_cost(desk: Desk) -> None:
    desk.claude.will(search(), text("Guests are free."))
    desk.claude.latency = 0.8
    thread = await desk.customer().asks("What do guests cost?")
    await thread.answer()
    live = [sight.text for sight in desk.timeline.of(thread) if sight.kind == "live"]
    assert any(re.search(r"step \d/25 · \$0", words) for words in live), live
