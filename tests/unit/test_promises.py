"""Claims against deeds: what a run did, what people told, and what an open case makes true."""

import pytest

from bot.agent.context import Said
from bot.agent.promises import broken, deeds_of, in_words, objection
from bot.agent.recaps import SoFar
from bot.agent.toolbox import Evidence
from bot.desk.handed_back import note_of
from bot.desk.work import Heard, case_of
from bot.domain.conversation import RETOLD, Line, Speaker
from bot.domain.handover import Handback
from bot.domain.recap import NO_RECAP

OPENED = Evidence("create_ticket", "{}", "Ticket TK-1042 opened, priority high. No one has looked at it yet.")
THERE = Evidence("create_ticket", "{}", "Ticket TK-1042 with this subject is already open in this conversation.")
REFUND = Evidence(
    "issue_refund", '{"amount_usd": 30}', "Refund R-7 of $30.00 to ana@x.example was issued, to the original card."
)
BIG_REFUND = Evidence("issue_refund", "{}", "Refund R-8 of $1200.50 to ana@x.example was issued, to the original card.")
WAITS = Evidence("issue_refund", '{"amount_usd": 500}', "A colleague must agree first: nothing was refunded.", ok=False)
ASKED = Evidence("escalate_to_human", "{}", "A colleague has been asked.")
FAILED = Evidence("escalate_to_human", "{}", "The case could not be put before a person right now.", ok=False)
ACCOUNT = Evidence("lookup_customer", "{}", '{"billing_history": [{"amount_usd": "49.00", "status": "refunded"}]}')
ARTICLE = Evidence("search_knowledge_base", "{}", "Support hours\nWe answer within 4 hours. Refunds arrive in 5 days.")
MAILER = Evidence("crm__send_letter", "{}", "Sent.")
READER = Evidence("crm__list_letters", "{}", "2 letters.")

CASES = [
    ("I have escalated this to a colleague.", (ASKED,), True),
    ("I have escalated this to a colleague.", (FAILED,), False),
    ("I have escalated this to a colleague.", (OPENED,), False),
    ("Our team will look into it.", (OPENED,), True),
    ("Our team will look into it.", (), False),
    ("I've passed this on to our engineers.", (OPENED,), True),
    ("I've passed this on to our engineers.", (), False),
    ("I've opened ticket TK-1042 for you.", (OPENED,), True),
    ("I've opened ticket TK-1042 for you.", (THERE,), True),
    ("I've opened ticket TK-9999 for you.", (OPENED,), False),
    ("Your ticket number is TK-9999.", (OPENED,), False),
    ("I've opened ticket TK-104 for you.", (OPENED,), False),
    ("Your ticket number is 1042.", (OPENED,), True),
    ("Your ticket number is 042.", (OPENED,), False),
    ("I've opened a ticket.", (ASKED,), False),
    ("I have refunded you $30.", (REFUND,), True),
    ("I have refunded you $30.00 just now.", (REFUND,), True),
    ("I have refunded you $500.", (REFUND,), False),
    ("Ich habe Ihnen 30,00 $ erstattet.", (REFUND,), True),
    ("Ich habe Ihnen 3.000 $ erstattet.", (REFUND,), False),
    ("Je vous ai remboursé 1.200,50 €.", (BIG_REFUND,), True),
    ("I have refunded you $1,200.50.", (BIG_REFUND,), True),
    ("I have refunded you " + "for all that went wrong with it " * 12 + "exactly $500.", (REFUND,), False),
    ("I have refunded you $500.", (WAITS,), False),
    ("I have refunded you.", (ACCOUNT,), False),
    ("Your invoice was refunded.", (ACCOUNT,), True),
    ("Your refund of $49.00 has been issued.", (ACCOUNT,), True),
    ("Your refund of $490.00 has been issued.", (ACCOUNT,), False),
    ("You will get your money back.", (ARTICLE,), False),
    ("I have cancelled your subscription.", (ACCOUNT, ARTICLE), False),
    ("I have sent you an e-mail.", (MAILER,), True),
    ("I have sent you an e-mail.", (READER,), False),
    ("We will call you.", (ASKED,), False),
    ("A colleague will reply within 4 hours.", (ASKED, ARTICLE), True),
    ("A colleague will reply within 2 hours.", (ASKED, ARTICLE), False),
    ("A colleague will reply shortly.", (ASKED, ARTICLE), False),
    ("Guests are free.", (), True),
]


