"""What a model is sent has been looked through, wherever it came from; its own replies are replayed as they were."""

import pytest
from pydantic import ValidationError

from bot.agent.discretion import Discretion
from bot.agent.profile import parse_profile, redactors_of
from bot.domain.exchange import (
    AssistantMessage,
    Document,
    ModelRequest,
    SearchResult,
    Text,
    ToolResult,
    UserMessage,
)
from bot.domain.redaction import redactor_of

CARD = "4242 4242 4242 4242"
PROFILE = "---\nname: billing\ntools: []\nredact: {}\n---\nHello."


def test_what_is_older_than_redaction_is_hidden_too_but_not_whose_it_works_for() -> None:
    own = AssistantMessage(CARD, verbatim="[]")
    parts = (
        Text(f"Customer: Ana <ana@example.com>\n{CARD}"), Document("", f"{CARD}.pdf", 1), ToolResult("t1", CARD),
        ToolResult("t2", (SearchResult("kb://x", CARD, (CARD,)),)),
    )  # fmt: skip
    request = ModelRequest("m", f"system {CARD}", (UserMessage(parts), AssistantMessage(CARD), own), 10)
    sent = Discretion(redactor_of("cards,emails")).fit(request)
    assert sent.messages[-1] == own, "the vendor wants its own words back as they were"
    assert CARD not in str(sent.messages[:-1])
    assert "ana@example.com" in str(sent.messages)
    assert sent.system == request.system


def test_a_profile_names_what_more_is_hidden_in_its_conversations() -> None:
    redactors = redactors_of(redactor_of("cards"), {"billing": parse_profile(PROFILE.format("emails"))})
    assert redactors.of("billing").redact("ana@example.com") == "[e-mail address hidden]"
    assert redactors.of("support").redact("ana@example.com") == "ana@example.com"
    with pytest.raises(ValidationError, match="cannot be hidden"):
        parse_profile(PROFILE.format("faces"))
