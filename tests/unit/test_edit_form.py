"""The form in which a proposal is changed: nothing of it gets lost on the way, and it fits into Slack's limits."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.escalation import Proposal
from bot.domain.incoming import ProposalEdited, QuestionAsked
from bot.domain.revision import CallField
from bot.sandbox.forms import fill
from bot.sandbox.strict import view_problems
from bot.slack.identity import Identity
from bot.slack.parse_consent import edited, question
from bot.slack.render.ask_form import ask_form
from bot.slack.render.edit_form import EditContext, edit_form, lost_words, put_together, split_exactly
from bot.slack.render.forms import FormContext
from tests.fakes.cases import open_case, refund_case, view_of

ME = Identity("T0FERNWAY", "B0DESKHAND", "U0DESKHAND")
WHERE = FormContext("esc1", "C0STAFF", "1.0")
FIELDS = (
    CallField("amount_usd", "Amount (USD)", "number", "150.00"),
    CallField("reason", "Reason", "text", "charged twice"),
    CallField("priority", "Priority", "choice", "low", ("low", "high")),
)
WORDS = st.text(alphabet=st.sampled_from("ab .\n"), max_size=200)
LONG = st.builds(lambda piece, times: piece * times, WORDS, st.integers(0, 100))


def sent(view: dict[str, Any], **values: str | list[str]) -> dict[str, Any]:
    """As Slack sends a filled form."""
    assert fill(view, values) == {}
    return {"type": "view_submission", "view": {"id": "V1", **view}, "user": {"id": "U0SAM", "team_id": "T0FERNWAY"}}


@given(LONG)
def test_a_reply_of_any_length_comes_back_as_it_was(text: str) -> None:
    pieces, joints = split_exactly(text)
    assert all(len(piece) <= 2400 for piece in pieces)
    joined = pieces[0]
    for piece, joint in zip(pieces[1:], joints, strict=True):
        joined += joint + piece
    assert joined == text


@settings(deadline=None)
@given(st.text(alphabet="abc ", min_size=1, max_size=60).map(lambda w: f"Dear Ana. {w}\n\n" * 150))
def test_an_untouched_form_of_a_long_reply_changes_nothing(text: str) -> None:
    reply = text.strip()
    view = edit_form(view_of(open_case(reply)), (), WHERE)
    assert not view_problems(view)
    edit = edited(sent(view), ME)
    assert edit is not None
    assert edit.text == reply


def test_a_piece_that_was_emptied_takes_its_joint_along() -> None:
    assert put_together(["one", "", "three"], ("\n\n", "\n\n")) == "one\n\nthree"
    assert put_together(["", "two"], ("\n\n",)) == "two"


def test_the_form_of_a_call_has_a_field_of_its_kind_for_each_argument() -> None:
    view = edit_form(view_of(refund_case()), FIELDS, WHERE)
    assert not view_problems(view)
    filled: dict[str, str | list[str]] = {"argument:amount_usd": "120", "argument:priority": "high", "now": ["yes"]}
    body = sent(view, **filled)
    edit = edited(body, ME)
    assert edit == ProposalEdited(
        "esc1", "T0FERNWAY", "U0SAM", "C0STAFF", "1.0", "V1", 1,
        arguments=(("amount_usd", "120"), ("reason", "charged twice"), ("priority", "high")),
        approve=True, user_team="T0FERNWAY",
    )  # fmt: skip


def test_a_form_that_is_shown_again_holds_what_was_written_and_the_new_version() -> None:
    now = replace(refund_case(), version=7)
    view = edit_form(view_of(now), FIELDS, WHERE, note="Changed meanwhile.", written={"amount_usd": "99"})
    assert not view_problems(view)
    edit = edited(sent(view), ME)
    assert edit is not None
    assert edit.version == 7
    assert dict(edit.arguments)["amount_usd"] == "99"
    assert "Changed meanwhile." in str(view["blocks"][0])


@settings(deadline=None)
@given(LONG)
def test_words_that_could_not_be_taken_are_given_back_whatever_they_are(text: str) -> None:
    assert not view_problems(lost_words("Too late.", text))


def test_a_question_is_for_the_customer_unless_a_colleague_is_named() -> None:
    view = ask_form(view_of(open_case()), WHERE)
    assert not view_problems(view)
    asked = question(sent(view, text="Which invoice?"), ME)
    assert asked == QuestionAsked(
        "esc1", "T0FERNWAY", "U0SAM", "C0STAFF", "1.0", "V1", "Which invoice?", "", "T0FERNWAY"
    )
    view = ask_form(view_of(open_case()), WHERE)
    asked = question(sent(view, text="Which invoice?", whom="U0LEO"), ME)
    assert asked is not None
    assert asked.of == "U0LEO"


def test_forms_that_are_not_ours_mean_nothing() -> None:
    body = sent(ask_form(view_of(open_case()), WHERE), text="Which invoice?")
    assert edited(body, ME) is None
    body["view"]["callback_id"] = "form_deny"
    assert question(body, ME) is None
    for metadata in (None, "", "x", "{}", '{"e":"esc1","c":"C1","v":"1","j":[]}', '{"e":"esc1","c":"C1","v":1}'):
        assert EditContext.load(metadata) is None
    assert Proposal("x").words == "x"
