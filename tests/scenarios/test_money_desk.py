"""The money desk from Slack: forms, pauses, the Home tab, and what a thread costs."""

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, search
from tests.fakes.desk_people import Thread, words_of_view
from tests.fakes.home_tab import HomeTab

SWITCHED_OFF = "I'm switched off at the moment"


async def an_answer(desk: Desk, user: str = "U0ANA") -> Thread:
    desk.claude.will(search(), answer_from_source("Guests are free."))
    thread = await desk.customer(user).asks("What do guests cost?")
    await thread.answer()
    return thread


async def test_while_the_bot_is_paused_no_model_is_asked_and_people_get_the_question(desk: Desk) -> None:
    grace, ana = desk.customer("U0GRACE"), desk.customer()
    assert "I am paused now" in await grace.types("pause the model misbehaves")
    thread = await ana.asks("What do guests cost?")
    assert SWITCHED_OFF in (await thread.answer()).text
    card = await desk.card()
    for words in ("the bot is paused", "(the model misbehaves)", "What do guests cost?"):
        assert words in card.shown().text
    await ana.says("It is urgent, please hurry!", thread)
    await card.gets_reply("It is urgent")
    await desk.settled()
    assert thread.text().count(SWITCHED_OFF) == 1
    assert len(desk.cards()) == 1
    assert "misbehaves" not in thread.text()
    assert "*The bot is paused*, by <@U0GRACE>" in await grace.types()
    assert "I am back at work" in await grace.types("resume")
    assert desk.claude.under_way == 0
    desk.claude.will(search(), answer_from_source("Guests are free."))
    await desk.staff().presses("Approve", card)
    assert "Guests are free" in (await thread.answer(2)).text
    assert "bot paused by <@U0GRACE>" in await grace.types()


async def test_who_approves_while_the_bot_is_paused_is_asked_again_and_loses_nothing(desk: Desk) -> None:
    grace, sam = desk.customer("U0GRACE"), desk.staff()
    await grace.types("pause")
    thread = await desk.customer().asks("What do guests cost?")
    await sam.presses("Approve", await desk.card())
    again = await desk.card(number=2)
    assert "the bot is paused" in again.shown().text
    await grace.types("resume")
    desk.claude.will(search(), answer_from_source("Guests are free."))
    await sam.presses("Approve", again)
    assert "Guests are free" in (await thread.answer(2)).text
    assert thread.text().count(SWITCHED_OFF) == 1


async def test_a_paused_channel_is_silent_and_the_others_are_not(desk: Desk) -> None:
    grace, ana = desk.customer("U0GRACE"), desk.customer()
    assert "In <#C0SUPPORT> I am paused" in await grace.types("pause #support")
    assert SWITCHED_OFF in (await (await ana.asks("What do guests cost?")).answer()).text
    thread = await (await ana.in_dm()).asks("What do guests cost?")
    assert SWITCHED_OFF not in (await thread.answer()).text
    assert "The bot is paused in <#C0SUPPORT>" in await grace.types()
    assert "In <#C0SUPPORT> I am back" in await grace.types("resume here")


async def test_customers_read_that_the_bot_is_paused_but_neither_why_nor_what_admins_changed(desk: Desk) -> None:
    grace = desk.customer("U0GRACE")
    await grace.types("set user @bo 1.50 per day")
    await grace.types("pause here the model misbehaves")
    report = await desk.customer().types()
    assert "The bot is paused in <#C0SUPPORT>" in report
    for words in ("misbehaves", "U0GRACE", "U0BO", "Last changes"):
        assert words not in report
    for colleague in ("U0SAM", "U0GRACE"):
        report = await desk.customer(colleague).types()
        assert "misbehaves" in report
        assert "user <@U0BO> set to $1.50 per day by <@U0GRACE>" in report


async def test_a_run_under_way_ends_after_its_step_when_the_bot_is_paused(desk: Desk) -> None:
    desk.claude.will(search(), answer_from_source("Guests are free."))
    desk.claude.hold()
    thread = await desk.customer().asks("What do guests cost?")
    await desk.claude.is_asked(1)
    await desk.customer("U0GRACE").types("pause")
    desk.claude.let_go()
    assert SWITCHED_OFF in (await thread.answer()).text
    assert "What do guests cost?" in (await desk.card()).shown().text
    await desk.settled()
    assert len(desk.claude.asked) == 1
    assert desk.claude.judged == desk.claude.summed_up == []


