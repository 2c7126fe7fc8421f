"""Claude fails, refuses or stops short: the second model, then honest words and a person; never silence."""

import aiohttp
import pytest

from tests.fakes.desk import Bot, Desk
from tests.fakes.desk_claude import SURE, at_once, search
from tests.fakes.messages_api import (
    Brain,
    Fault,
    Move,
    Seen,
    cut_body,
    dropped,
    hang,
    html,
    no_stop_reason,
    overloaded,
    paused,
    rate_limited,
    refusal,
    spend_cap,
    status,
    stopped,
    text,
    truncated_json,
    unknown_block,
    usage_limit,
)

TOO_LONG = "I could not finish this answer because of a technical problem"


def only(model: str, fault: Fault, otherwise: Move) -> Brain:
    """One of the two models fails."""
    return lambda seen: fault if seen.body["model"].startswith(model) else otherwise


async def test_a_failure_that_passes_is_not_seen_by_the_customer(desk: Desk) -> None:
    for fault in (overloaded(), rate_limited(), status(500), status(503)):
        desk.claude.will(at_once(fault), at_once(fault), text("Guests are free."))
        thread = await desk.customer().asks("What do guests cost?")
        assert "Guests are free." in (await thread.answer()).text, fault
    assert desk.cards() == []


@pytest.mark.parametrize(
    "fault", [at_once(overloaded()), status(401), status(404), spend_cap()], ids=["529", "401", "404", "spend_cap"]
)
async def test_when_the_first_model_is_down_the_second_answers(desk: Desk, fault: Fault) -> None:
    desk.expects_errors = True
    desk.claude.always = only("claude-sonnet", fault, text("Guests are free."))
    thread = await desk.customer().asks("What do guests cost?")
    assert "Guests are free." in (await thread.answer()).text
    assert desk.claude.asked[-1].body["model"] == "claude-haiku-5-5"


@pytest.mark.parametrize("fault", [at_once(overloaded()), status(401), spend_cap()], ids=["529", "401", "spend_cap"])
async def test_when_no_model_answers_the_help_centre_is_quoted_honestly_and_a_person_is_asked(
    desk: Desk, fault: Fault
) -> None:
    desk.expects_errors = True
    desk.claude.always = desk.claude.verdict = desk.claude.summary = fault
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    answer = await thread.answer()
    assert "Our language model is not reachable at the moment" in answer.text
    assert "Invite" in answer.text
    assert "Sources: " in answer.text
    shown = (await desk.card()).shown()
    assert "something failed" in shown.text
    assert "How do I invite a guest" in shown.text


async def test_when_no_model_answers_and_the_help_centre_has_nothing_a_person_is_asked(desk: Desk) -> None:
    desk.expects_errors = True
    desk.claude.always = desk.claude.verdict = desk.claude.summary = status(401)
    thread = await desk.customer().asks("xyzzy plugh qwortz")
    assert TOO_LONG in (await thread.answer()).text
    assert "xyzzy" in (await desk.card()).shown().text


