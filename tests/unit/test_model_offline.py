"""The offline model, as stories."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.exchange import (
    Image,
    Message,
    ModelReply,
    ModelRequest,
    Purpose,
    SearchResult,
    StopReason,
    Text,
    ToolResult,
    ToolSpec,
    UserMessage,
)
from bot.domain.language import LANGUAGE_NAMES
from bot.model.offline import OfflineModel
from prompts import LANGUAGES, sentences
from tools.base import strict_schema
from tools.customers.tool import LookupArguments
from tools.escalation import EscalateArguments
from tools.knowledge_base.tool import SearchArguments
from tools.tickets.tool import TicketArguments

LINEAR_SECONDS = 0.5
"""Of computing; a search that takes time squared needs several."""
ARGUMENTS = {
    "search_knowledge_base": SearchArguments,
    "lookup_customer": LookupArguments,
    "create_ticket": TicketArguments,
    "escalate_to_human": EscalateArguments,
}
TOOLS = tuple(ToolSpec(name, f"About {name}.", strict_schema(model)) for name, model in ARGUMENTS.items())
SIGN = "_Offline mode: quoted from the help centre without a language model._"
REFUNDS = SearchResult(
    "https://help.example/refunds",
    "Refund policy",
    ("You can get a charge back within 30 days.", "Fees of your bank are not refunded."),
)
BOARDS = SearchResult("https://help.example/boards", "Boards", ("A board holds lists and cards.",))
ANA = "<context>\nCustomer: Ana Ruiz <ana@cobalt.example> (verified)\n</context>"
STAFF = "<context>\nColleague from the support team: Sam Poe <sam@fernway.example> (verified)\n</context>"
STRANGER = "<context>\nCustomer: Ben (no verified e-mail)\n</context>"


class Talk:
    """One turn with the offline model."""

    def __init__(self, words: str, context: str = ANA, tools: tuple[ToolSpec, ...] = TOOLS) -> None:
        said = (Text(context), Text(words)) if words else (Text(context),)
        self.messages: tuple[Message, ...] = (UserMessage(said),)
        self.tools = tools

    async def next(self) -> ModelReply:
        reply = await OfflineModel().answer(ModelRequest("claude-sonnet-5-5", "S", self.messages, 1_000, self.tools))
        self.messages = (*self.messages, reply.as_message())
        return reply

    async def calls(self) -> tuple[str, dict[str, Any]]:
        """The tool it wants, with arguments its own model accepts."""
        reply = await self.next()
        assert reply.stop_reason is StopReason.TOOL_USE
        (use,) = reply.tool_uses
        return use.name, ARGUMENTS[use.name].model_validate_json(use.arguments).model_dump()

    async def says(self) -> str:
        reply = await self.next()
        assert reply.stop_reason is StopReason.END_TURN
        assert reply.text.endswith(SIGN)
        return reply.text

    def gets(self, content: str | tuple[SearchResult, ...], *, is_error: bool = False) -> None:
        last = self.messages[-1]
        assert not isinstance(last, UserMessage)
        result = ToolResult(last.tool_uses[0].id, content, is_error=is_error)
        self.messages = (*self.messages, UserMessage((result,)))


async def test_a_question_is_searched_first_and_the_best_passage_quoted_with_its_source() -> None:
    talk = Talk("How many days do I have to get a charge back?")

    assert await talk.calls() == (
        "search_knowledge_base",
        {"query": "How many days do I have to get a charge back?", "category": "any"},
    )
    talk.gets((BOARDS, REFUNDS))
    reply = await talk.next()

    assert "within 30 days" in reply.text
    assert reply.text.endswith(SIGN)
    assert reply.citations[0].source == "https://help.example/refunds"
    assert reply.citations[0].cited_text in reply.text


@pytest.mark.parametrize("found", [(BOARDS,), "No article matches."])
async def test_what_no_article_answers_goes_to_a_human(found: str | tuple[SearchResult, ...]) -> None:
    talk = Talk("Do you have dark mode?")
    await talk.calls()
    talk.gets(found)

    name, arguments = await talk.calls()

    assert name == "escalate_to_human"
    assert "no article" in arguments["reason"]
    assert "Do you have dark mode?" in arguments["summary"]


@pytest.mark.parametrize(
    "words",
    [
        "I want to talk to a human",
        "human please",
        "Can you connect me with someone from your team, a real person?",
        "agent!",
        "ESCALATE",
        "Ich möchte mit einem Menschen sprechen",
    ],
)
async def test_who_asks_for_a_human_gets_one_without_a_search(words: str) -> None:
    talk = Talk(words)

    assert (await talk.calls())[0] == "escalate_to_human"
    talk.gets("Case put before the team.")
    assert "I have asked a human colleague" in await talk.says()


@pytest.mark.parametrize(("language", "name"), [(code, LANGUAGE_NAMES[code]) for code in LANGUAGES if code != "en"])
async def test_what_it_says_itself_is_in_the_language_of_the_conversation(language: str, name: str) -> None:
    context = ANA.replace("</context>", f"Note: Language of the conversation: {name}\n</context>")
    own, english = sentences(language), sentences()
    talk = Talk("Xyzzy?", context)
    await talk.calls()
    talk.gets("Nothing was found.")
    await talk.calls()
    talk.gets("Case put before the team.")
    handed_over = (await talk.next()).text
    assert handed_over.endswith(own["offline_sign"])
    assert handed_over.startswith(own["offline_handed_over"].partition("{")[0])
    assert "Ana" in handed_over
    said = {await _greeting(text, context) for text in ("", "thanks", "hello")}
    assert not [one for one in said for text in english.values() if len(text) > 20 and text in one]
    assert "Thank you" not in str(said), "the language is no note of something that happened"


async def _greeting(words: str, context: str) -> str:
    return (await Talk(words, context).next()).text


@pytest.mark.parametrize("words", ["How do I add a person to my workspace?", "What is the agent view?", "persons"])
async def test_a_mere_mention_of_people_is_a_question(words: str) -> None:
    assert (await Talk(words).calls())[0] == "search_knowledge_base"


@pytest.mark.parametrize(
    "words", ["I want a refund", "why was I charged twice??", "You overcharged us", "Give me my money back!"]
)
async def test_a_disputed_charge_goes_to_billing_with_a_proposal(words: str) -> None:
    name, arguments = await Talk(words).calls()

    assert name == "escalate_to_human"
    assert arguments["suggested_team"] == "billing"
    assert "Ana" in arguments["proposed_reply"]


@pytest.mark.parametrize("words", ["What is your refund policy?", "Can I get a refund?", "How do I request a refund?"])
async def test_a_question_about_refunds_is_answered(words: str) -> None:
    assert (await Talk(words).calls())[0] == "search_knowledge_base"


@pytest.mark.parametrize(
    "words",
    ["What plan am I on?", "Show me my last invoices", "Can I see our billing history?", "How many seats do we have?"],
)
async def test_the_own_account_is_looked_up_by_the_verified_address(words: str) -> None:
    assert await Talk(words).calls() == ("lookup_customer", {"email": "ana@cobalt.example"})


async def test_the_account_is_shown_without_notes() -> None:
    talk = Talk("What plan am I on, and what was my last invoice?")
    await talk.calls()
    charge = {"date": "2026-11-18", "invoice": "INV-1", "amount_usd": "126.00", "status": "paid", "description": "Team"}
    account = {"email": "ana@cobalt.example", "plan": "Team", "renews_on": None, "billing_history": [charge]}
    talk.gets(json.dumps({**account, "staff_notes": "difficult"}))

    said = await talk.says()

    assert "plan: Team" in said
    assert "INV-1" in said
    assert "difficult" not in said
    assert "renews" not in said


async def test_another_customers_account_is_not_looked_up() -> None:
    assert "your own account" in await Talk("What plan is bo@northpine.example on?").says()


async def test_staff_may_ask_for_any_account() -> None:
    talk = Talk("What plan is bo@northpine.example on?", STAFF)

    assert await talk.calls() == ("lookup_customer", {"email": "bo@northpine.example"})


async def test_without_a_verified_address_the_account_goes_to_a_human() -> None:
    assert (await Talk("What plan am I on?", STRANGER).calls())[0] == "escalate_to_human"


async def test_a_ticket_is_opened_and_its_number_told() -> None:
    talk = Talk("Please open a ticket: the CSV export loses a column. It is urgent!")

    name, arguments = await talk.calls()
    talk.gets("Ticket FW-2056 opened, priority high. No one has looked at it yet.")

    assert name == "create_ticket"
    assert arguments["customer_email"] == "ana@cobalt.example"
    assert arguments["priority"] == "high"
    assert "FW-2056" in await talk.says()


async def test_a_ticket_that_could_not_be_opened_goes_to_a_human() -> None:
    talk = Talk("I want to report a bug")
    await talk.calls()
    talk.gets("The ticket system does not answer.", is_error=True)

    assert (await talk.calls())[0] == "escalate_to_human"
    talk.gets("Not possible.", is_error=True)
    assert "did not work" in await talk.says()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("thanks!", "welcome, Ana"),
        ("Thanks, that's what I needed", "welcome, Ana"),
        ("Hi there", "Hello, Ana"),
        (":wave:", "Hello"),
        ("🎉", "Hello"),
        ("", "Hello"),
        ("?!", "Hello"),
    ],
)
async def test_small_talk_needs_no_tool(words: str, said: str) -> None:
    assert said in await Talk(words).says()


async def test_a_file_without_words_is_answered_honestly() -> None:
    talk = Talk("")
    talk.messages = (UserMessage((Image("image/png", "aGk=", 1, 1), Text(ANA))),)

    assert "cannot look into files" in await talk.says()


async def test_a_note_about_what_happened_is_not_told_to_the_customer() -> None:
    said = await Talk("", ANA.replace("\n</", "\nNote: Sam denied it, customer is rude\n</")).says()

    assert "rude" not in said
    assert "Thank you for waiting, Ana" in said


async def test_without_tools_it_says_that_it_cannot_help() -> None:
    assert "did not work" in await Talk("How do I reset my password?", tools=()).says()


async def test_earlier_turns_do_not_confuse_it() -> None:
    earlier = Talk("I want a human")
    await earlier.calls()
    earlier.gets("Done.")
    await earlier.says()
    earlier.messages = (*earlier.messages, UserMessage((Text(ANA), Text("How do boards work?"))))

    assert (await earlier.calls())[0] == "search_knowledge_base"


async def test_the_same_request_gets_the_same_reply_and_every_step_its_own_id() -> None:
    one, two = Talk("How do boards work?"), Talk("How do boards work?")
    first, again = await one.next(), await two.next()
    one.gets("Nothing.")
    second = await one.next()

    assert first == again
    assert first.tool_uses[0].id != second.tool_uses[0].id
    assert (first.model, first.usage.output > 0, first.usage.input > 0) == ("offline", True, True)
    assert second.usage.cache_read > first.usage.cache_read


@example("0\0")
@settings(deadline=None)  # a busy machine is not a fault
@given(st.text(max_size=300))
async def test_no_message_makes_it_stumble(words: str) -> None:
    talk = Talk(words)
    for _ in range(4):
        reply = await talk.next()
        if not reply.tool_uses:
            assert reply.text.endswith(SIGN)
            return
        ARGUMENTS[reply.tool_uses[0].name].model_validate_json(reply.tool_uses[0].arguments)
        talk.gets((REFUNDS, BOARDS) if reply.tool_uses[0].name == "search_knowledge_base" else "Done.")
    pytest.fail("it went round in circles")


VERDICT = {
    "type": "object",
    "properties": {
        "grounded": {"type": "boolean"},
        "promises_kept": {"type": "boolean"},
        "confidence": {"type": "number"},
        "reason": {"type": "string"},
    },
}


async def judge(reply: str, *tools: tuple[str, str]) -> dict[str, Any]:
    case = {"question": "How long?", "tools": [{"tool": t, "result": r} for t, r in tools], "reply": reply}
    request = ModelRequest(
        "offline", "Judge.", (UserMessage((Text(json.dumps(case)),)),), 400,
        purpose=Purpose.JUDGE, output_schema=json.dumps(VERDICT),
    )  # fmt: skip
    answer = await OfflineModel().answer(request)
    verdict = json.loads(answer.text)
    assert set(verdict) == set(VERDICT["properties"])
    return dict(verdict)


async def test_its_own_quotes_pass_its_own_judgement() -> None:
    talk = Talk("How many days do I have to get a charge back?")
    await talk.calls()
    talk.gets((REFUNDS,))
    said = await talk.says()

    verdict = await judge(said, ("search_knowledge_base", "Refund policy\n" + "\n".join(REFUNDS.passages)))

    assert verdict["grounded"]
    assert verdict["confidence"] >= 0.6


async def test_a_deed_that_an_article_tells_of_is_no_claim_of_ours() -> None:
    rule = "Their cards stay, unassigned or handed to a person you pick."
    assert (await judge(f"From “Seats”: {rule}", ("search_knowledge_base", rule)))["promises_kept"]
    assert not (await judge("I have handed it to a person.", ("search_knowledge_base", rule)))["promises_kept"]


@pytest.mark.parametrize(
    ("reply", "grounded", "kept"),
    [
        ("You are welcome, Ana! Write again whenever you need something.", True, True),
        ("It costs $999 a month.", False, True),
        ("I have opened ticket FW-1 for you.", False, False),
        ("I have refunded you.", True, False),
        ("I have asked a colleague in billing.", True, False),
    ],
)
async def test_invented_numbers_and_deeds_do_not_pass(reply: str, grounded: bool, kept: bool) -> None:
    verdict = await judge(reply, ("search_knowledge_base", "Within 30 days."))

    assert (verdict["grounded"], verdict["promises_kept"]) == (grounded, kept)


async def test_a_summary_says_who_wants_what_and_what_was_found() -> None:
    case = {
        "customer": "I was charged twice. Please help. Third.",
        "tools": [{"tool": "lookup_customer", "result": "Team. Paid."}],
    }
    request = ModelRequest(
        "offline", "Sum up.", (UserMessage((Text(json.dumps(case)),)),), 400, purpose=Purpose.SUMMARY
    )

    text = (await OfflineModel().answer(request)).text

    assert "charged twice. Please help." in text
    assert "lookup_customer returned: Team." in text


@pytest.mark.parametrize("purpose", [Purpose.JUDGE, Purpose.SUMMARY])
@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"tools": null}', '{"tools": ["x", 3], "reply": null}', "plain words"]
)
async def test_asides_survive_any_input(purpose: Purpose, text: str) -> None:
    request = ModelRequest("offline", "", (UserMessage((Text(text),)),), 9, purpose=purpose)

    assert (await OfflineModel().answer(request)).text


@pytest.mark.parametrize(
    "question",
    ["a" * 40_000, "refund" + "*" * 40_000 + "x", "manager" + "!" * 40_000 + "x", "a@b-" * 10_000, "a.b" * 13_000],
    ids=lambda text: text[:8],
)
async def test_no_question_of_forty_thousand_characters_takes_long(question: str) -> None:
    began = time.thread_time()
    await Talk(question).next()
    assert time.thread_time() - began < LINEAR_SECONDS
