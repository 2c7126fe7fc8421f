"""Customers who write in other languages: everything they read is in theirs, and colleagues keep their own."""

from dataclasses import replace

from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, escalate, search
from tests.fakes.desk_people import attached
from tests.fakes.messages_api import text

QUESTION = "Wie lade ich einen Gast in mein Board ein?"
GERMAN = (
    "Klicken Sie im Board auf *Share* und dann auf *Invite guest*. Geben Sie die Adresse ein und wählen Sie, ob der "
    "Gast nur lesen oder auch schreiben darf."
)
ENGLISH = (
    "Press *Share* and then *Invite guest*. Enter the address, and choose whether they may only read or also write."
)


async def test_around_an_answer_everything_is_in_the_customers_language(desk: Desk) -> None:
    desk.claude.hold()
    thread = await desk.customer().asks(QUESTION)
    assert "Ich sehe nach" in (await thread.is_worked_on()).text
    desk.claude.will(search(), answer_from_source(GERMAN))
    desk.claude.let_go()
    answer = await thread.answer()
    assert "Quellen: " in answer.text
    assert "Schritt 2/25 · " in answer.text
    assert "Diese Antwort hat geholfen" in answer.text
    assert "Language of the conversation: German" in str(desk.claude.asked[0].messages)


async def test_an_answer_in_the_wrong_language_is_written_again_before_anybody_reads_it(desk: Desk) -> None:
    desk.claude.will(search(), answer_from_source(ENGLISH), text(GERMAN))
    thread = await desk.customer().asks(QUESTION)
    answer = await thread.answer()
    assert "Klicken Sie im Board" in answer.text
    assert "The customer writes in another language (German)" in desk.claude.asked[2].last_text
    assert len(thread.ours()) == 1


async def test_a_conversation_keeps_its_language_and_colleagues_read_their_own(desk: Desk) -> None:
    ana = desk.customer()
    desk.claude.will(search(), answer_from_source(GERMAN), escalate(), text("Ich habe eine Kollegin gefragt."))
    thread = await ana.asks(QUESTION)
    await thread.answer()
    await ana.says("FW-2041", thread)
    await thread.answer(2)
    card = await desk.card()
    assert "Needs a person" in card.shown().text
    await desk.staff().presses("Take over", card)
    await thread.says("hat diese Unterhaltung übernommen und antwortet Ihnen hier")
    await desk.staff().presses("Resolve", card)
    rating = await thread.says("Wie waren wir?")
    assert "1 · schlecht" in rating.buttons


async def test_a_message_that_tells_nothing_is_answered_in_the_language_of_slack(desk: Desk) -> None:
    people = desk.driver.server.workspace.people
    people["U0EMI"] = replace(people["U0EMI"], locale="ja-JP")
    emi = await desk.customer("U0EMI").in_dm()
    thread = await emi.asks("", files=attached("logs.zip", "application/zip", b"PK\x03\x04"))
    assert "このファイルは開けません" in (await thread.answer()).text


async def test_hours_and_handing_over_are_told_in_the_customers_language(offline: Desk) -> None:
    people = offline.driver.server.workspace.people
    people["U0EMI"] = replace(people["U0EMI"], locale="fr-FR")
    thread = await offline.customer("U0EMI").asks("handoff")
    await thread.says("J'ai demandé à quelqu'un de notre équipe de regarder.")
    bo = await offline.customer("U0BO").in_dm()
    other = await bo.asks("¿Puedo hablar con una persona, por favor? No encuentro mi factura.")
    assert "paso 2/25 · " in (await other.answer()).text
    assert "Hay otra solicitud esperando antes de la suya." in other.text()
