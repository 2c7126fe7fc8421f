"""Whether the bot may speak: a table of threads."""

import pytest

from bot.domain.conversation import Line, Speaker, Surface
from bot.domain.floor import TALK_SECONDS, Words, is_between_people

NOW = 1_800_000_000.0
BOT, ANA, BO, SAM = "bot", "Ana", "Bo", "Sam"


def line(who: str, seconds_ago: float = 60.0) -> Line:
    speaker = {BOT: Speaker.BOT, SAM: Speaker.PERSON, "note": Speaker.NOTE}.get(who, Speaker.CUSTOMER)
    return Line(speaker, "" if speaker in (Speaker.BOT, Speaker.NOTE) else who, "…", NOW - seconds_ago)


def waits(name: str, before: str, text: str = "And the limit?", **more: object) -> bool:
    said = Words(name, (text,), bool(more.get("mentions")), bool(more.get("colleague")), more.get("others", ()))  # type: ignore[arg-type]  # names
    return is_between_people(Surface.CHANNEL, said, [line(who) for who in before.split()], NOW)


@pytest.mark.parametrize(
    ("before", "name", "must_wait"),
    [
        ("", ANA, False),  # the first word
        ("Ana bot", ANA, False),  # a follow-up
        ("Ana bot", BO, False),  # somebody else follows up on the bot's words
        ("Ana bot Bo", ANA, True),  # Ana answers Bo
        ("Ana bot Bo Ana", BO, True),
        ("Ana bot Bo Ana", ANA, True),
        ("Ana bot Bo Ana bot", ANA, False),  # the bot was asked, and answered
        ("Ana bot Ana", ANA, False),  # nobody else is there
        ("Ana", ANA, False),  # stopped, and asked again
        ("Ana bot Sam", ANA, True),  # a colleague has spoken
        ("Ana bot Sam Ana note", ANA, False),  # handed back
    ],
)
def test_the_bot_waits_while_two_people_talk(before: str, name: str, *, must_wait: bool) -> None:
    assert waits(name, before) is must_wait


def test_whoever_turns_to_the_bot_is_answered_whoever_talked_before() -> None:
    assert not waits(ANA, "Ana bot Bo", mentions=True)
    assert not waits(SAM, "Ana bot Bo", mentions=True, colleague=True)


def test_words_for_somebody_named_and_words_of_a_colleague_are_not_for_the_bot() -> None:
    assert waits(ANA, "Ana bot", "<@U0BO> what do you think?")
    assert waits(SAM, "Ana bot", "I'll look at it.", colleague=True)


def test_another_persons_words_that_wait_already_make_it_a_talk() -> None:
    assert waits(BO, "Ana bot", others=("U0ANA",))
    assert not waits(BO, "Ana bot", mentions=True, others=("U0ANA",))


def test_a_talk_that_ended_long_ago_keeps_nobody_waiting() -> None:
    said = Words(ANA, ("Hello again",), mentions_bot=False, is_colleague=False)
    old = [line(BOT, TALK_SECONDS + 90), line(BO, TALK_SECONDS + 60)]
    assert not is_between_people(Surface.CHANNEL, said, old, NOW)
    assert is_between_people(Surface.CHANNEL, said, [*old, line(BO, 60)], NOW)


def test_in_a_direct_message_everything_is_for_the_bot() -> None:
    said = Words(ANA, ("<@U0BO> hm",), mentions_bot=False, is_colleague=False)
    assert not is_between_people(Surface.DM, said, [line(BO)], NOW)
