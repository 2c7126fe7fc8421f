"""A suggestion under a card: everything that would be accepted can be read, by eye and by ear."""

import re
from dataclasses import replace

from bot.domain.effects import Place, ShowLesson
from bot.domain.lesson import ANSWER_MAX, Draft, Lesson
from bot.slack.render.lesson import lesson_message

ANSWER = "Press Share & print. <!channel> " * 120 + "THE END"
LESSON = Lesson("L1", "T1", "E1", "T1:C1:1.0", Draft("Print", "How?", ANSWER[-ANSWER_MAX:]), "en", "Sam", 1.0)


def shown(lesson: Lesson) -> tuple[str, str]:
    content = lesson_message(ShowLesson(Place("T1", "C9"), lesson))
    for block in content["blocks"]:
        assert len(block.get("text", {}).get("text", "")) <= 3_000
    return content["text"], str(content["blocks"])


def test_the_whole_answer_is_shown_before_somebody_accepts_it() -> None:
    spoken, seen = shown(LESSON)
    assert "THE END" in seen
    assert "<!channel>" not in seen + spoken
    assert spoken.startswith("Suggested from a colleague's answer: Print. How? Press Share")


def test_a_screen_reader_says_first_what_became_of_it() -> None:
    spoken, seen = shown(replace(LESSON, audience="internal", article_by="U0SAM", is_case=True, case_by="U0LEO"))
    assert spoken.startswith("Added to the articles for staff. Made a test case. Suggested from")
    assert "by <@U0SAM>" in seen
    assert re.findall(r"lesson_[a-z]+", seen) == ["lesson_back"]


def test_of_what_was_dismissed_only_that_is_left() -> None:
    spoken, seen = shown(replace(LESSON, draft=Draft("", "", ""), dismissed_by="U0SAM"))
    assert spoken == "A suggestion that was dismissed."
    assert "dismissed by <@U0SAM>" in seen
    assert "button" not in seen