async def test_half_an_answer_or_a_web_page_is_asked_for_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between attempts is made short: here nobody says how long to wait."""
    monkeypatch.setattr("bot.agent.calls.ModelCalls._backoff", lambda self, attempt, retry_after: 0.01)
    for fault in (cut_body(), dropped(), html(), truncated_json()):
        desk.claude.will(fault, text("Guests are free."))
        thread = await desk.customer().asks("What do guests cost?")
        assert "Guests are free." in (await thread.answer()).text, fault


async def test_a_call_that_never_ends_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.agent.calls.ModelCalls._backoff", lambda self, attempt, retry_after: 0.01)
    await desk.restart(MODEL_SECONDS="0.3")
    desk.claude.will(hang(), hang(), text("Guests are free."))
    thread = await desk.customer().asks("What do guests cost?")
    assert "Guests are free." in (await thread.answer()).text
    models = [seen.body["model"] for seen in desk.claude.asked]
    assert models == ["claude-sonnet-5-5", "claude-haiku-5-5", "claude-haiku-5-5"], "hung once: rather the next one"


async def test_when_all_hang_a_person_is_asked_long_before_the_turn_is_over(desk: Desk) -> None:
    await desk.restart(MODEL_SECONDS="0.3")
    desk.claude.always = desk.claude.verdict = desk.claude.summary = hang()
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    assert "Our language model is not reachable at the moment" in (await thread.answer()).text
    assert "How do I invite a guest" in (await desk.card()).shown().text


async def test_in_an_outage_nobody_waits_and_afterwards_all_is_as_before(desk: Desk) -> None:
    """Half a minute is long for a test: a start tries at once what was left alone."""
    desk.claude.always = desk.claude.verdict = desk.claude.summary = at_once(overloaded())
    for number in range(1, 4):
        thread = await desk.customer().asks("How do I invite a guest to a board?")
        assert "Our language model is not reachable at the moment" in (await thread.answer()).text
        await desk.card(number=number)
    asked = len(desk.claude.requests)
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    assert "Our language model is not reachable at the moment" in (await thread.answer()).text
    assert len(desk.claude.requests) == asked, "nobody was asked"
    assert ("breaker_open",) in desk.rows("select distinct error from traces")

    desk.claude.always, desk.claude.verdict = text("Guests are free."), SURE
    await desk.restart()
    thread = await desk.customer().asks("What do guests cost?")
    assert "Guests are free." in (await thread.answer()).text
    assert desk.claude.asked[-1].body["model"] == "claude-sonnet-5-5"
    assert ("model:claude-sonnet-5-5",) in desk.rows("select name from breakers where until is null")


async def test_a_used_up_spending_limit_is_told_to_operators_in_words(desk: Desk) -> None:
    desk.expects_errors = True
    desk.claude.always = desk.claude.verdict = desk.claude.summary = usage_limit()
    thread = await desk.customer().asks("How do I invite a guest to a board?")
    assert "Our language model is not reachable at the moment" in (await thread.answer()).text
    told = [line for line in desk.log_lines() if line.get("event") == "model.refuses" or "model.refuses" in str(line)]
    assert "raise it in the Console" in str(told[0])
    assert isinstance(desk.bot, Bot)
    assert desk.bot.address is not None
    async with aiohttp.ClientSession() as http, http.get(f"{desk.bot.address.url}/readyz") as answer:
        assert answer.status == 200, "answers go on, so it stays ready"
        assert (await answer.json())["models_left_alone"]["claude-sonnet-5-5"] == "spend_cap"


async def test_a_refusal_is_told_kindly_and_handed_over(desk: Desk) -> None:
    desk.claude.will(refusal("violence"))
    thread = await desk.customer().asks("Tell me something terrible")
    told = await thread.answer()
    assert "I can't help with that one myself" in told.text
    assert "violence" not in told.text
    assert "refus" in (await desk.card()).shown().text


async def test_an_answer_that_was_cut_gets_more_room_once(desk: Desk) -> None:
    desk.claude.will(stopped("max_tokens"), text("The whole sentence."))
    thread = await desk.customer().asks("What do guests cost?")
    assert "The whole sentence." in (await thread.answer()).text
    first, second = (seen.body["max_tokens"] for seen in desk.claude.asked)
    assert second == 2 * first


async def test_half_a_sentence_is_never_sent(desk: Desk) -> None:
    halves = (stopped("max_tokens"), stopped("model_context_window_exceeded"), stopped("surprise"), no_stop_reason())
    for number, move in enumerate(halves, 1):
        desk.claude.always = move
        thread = await desk.customer().asks("What do guests cost?")
        told = await thread.answer()
        assert "Half a sen" not in told.text, move
        assert TOO_LONG in told.text, move
        await desk.card(number=number)


async def test_a_paused_turn_goes_on_and_unknown_blocks_do_no_harm(desk: Desk) -> None:
    desk.claude.will(paused(), unknown_block())
    thread = await desk.customer().asks("What do guests cost?")
    assert "Seen?" in (await thread.answer()).text


async def test_a_model_that_uses_all_its_steps_hands_over(desk: Desk) -> None:
    await desk.customer("U0GRACE").types("set conversation 50")
    desk.claude.always = search()
    await desk.restart(AGENT_PROFILES="C0SUPPORT=triage")
    thread = await desk.customer().asks("What do guests cost?")
    told = await thread.answer()
    assert "reasonable number of steps" in told.text or "reached the limit" in told.text
    assert len(desk.claude.asked) <= 8
    await desk.card()


@pytest.mark.parametrize(
    "verdict", [status(401), text("not JSON at all"), stopped("max_tokens", "{")], ids=["down", "prose", "cut"]
)
async def test_without_a_judge_an_answer_with_sources_is_sent_and_one_without_is_proposed(
    desk: Desk, verdict: Move
) -> None:
    desk.expects_errors = True
    from tests.fakes.desk_claude import answer_from_source  # noqa: PLC0415 — beside its only use

    desk.claude.verdict = verdict
    desk.claude.will(search(), answer_from_source("Press Invite."), text("I think so."))
    ana = desk.customer()
    thread = await ana.asks("How do I invite a guest?")
    assert "Press Invite." in (await thread.answer()).text
    await ana.says("Are you sure?", thread)
    assert "asked a colleague to check it" in (await thread.answer(2)).text


async def test_a_tool_that_fails_is_told_to_the_model_not_to_the_customer(desk: Desk) -> None:
    def apologise(seen: Seen) -> Move:
        (result,) = seen.tool_results
        assert result["is_error"]
        return text("I could not look that up just now.")

    desk.claude.will(search(query=""), apologise)
    thread = await desk.customer().asks("What do guests cost?")
    assert "could not look that up" in (await thread.answer()).text
