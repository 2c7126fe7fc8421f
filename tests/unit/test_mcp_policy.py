"""What the policy and the profiles say of tools of MCP servers."""

import pytest

from bot.agent.consents import with_consents
from bot.agent.policy import Policy, load_policy, parse_policy
from bot.agent.profile import parse_profile
from bot.config import Settings, SettingsError
from bot.domain.principal import Principal, Role
from bot.workspaces.plan import Plan
from tools.catalogue import ARGUMENTS

SHIPPED = load_policy("", ARGUMENTS)
SAM = Principal("T1", "U1", Role.STAFF, "Sam", "sam@fernway.example")
SPECIAL = '[[gate]]\ntool = "files__delete"\nwhy = "Deleting needs a person."\n\n'
GENERAL = '[[gate]]\ntool = "mcp:*"\nwhy = "Not marked as safe."\n'


def asks(policy: Policy, tool: str) -> bool:
    return policy.gate_for(tool, "{}", SAM) is not None


def policy(text: str) -> Policy:
    return parse_policy(text, ARGUMENTS)


def test_consent_never_sets_nothing_aside_but_the_general_rule() -> None:
    free = with_consents(policy(SPECIAL + GENERAL), {"files": "never"})
    assert not asks(free, "files__read")
    assert asks(free, "files__delete")
    assert asks(free, "web__read")
    assert not asks(with_consents(SHIPPED, {"files": "never"}), "files__read")


@pytest.mark.parametrize(
    "late", ['tool = "mcp:files__delete"', 'tool = "*"\nwhen = [{ field = "query", op = "==", value = "all" }]']
)
def test_consent_never_sets_no_rule_aside_that_stands_after_the_general_one(late: str) -> None:
    free = with_consents(policy(f'{GENERAL}\n[[gate]]\n{late}\nwhy = "Deleting needs a person."\n'), {"files": "never"})
    assert free.gate_for("files__delete", '{"query": "all"}', SAM) is not None
    assert free.gate_for("files__read", '{"query": "some"}', SAM) is None
    assert asks(free, "web__read")
    assert free.version != policy(GENERAL).version


def test_consent_always_asks_whatever_the_file_allows() -> None:
    allowed = '[[gate]]\ntool = "mcp:files__*"\ndecision = "allow"\n\n' + GENERAL
    assert not asks(policy(allowed), "files__read")
    assert asks(with_consents(policy(allowed), {"files": "always"}), "files__read")
    assert asks(with_consents(policy(""), {"files": "always"}), "files__read")
    assert with_consents(SHIPPED, {"files": "policy"}).version == SHIPPED.version
    assert with_consents(SHIPPED, {"files": "always"}).version != SHIPPED.version, "older approvals hold no longer"


def test_a_server_whose_name_begins_like_anothers_is_another() -> None:
    free = with_consents(policy(GENERAL), {"file": "never"})
    assert asks(free, "files__read")
    assert asks(free, "file_x__read")


def test_patterns_for_servers_are_about_no_tool_of_our_own() -> None:
    strict = policy('[[gate]]\ntool = "mcp:*"\nwhy = "Everything of others."\n')
    assert not any(asks(strict, name) for name in ARGUMENTS)
    assert not any("__" in name for name in ARGUMENTS)


def test_limits_can_be_about_tools_of_servers() -> None:
    limited = policy('[roles.boss]\nadmins = true\n[[limit]]\ntool = "mcp:files__*"\nrole = "boss"\n')
    assert limited.file.limit[0].tool == "mcp:files__*"


def test_a_profile_names_all_tools_of_a_server_at_once() -> None:
    profile = parse_profile("---\nname: x\ntools: [search_knowledge_base, files__*]\n---\nHello.")
    assert profile.has("files__read")
    assert not profile.has("web__read")
    assert not profile.has("create_ticket")


def test_tools_of_servers_may_be_used_for_outsiders_when_they_are_named() -> None:
    Plan.check(Settings.model_validate({"EXTERNAL_TOOLS": "search_knowledge_base,weather__*"}))
    with pytest.raises(SettingsError):
        Plan.check(Settings.model_validate({"EXTERNAL_TOOLS": "weather"}))
