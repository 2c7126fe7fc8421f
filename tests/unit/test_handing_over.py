"""What is the same case, how long words are carried, what is told to the agent and to the operator."""

import pytest

from bot.agent.human_part import PLAIN_CHARS, Words, plainly
from bot.cli.csat import describe
from bot.desk.doorway import seems_to_answer
from bot.desk.handed_back import is_same, note_of
from bot.desk.relay import MOST_PIECES, PIECE_CHARS, piece_keys, pieces
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.handover import Handback, Rating
from bot.domain.incoming import MessageReceived, Rated, Reacted
from bot.slack import names
from bot.slack.identity import Identity
from bot.slack.parse import parse

ME = Identity("T1", "B0BOT", "U0BOT")
THREAD = ThreadKey("T1", "C1", "1.0")
TALK = Conversation(THREAD, Surface.CHANNEL, Standing.BOT, None, 1, "support", "", "U0ANA", 0.0)


def reply(text: str = "Hi Ana", user: str = "U0SAM", *, mentions_bot: bool = False) -> MessageReceived:
    return MessageReceived(
        THREAD, Surface.CHANNEL, "2.0", user, text, mentions_bot=mentions_bot, is_root=False, author_team="T1"
    )


@pytest.mark.parametrize(
    ("message", "is_answer"),
    [
        (reply(), True),
        (reply("<@U0ANA> this is how"), True),
        (reply("<@U0GRACE> do you know?"), False),
        (reply("// a note"), False),
        (reply(mentions_bot=True), False),
        (reply(user="U0ANA"), False),
    ],
)
def test_only_words_for_the_customer_seem_to_be_an_answer(message: MessageReceived, is_answer: bool) -> None:
    assert seems_to_answer(message, TALK) is is_answer


def test_a_reason_is_the_same_when_most_of_its_words_are() -> None:
    assert is_same("The customer disputes a charge.", "the customer disputes a second charge")
    assert not is_same("The export fails with EX-17", "the customer disputes a charge")
    assert is_same("", "")
    assert not is_same("", "refund")


def test_long_words_are_carried_in_pieces_and_none_is_lost() -> None:
    text = "word " * 2_000
    carried = list(pieces(piece_keys("k"), text))
    assert [key for key, _ in carried][:2] == ["k", "k:2"]
    assert all(len(piece) <= PIECE_CHARS for _, piece in carried)
    assert "".join(piece for _, piece in carried) == text
    endless = list(pieces(piece_keys("k"), "x" * PIECE_CHARS * (MOST_PIECES + 2)))
    assert len(endless) == MOST_PIECES
    assert sum(len(piece) for _, piece in endless) == PIECE_CHARS * (MOST_PIECES + 2), "the last holds the rest"
    assert list(pieces(piece_keys("k"), "")) == []


def test_the_note_about_a_hand_back_says_what_was_done_and_that_the_case_is_settled() -> None:
    note = note_of(Handback("c", 2, "U9", "Sam", "a refund", 0, 1, "Refunded it", "Tell her"))
    assert "What was done: Refunded it" in note
    assert "do next: Tell her" in note
    assert "settled (a refund): do not hand over again" in note


def test_a_talk_told_plainly_keeps_its_end() -> None:
    told = plainly([Words("Ana", "x" * 3 * PLAIN_CHARS, is_customer=True), Words("Sam", "done!", is_customer=False)])
    assert told.startswith("(beginning left out)")
    assert told.endswith("colleague Sam: “done!”")


def test_csat_is_told_with_its_distribution_and_comments() -> None:
    found = [
        Rating(f"E{n}", "T1:C1:1.0", "U1", stars, "slow" if stars < 3 else "", 0, 0)
        for n, stars in enumerate((5, 4, 2))
    ]
    text = "\n".join(describe(found, 7))
    assert "3 ratings in 7 days: 3.67 of 5 on average, CSAT 67%" in text
    assert "★★☆☆☆  slow" in text
    assert list(describe([], 7)) == ["Nobody has rated a case in the last 7 days."]


def event(**inner: object) -> dict[str, object]:
    return {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": inner}


def test_a_reaction_is_read_and_our_own_is_not() -> None:
    item = {"type": "message", "channel": "C1", "ts": "2.0"}
    read = parse(event(type="reaction_added", user="U0SAM", reaction="lock::skin-tone-2", item=item), ME)
    assert read == Reacted("T1", "C1", "2.0", "U0SAM", "lock", "Ev1")
    assert parse(event(type="reaction_added", user="U0BOT", reaction="lock", item=item), ME) is None
    assert parse(event(type="reaction_added", user="U0SAM", reaction="lock", item={"type": "file"}), ME) is None


def test_stars_and_comments_are_read() -> None:
    press = {
        "type": "block_actions", "user": {"id": "U0ANA", "team_id": "T1"}, "trigger_id": "t1", "channel": {"id": "C1"},
        "message": {"thread_ts": "1.0"}, "actions": [{"action_id": f"{names.RATE}4", "value": "esc-1"}],
    }  # fmt: skip
    assert parse(press, ME) == Rated("esc-1", "T1", "U0ANA", "C1", "1.0", "t1", 4)
    press["actions"] = [{"action_id": f"{names.RATE}9", "value": "esc-1"}]
    assert parse(press, ME) is None
    form = {
        "type": "view_submission", "user": {"id": "U0ANA", "team_id": "T1"},
        "view": {
            "id": "V1", "callback_id": names.COMMENT_FORM, "private_metadata": '{"e": "esc-1", "c": "C1", "t": "1.0"}',
            "state": {"values": {names.NOTE_BLOCK: {names.NOTE_INPUT: {"value": " quick "}}}},
        },
    }  # fmt: skip
    assert parse(form, ME) == Rated("esc-1", "T1", "U0ANA", "C1", "1.0", "V1", comment="quick")
