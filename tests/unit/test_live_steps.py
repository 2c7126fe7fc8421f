"""The steps of a run as cards, and as what is appended to a stream."""

import pytest

from bot.desk.live import WRITING, Steps
from bot.domain.effects import Progress, StepCard, StepState
from bot.slack.render.live import first_card, live_line, pieces, progress_chunks, text_chunk, weight


def states(steps: Steps) -> dict[str, StepState]:
    return {card.words: card.state for card in steps.news()}


def test_a_step_is_done_when_the_next_one_begins() -> None:
    steps = Steps()
    steps.now(0, "Reading")
    steps.now(1, "Searching")
    steps.now(2, "Thinking")
    assert states(steps) == {"Searching": StepState.COMPLETE, "Thinking": StepState.IN_PROGRESS}


def test_a_step_is_renamed_when_it_is_known_what_it_does() -> None:
    steps = Steps()
    steps.now(1, "Thinking")
    steps.now(1, "Searching the help centre")
    assert states(steps) == {"Searching the help centre": StepState.IN_PROGRESS}


def test_what_was_shown_is_not_shown_again() -> None:
    steps = Steps()
    steps.now(1, "Searching")
    steps.are_shown(steps.news())
    assert steps.news() == ()
    steps.now(2, "Thinking")
    assert [card.id for card in steps.news()] == ["step-1", "step-2"]


@pytest.mark.parametrize(
    ("answered", "words", "state"),
    [(True, WRITING, StepState.COMPLETE), (False, "Thinking", StepState.ERROR)],
)
def test_at_the_end_nothing_is_left_in_progress(answered: bool, words: str, state: StepState) -> None:
    steps = Steps()
    steps.now(1, "Searching")
    steps.now(2, "Thinking")
    steps.finish(WRITING if answered else "")
    assert states(steps) == {"Searching": StepState.COMPLETE, words: state}


def test_a_step_that_came_to_nothing_stays_so() -> None:
    steps = Steps()
    steps.now(1, "Looking up the account")
    steps.failed()
    steps.now(2, "Thinking")
    steps.finish(WRITING)
    assert states(steps) == {"Looking up the account": StepState.ERROR, WRITING: StepState.COMPLETE}


def test_nothing_was_begun_so_nothing_is_shown() -> None:
    steps = Steps()
    steps.finish(WRITING)
    assert steps.news() == ()


def test_the_first_card_says_what_the_line_says() -> None:
    [chunk] = first_card("_Looking into it…_")
    assert (chunk["title"], chunk["status"]) == ("Looking into it", "in_progress")
    assert first_card("…")[0]["title"] == "Working"


def test_the_headline_tells_steps_and_cost() -> None:
    card = StepCard("step-2", "Searching", StepState.IN_PROGRESS)
    headline, *cards = progress_chunks(Progress("Searching", "step 2/25 · $0.004", (card,)))
    assert headline == {"type": "plan_update", "title": "Step 2/25 · $0.004"}
    assert [c["id"] for c in cards] == ["step-2"]
    assert live_line(Progress("Searching", "step 2/25 · $0.004"))["text"] == "_Searching…_  ·  step 2/25 · $0.004"


def test_bytes_are_counted_not_characters() -> None:
    assert weight([text_chunk("Grüße"), {"type": "task_update", "id": "x", "title": "ß", "details": "é"}]) == 11


@pytest.mark.parametrize("size", [1, 40, 10_000])
@pytest.mark.parametrize(
    "text",
    [
        "One paragraph.",
        "One.\n\nTwo.\n\n\n\nThree.",
        "\n\nleading",
        "trailing\n\n",
        "```\ncode\n\nmore\n```\n\nend",
        "ß\n\n" * 60,
    ],
)
def test_the_pieces_of_a_text_are_the_text(text: str, size: int) -> None:
    found = pieces(text, size)
    assert "".join(found) == text
    assert all(piece.endswith("\n\n") for piece in found[:-1])
    assert all(len(piece.encode()) >= size for piece in found[:-1])