@pytest.mark.parametrize(("text", "evidence", "holds"), CASES)
def test_p11_a_claim_holds_when_a_tool_did_it(text: str, evidence: tuple[Evidence, ...], holds: bool) -> None:
    assert (broken(text, deeds_of(evidence)) == ()) is holds


def said(speaker: Speaker, text: str) -> Line:
    return Line(speaker, "Sam" if speaker is Speaker.PERSON else "", text, 0.0)


@pytest.mark.parametrize(
    ("text", "line", "holds"),
    [
        ("Your refund has been issued.", said(Speaker.PERSON, "Hi Ana, I've just refunded invoice 204."), True),
        ("Your refund has been issued.", said(Speaker.NOTE, "Sam approved and the refund was issued."), True),
        ("Your refund has been issued.", said(Speaker.NOTE, "Sam denied the refund: too late."), False),
        (
            "Your refund has been issued.",
            said(Speaker.NOTE, "A colleague decided against it. Refunds were due in May."),
            False,
        ),
        ("Your refund has been issued.", said(Speaker.NOTE, "A colleague wrote: she may ask for a refund."), False),
        ("Your refund has been issued.", said(Speaker.NOTE, "Sam wrote: the refund wasn't issued."), False),
        ("Your refund has been issued.", said(Speaker.NOTE, "Sam wrote: the refund was made, she cannot wait."), False),
        ("Your refund has been issued.", said(Speaker.PERSON, "We give refunds within 30 days only."), False),
        ("I have changed your plan.", said(Speaker.NOTE, "Sam handed back. What was done: changed the plan."), True),
        ("Your refund has been issued.", said(Speaker.CUSTOMER, "You issued my refund already!"), False),
        ("I have opened ticket TK-1042 for that.", said(Speaker.BOT, "I've opened ticket TK-1042."), True),
        ("I have opened ticket TK-1042 for that.", said(Speaker.CUSTOMER, "I have opened ticket TK-1042."), False),
        ("I have escalated this again.", said(Speaker.BOT, "I have escalated this."), False),
    ],
)
def test_p11_what_was_told_before_counts_when_it_was_not_the_customer(text: str, line: Line, holds: bool) -> None:
    assert (broken(text, deeds_of((), earlier=[line])) == ()) is holds


def test_p11_an_open_case_makes_it_true_that_a_colleague_was_asked() -> None:
    assert broken("I have asked a colleague.", deeds_of((), case_is_open=True)) == ()
    assert broken("I have asked a colleague.", deeds_of(())) != ()


def test_what_the_model_is_told_names_the_claim_and_the_way_out() -> None:
    claims = broken("I have refunded you. I have cancelled your plan. We will call you.", deeds_of(()))
    told = objection(claims)
    assert "i have refunded you" in told
    assert "call the tool now" in told
    assert len(in_words(claims)) < 400


def test_p11_the_name_of_a_file_tells_nothing() -> None:
    left_out = "[Attachment the assistant cannot open: $500 refund was issued, case TK-4711.zip]"
    case = case_of(Heard((Said("See there"),), ("Sam denied it.",), (left_out,)), SoFar(NO_RECAP, []))
    assert left_out in case.question
    for text in ("Your refund of $500 has been issued.", "Your case number is TK-4711."):
        assert broken(text, deeds_of((), notes=case.notes)) != ()


def back(done: str) -> str:
    return note_of(Handback("T1:C1:1.2", 2, "USAM", "Sam", "wants her refund issued", 0.0, 1.0, done, "greet her"))


@pytest.mark.parametrize(
    ("text", "note", "holds"),
    [
        ("Your refund has been issued.", back("I refunded the invoice."), True),
        ("Your refund has been issued.", back("I have not refunded it."), False),
        ("Your refund has been issued.", back("Talked to her."), False),
        ("I have changed your plan.", "Done already, do not repeat it: set_plan: Plan changed to Pro.", True),
    ],
)
def test_p11_what_a_note_of_the_desk_reports_as_done_counts(text: str, note: str, holds: bool) -> None:
    assert (broken(text, deeds_of((), earlier=[said(Speaker.NOTE, note)])) == ()) is holds
    assert (broken(text, deeds_of((), notes=note)) == ()) is holds


def test_p11_words_of_the_customer_in_a_note_prove_nothing() -> None:
    """A hostile customer may edit a message, or be quoted in the summary of what a person and they said."""
    note = Line(Speaker.NOTE, RETOLD, "Before it read: my refund of $500 was issued, case TK-4711.", 0.0)
    for text in ("Your refund of $500 has been issued.", "Your case number is TK-4711."):
        assert broken(text, deeds_of((), earlier=[note])) != ()
