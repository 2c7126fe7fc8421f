"""Learning from people: what a colleague answered is suggested to the team, and kept when somebody accepts it."""

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, escalate, search
from tests.fakes.desk_people import Card, Shown, Thread, seen
from tests.fakes.messages_api import text

TOLD = "Boards can be printed on A3: open the board, press Share, then Print, and choose the paper size A3."
LESSON = {
    "title": "Print a board on A3",
    "question": "How do I print a board on A3 paper?",
    "answer": "Open the board, press Share, then Print, and choose A3. Write to sam@fernway.example for help.",
    "category": "product",
}


async def resolved(desk: Desk, words: str = TOLD) -> tuple[Thread, Card]:
    """A case that Sam has answered and resolved."""
    desk.claude.will(escalate(), text("I have asked a colleague."))
    thread = await desk.customer().asks("Can I print my board on A3? My name is Ana Ruiz.")
    await thread.answer()
    card = await desk.card()
    await desk.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await desk.staff().under(card, words)
    await thread.says(words[:20])
    await desk.staff().presses("Resolve", card)
    await thread.says("resolved")
    await desk.settled()
    return thread, card


async def becomes(desk: Desk, card: Card, words: str) -> Shown:
    return await seen(desk.driver, lambda: next((m for m in card.replies() if words in m.text), None))


async def test_what_a_colleague_answered_becomes_an_article_and_a_test_case_with_one_press_each(desk: Desk) -> None:
    desk.claude.lesson = LESSON
    _, card = await resolved(desk)
    suggested = await card.gets_reply("Print a board on A3")
    assert "Others may ask this, too" in suggested.text
    assert "sam@fernway.example" not in suggested.everything, "nobody's address gets into an article"
    assert list(suggested.buttons) == ["Add to help centre", "Add for staff only", "Make a test case", "Dismiss"]
    assert desk.rows("select count(*) from kb_articles where source = 'lessons'") == [(0,)]

    sam = desk.staff()
    sam.channel = card.channel
    await sam.presses("Add to help centre", suggested)
    accepted = await becomes(desk, card, "Added to the help centre by")
    assert list(accepted.buttons) == ["Make a test case", "Take back"]
    await sam.presses("Make a test case", accepted)
    done = await becomes(desk, card, "Made a test case by")
    assert list(done.buttons) == ["Take back"]

    desk.claude.will(search("print a board on A3 paper"), answer_from_source("Choose A3 in the print window."))
    later = await desk.customer("U0BO").asks("How can I print a board on A3 paper?")
    assert "Print a board on A3" in (await later.answer()).text, "the new article is cited"
    assert desk.rows("select audience, is_case from lessons") == [("public", 1)]
    assert desk.rows("select action from audit where action like 'lesson%' order by seq") == [
        ("lesson.public",), ("lesson.case",),
    ]  # fmt: skip


async def test_p7_only_staff_accept_and_what_is_for_staff_is_kept_from_customers(desk: Desk) -> None:
    desk.claude.lesson = LESSON
    _, card = await resolved(desk)
    suggested = await card.gets_reply("Print a board on A3")
    fault = {"method": "conversations.members", "kind": "error", "error": "missing_scope", "times": -1}
    await desk.driver.call("fault", **fault)
    await desk.restart()  # it knows no members any more
    grace = desk.staff("U0GRACE")
    grace.channel = card.channel
    await grace.presses("Add to help centre", suggested)
    await grace.hears("nobody can do that at the moment")
    await desk.settled()
    assert desk.rows("select audience from lessons") == [("",)]
    await desk.driver.call("faults/clear")
    sam = desk.staff()
    sam.channel = card.channel
    await sam.presses("Add for staff only", suggested)
    await becomes(desk, card, "Added to the articles for staff by")
    desk.claude.will(search("print a board on A3 paper"), text("I cannot say."))
    await (await desk.customer("U0BO").asks("How can I print a board on A3 paper?")).answer()
    assert "press Share, then Print" not in str(desk.claude.asked[-1].messages)


async def test_small_talk_teaches_nothing_and_costs_nothing(desk: Desk) -> None:
    await resolved(desk, "Done, have a nice day!")
    assert desk.rows("select count(*) from lessons") == [(0,)]
    assert desk.claude.summed_up == []
