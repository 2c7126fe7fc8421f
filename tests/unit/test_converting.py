"""A document that breaks a parser."""

import logging

import pytest

from tools.knowledge_base.articles import BrokenArticleError
from tools.knowledge_base.sources.converting import converted


def test_a_slip_of_a_parsers_is_logged_and_costs_its_document_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(BrokenArticleError, match=r"^cannot be read \(ValueError\)$"):
        converted(lambda: int("words of the document"))
    assert [one.message for one in caplog.records] == ["knowledge.document_not_read"]


def test_a_broken_document_says_why_and_a_good_one_is_what_was_made_of_it() -> None:
    def refuse() -> None:
        raise BrokenArticleError("no text")

    with pytest.raises(BrokenArticleError, match=r"^no text$"):
        converted(refuse)
    assert converted(lambda: "text") == "text"
