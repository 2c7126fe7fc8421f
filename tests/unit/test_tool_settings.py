"""`resilience` in the front matter of a profile."""

import pytest
from pydantic import ValidationError

import prompts
from bot.agent.profile import Profile, ProfileError, load_profile, parse_profile
from bot.agent.tool_settings import SettingsBook
from tests.fakes.tools import asked_by
from tools.base import ToolContext
from tools.breaker import Rules
from tools.resilience import STANDARD, Policy


def profile(settings: str, tools: str = "create_ticket, lookup_customer, files__*") -> Profile:
    return parse_profile(f"---\nname: x\ntools: [{tools}]\nresilience:\n{settings}\n---\nHello")


def adapted(settings: str, tool: str, of_profile: str = "x", policy: Policy = STANDARD) -> Policy:
    book = SettingsBook({"x": profile(settings).resilience})
    base = asked_by("ana@cobalt-studio.example")
    context = ToolContext(base.principal, "T1:C1:1.0", "run_1", "tu", 0, profile=of_profile, tool=tool)
    return book.adapt(context, policy)


def test_a_tool_is_tried_as_its_profile_says() -> None:
    mine = adapted(
        "  create_ticket: {attempts: 2, attempt_seconds: 8, total_seconds: 20.5, breaker_failures: 3,"
        " breaker_window_seconds: 30, breaker_seconds: 10, breaker_first_seconds: 1,"
        " at_once: 4}",
        "create_ticket",
    )
    assert (mine.attempts, mine.attempt_seconds, mine.total_seconds, mine.at_once) == (2, 8, 20.5, 4)
    assert mine.breaker == Rules(3, 30, 10, 1, STANDARD.breaker.grace_seconds)


def test_what_is_not_said_stays_as_the_back_end_has_it() -> None:
    slow = Policy(attempts=5, attempt_seconds=9.0, total_seconds=60.0, safe_to_repeat=False)
    mine = adapted("  create_ticket: {attempts: 2}", "create_ticket", policy=slow)
    assert (mine.attempts, mine.attempt_seconds, mine.total_seconds, mine.safe_to_repeat) == (2, 9.0, 60.0, False)


def test_the_star_is_for_all_others_of_the_profile_and_for_no_other_profile() -> None:
    settings = '  "*": {attempts: 1}\n  lookup_customer: {attempts: 4}'
    assert adapted(settings, "create_ticket").attempts == 1
    assert adapted(settings, "lookup_customer").attempts == 4
    assert adapted(settings, "create_ticket", of_profile="other") == STANDARD


def test_tools_of_servers_can_be_named_one_by_one_and_all_together() -> None:
    settings = '  "*": {attempts: 4}\n  files__*: {attempts: 2}\n  files__read: {attempts: 1}'
    assert adapted(settings, "files__read").attempts == 1
    assert adapted(settings, "files__write").attempts == 2
    assert adapted(settings, "create_ticket").attempts == 4


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("  create_ticket: {attempts: 0}", "greater than or equal to 1"),
        ("  create_ticket: {attempts: yes}", "valid integer"),
        ("  create_ticket: {attempt_seconds: .inf}", "less than or equal to 300"),
        ("  create_ticket: {breaker_window_seconds: 5}", "raise breaker_window_seconds, or lower breaker_grace_second"),
        ("  create_ticket: {breaker_grace_seconds: 601}", "less than or equal to 600"),
        ("  create_ticket: {attempts: 11}", "less than or equal to 10"),
        ("  create_ticket: {retries: 2}", "Extra inputs are not permitted"),
        ("  create_ticket: {total_seconds: 3}", "raise total_seconds, or lower attempt_seconds"),
        ("  issue_refund: {attempts: 1}", "this profile has no tool 'issue_refund'; name one of create_ticket"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(settings: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        profile(settings)


def test_what_is_no_yaml_is_told_with_file_line_and_the_usual_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "---\nname: support\ntools: [a]\nresilience:\n  *: {attempts: 2}\n---\nHello"
    monkeypatch.setattr(prompts, "read", lambda _: text)
    with pytest.raises(ProfileError) as wrong:
        load_profile("support")
    [line] = wrong.value.lines
    assert line.startswith("prompts/agents/support.md: line 5, column 4: the front matter is not YAML")
    assert 'Put a name like "*" in quotes' in line


def test_an_operator_reads_file_key_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "---\nname: support\ntools: [a]\nresilience:\n  a: {atempts: 2}\n---\nHello"
    monkeypatch.setattr(prompts, "read", lambda _: text)
    with pytest.raises(ProfileError) as wrong:
        load_profile("support")
    [line] = wrong.value.lines
    assert line.startswith("prompts/agents/support.md: resilience.a.atempts: Extra inputs are not permitted.")
    assert "mend its spelling" in line
