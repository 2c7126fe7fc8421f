"""What the model reads of a search."""

import pytest

from bot.domain.exchange import SearchResult
from tests.fakes.tools import HeldClock, asked_by
from tools.base import ToolOutput
from tools.guards import Guards
from tools.knowledge_base.band import Band
from tools.knowledge_base.tool import Findings, Question, SearchArguments, SearchKnowledgeBase

REFUNDS = SearchResult("https://help.example/refunds", "Refunds", ("Within 30 days.",), "Updated 2026-11-01.")
CARDS = SearchResult("kb://cards", "Cards", ("By card.",))


class Fixed:
    """Finds what it was told to."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.asked: list[Question] = []

    async def search(self, question: Question) -> Findings:
        self.asked.append(question)
        return self.findings

    async def recall(self, question: Question) -> Findings:
        return self.findings


async def ask(band: Band, *results: SearchResult, category: str = "any") -> ToolOutput:
    guards = Guards(HeldClock().instruments)
    tool = SearchKnowledgeBase(Fixed(Findings(band, results)), guards.of("knowledge_base"))
    arguments = SearchArguments.model_validate({"query": "How is a refund requested?", "category": category})
    return await tool.run(arguments, tool.tool().stamped(asked_by("ana@cobalt-studio.example")))


async def test_beside_the_first_article_stands_that_the_match_is_strong() -> None:
    output = await ask(Band.STRONG, REFUNDS, CARDS)
    assert [result.about for result in output.content] == ["Updated 2026-11-01. Match: strong.", ""]
    assert output.note == "strong: Refunds; Cards"


async def test_a_weak_match_says_what_to_do_when_nothing_answers() -> None:
    first, second = (await ask(Band.WEAK, CARDS, REFUNDS)).content
    assert "Match: weak" in first.about
    assert "offer to ask a human" in first.about
    assert second == REFUNDS


@pytest.mark.parametrize("category", ["any", "billing"])
async def test_below_weak_the_tool_says_that_nothing_was_found(category: str) -> None:
    output = await ask(Band.NONE, category=category)
    assert isinstance(output.content, str)
    assert "No article fits" in output.content
    assert "do not answer from memory" in output.content
    assert output.note == "nothing found"
