"""What a customer should not have written is seen by nobody and kept nowhere."""

import re

from bot.app import open_store
from bot.config import Settings
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate, search
from tests.fakes.desk_people import attached
from tests.fakes.messages_api import Reply, Seen, text, tool
from tests.fakes.sandbox_driver import eventually

CARD, IBAN, PASSWORD = "4242 4242 4242 4242", "DE89 3704 0044 0532 0130 00", "Zauberwort#77"
KEY = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"
TABLES = "select name from sqlite_master where type = 'table'"
SECRETS = ("42424242424242", "DE89370400440532013000", PASSWORD, KEY)


def gossip(seen: Seen) -> Reply:
    """A model that writes all it was told into a ticket."""
    arguments = {
        "customer_email": "ana@cobalt-studio.example", "subject": "Payment fails", "priority": "high",
        "category": "billing", "body": str(seen.messages[0])[-1500:],
    }  # fmt: skip
    return tool("create_ticket", arguments)


def handing_over(seen: Seen) -> Reply:
    """And on to people."""
    return escalate(reason=str(seen.messages[0])[-200:], summary=str(seen.messages[0])[-300:])


def assert_unknown(where: str, words: str) -> None:
    packed = re.sub(r"[\s\-]", "", words)
    assert [secret for secret in SECRETS if secret in packed] == [], where


async def test_a_card_number_is_in_no_request_trace_card_ticket_or_log(desk: Desk) -> None:
    ana, told = desk.customer(), f"My card {CARD} (IBAN {IBAN}) is refused! My password is {PASSWORD}"
    log = attached(f"{KEY}.log", "text/plain", f"key {KEY}\npaid with {CARD}".encode())
    desk.claude.will(search("refused card"), gossip, handing_over, text("A colleague will look at it."))
    thread = await ana.asks(told, files=log)
    await thread.answer()
    await ana.edits(thread.ts, f"{told}, key {KEY}")
    await desk.settled()
    card = await desk.card()
    sam = desk.staff()
    await sam.presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await ana.says(f"it is {CARD}", thread)
    await card.gets_reply("[card number ending 4242 hidden]")
    await sam.under(card, f"Your new password is {PASSWORD}.")
    await thread.says(PASSWORD)
    await desk.settled()
    assert [body for (body,) in desk.rows("select body from tickets where key like 'run-%'") if "4242 hidden" in body]
    tables = ("traces", "transcript_lines", "escalations", "tickets", "journal", "audit", "kb_gaps")
    for table in tables:
        assert_unknown(table, str(desk.rows(f"select * from {table}")))  # noqa: S608 - names of ours
    events = str(desk.rows("select payload from inbox where conversation_id is not null"))
    assert_unknown("inbox", re.sub(r'"(url|preview)":"[^"]*"', "", events))  # Slack's address of a file names it
    assert_unknown("staff", "".join(m.everything for m in desk.channel("C0STAFF") if m.is_ours))
    for seen in (*desk.claude.asked, *desk.claude.judged, *desk.claude.summed_up):
        assert_unknown("request", str(seen.body))
    assert_unknown("log", desk.logs.getvalue())


async def test_somebody_is_forgotten_beside_a_running_bot_in_the_middle_of_an_answer(desk: Desk) -> None:
    ana = await desk.customer().in_dm()
    first = await ana.asks("How do I invite a guest to my secret board?")
    await first.answer()
    bo = await desk.customer("U0BO").asks("How do I invite a guest?")
    await bo.answer()
    desk.claude.hold()
    await ana.asks("And how do I export the secret board?")
    await desk.claude.is_asked(3)
    async with open_store(Settings.model_validate(desk.bot.settings)) as store:
        person = store.forgetting.person("T0FERNWAY", "U0ANA")
        found = await store.forgetting.find(person)
        assert len(found.own) == 2
        await store.forgetting.erase(person, found)
        desk.claude.let_go()
        await desk.settled()

        async def gone() -> bool:
            """The call that was broken off may still be settled; so the command looks again, too."""
            await store.forgetting.erase(person, found)
            kept = {table: str(desk.rows(f"select * from {table}")) for (table,) in desk.rows(TABLES)}  # noqa: S608
            theirs = re.compile(rf'"U0ANA"|@U0ANA\b|secret board|{ana.channel}')
            named = {table for table, rows in kept.items() if theirs.search(rows)}
            return named <= {"workflow_status"}  # the queue's own entries name threads, for a day

        await eventually(gone)
    assert len(desk.rows("select 1 from conversations")) == 1
    assert desk.rows("select sum(charged) from ledger where user_id like 'gone-%'")[0][0] > 0
    again = await ana.asks("Hello, it is me again")
    await again.answer()