async def test_others_may_not_pause_resume_or_open_the_forms(desk: Desk) -> None:
    await desk.customer("U0GRACE").types("pause")
    for user in ("U0ANA", "U0SAM"):
        for wish in ("pause", "resume"):
            assert "Only admins can pause or resume me" in await desk.customer(user).types(wish)
    assert desk.rows("select by from bot_pauses") == [("U0GRACE",)]
    home = await HomeTab.opened_by(desk.customer("U0SAM"))
    assert "*The bot is paused*" in home.words
    assert home.buttons == {}


async def test_an_admin_sets_a_limit_in_a_form_and_mistakes_are_told_beside_the_field(desk: Desk) -> None:
    grace = desk.customer("U0GRACE")
    home = await HomeTab.opened_by(grace)
    await home.presses("Set a limit")
    wrong = await grace.submits(
        money_scope="user", money_channel="C0SUPPORT", money_amount="much", money_period="total"
    )
    assert set(wrong["errors"]) == {"money_channel", "money_amount", "money_period"}
    nowhere = {"money_conversation": "https://fernway.slack.com/archives/C0SUPPORT/p1700000000000100"}
    wrong = await grace.submits(money_scope="conversation", money_channel="", money_amount="5", **nowhere)
    assert "I take no part in that conversation" in wrong["errors"]["money_conversation"]
    assert desk.rows("select count(*) from limits") == [(0,)]
    await grace.submits(
        money_scope="user", money_person="U0ANA", money_conversation="", money_amount="$1.50", money_period="day"
    )
    assert "at most $1.50 per day for this user" in words_of_view(await grace.sees_form())
    await grace.closes()
    await home.says("user <@U0ANA> set to $1.50 per day by <@U0GRACE>")
    assert desk.rows("select scope, subject, period, usd from limits") == [("user", "U0ANA", "day", 1_500_000)]
    assert desk.rows("select actor, before, after from audit where action = 'limit.set'") == [
        ("U0GRACE", "none", "$1.50")
    ]


async def test_the_home_tab_pauses_the_bot_and_lets_it_go_on(desk: Desk) -> None:
    grace = desk.customer("U0GRACE")
    home = await HomeTab.opened_by(grace)
    await home.presses("Pause")
    await grace.submits(money_channel="", money_reason="a storm")
    await grace.closes()
    await home.says("*The bot is paused*")
    assert SWITCHED_OFF in (await HomeTab.opened_by(desk.customer())).words.replace("*", "")
    await home.presses("Resume")
    assert "I am back at work" in words_of_view(await grace.sees_form())
    await home.says("bot resumed by <@U0GRACE>")
    assert desk.rows("select action, detail from audit where action like 'bot.%' order by seq") == [
        ("bot.pause", "a storm"), ("bot.resume", "a storm"),
    ]  # fmt: skip


async def test_p8_everybodys_home_tab_shows_their_own_conversations_and_no_others(desk: Desk) -> None:
    thread = await an_answer(desk)
    home = await HomeTab.opened_by(desk.customer())
    assert thread.ts.replace(".", "") in home.words
    assert "with the agent · $0." in home.words
    assert "What the agent costs" not in home.words
    assert "have not asked me anything" in (await HomeTab.opened_by(desk.customer("U0BO"))).words
    assert "Dearest open conversations" in (await HomeTab.opened_by(desk.customer("U0GRACE"))).words


async def test_the_budget_of_a_thread_is_whispered_to_those_it_concerns(desk: Desk) -> None:
    thread = await an_answer(desk)
    ana, bo, sam = desk.customer(), desk.customer("U0BO"), desk.customer("U0SAM")
    await ana.says("@deskhand budget", thread)
    told = (await ana.hears("This conversation has cost")).text
    assert "of $2.00" in told
    assert "2 steps (at most 25 for one answer)" in told
    await sam.says("@deskhand budget", thread)
    await sam.hears("This conversation has cost")
    await bo.says("@deskhand budget", thread)
    refused = await bo.hears("Only the support team and the person who began")
    assert "$" not in refused.text
    await desk.settled()
    assert len(thread.ours()) == 1
    assert len(desk.claude.asked) == 2
