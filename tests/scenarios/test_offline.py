"""Without a key: the offline model answers from the help centre, and says what it is."""

import pytest

from tests.fakes.desk import Desk


async def test_p11_a_question_is_answered_with_quotes_sources_and_the_word_offline(offline: Desk) -> None:
    thread = await offline.customer().asks("How do I invite a guest to a board?")
    answer = await thread.answer()
    assert "Invite guest" in answer.text
    assert "Sources: " in answer.text
    assert "offline" in answer.text.lower()
    assert answer.footer.startswith("step 2/25")
    assert "$0.00 of $2.00" in answer.footer
    assert offline.cards() == []


async def test_one_may_ask_about_the_own_account_but_not_about_others(offline: Desk) -> None:
    ana = await offline.customer().in_dm()
    thread = await ana.asks("What plan am I on, and when does it renew?")
    assert "Team" in (await thread.answer()).text
    await ana.says("And what plan is bo@northpine.example on?", thread)
    told = await thread.answer(2)
    assert "Enterprise" not in told.text
    assert "own account" in told.text


async def test_a_ticket_is_opened_when_asked_for(offline: Desk) -> None:
    thread = await offline.customer().asks("Please open a ticket: the CSV export of my board stops half way.")
    answer = await thread.answer()
    (row,) = offline.tickets()
    assert f"FW-{row[0]}" in answer.text


async def test_a_human_is_asked_when_wanted(offline: Desk) -> None:
    thread = await offline.customer().asks("I would like to talk to a human.")
    await thread.answer()
    card = await offline.card()
    await offline.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await offline.staff().under(card, "Hello Ana, Sam here.")
    await thread.says("Hello Ana, Sam here.")


async def test_a_disputed_charge_goes_to_billing_with_a_proposed_reply(offline: Desk) -> None:
    thread = await offline.customer().asks("Why was I charged twice? I want a refund.")
    await thread.answer()
    card = await offline.card("C0BILLING")
    assert "Proposed reply" in card.shown().text
    await offline.staff("U0LEO").presses("Approve", card)
    await card.becomes("Approved* by <@U0LEO>")
    await offline.settled()
    assert len(thread.ours()) == 2


@pytest.mark.parametrize("words", ["thanks!", "hello", "👍"])
async def test_small_talk_is_answered_without_a_fuss(offline: Desk, words: str) -> None:
    thread = await offline.customer().asks(words)
    assert (await thread.answer()).text
    await offline.settled()
    assert offline.cards() == []


async def test_what_the_help_centre_does_not_know_goes_to_a_person(offline: Desk) -> None:
    thread = await offline.customer().asks("Does your office in Reykjavik have parking for zeppelins?")
    answer = await thread.answer()
    assert "colleague" in answer.text
    await offline.card()


async def test_who_writes_german_reads_german_where_no_model_speaks(offline: Desk) -> None:
    thread = await offline.customer().asks("Hat Ihr Büro in Reykjavik auch einen Parkplatz für meinen großen Zeppelin?")
    answer = await thread.answer()
    assert "Ich habe jemanden aus unserem Team gebeten" in answer.text
    assert "Offline-Modus" in answer.text
    assert "colleague" not in answer.text
    await offline.card()
