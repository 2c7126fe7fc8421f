"""What the operator says of whole MCP servers becomes rules of the policy.

`always` asks before every rule of the file. `never` sets the file's general rule `mcp:*` aside for the server, and no
other, wherever they stand.
"""

from collections.abc import Iterable, Mapping

from bot.agent.outside import ALL, MARK, is_meant
from bot.agent.policy import Policy, Rule
from bot.domain.principal import Principal

_WHY = "Every call of a tool of this MCP server needs a person."


class _General(Rule):
    """The general rule, but for some servers."""

    spared: tuple[str, ...]
    """Patterns of their tools."""

    def is_about(self, tool: str, principal: Principal) -> bool:
        """As of any rule, for the tools that are not spared."""
        return super().is_about(tool, principal) and not any(is_meant(tool, pattern) for pattern in self.spared)


def with_consents(policy: Policy, consents: Mapping[str, str]) -> Policy:
    """The policy with `always` and `never` of servers, by name; other words leave it to the file."""
    asked = (Rule(tool=pattern, why=_WHY) for pattern in _tools_of(consents, "always"))
    spared = tuple(_tools_of(consents, "never"))
    gates = (_sparing(rule, spared) if spared and rule.tool == ALL else rule for rule in policy.file.gate)
    return Policy(policy.file.model_copy(update={"gate": (*asked, *gates)}))


def _sparing(rule: Rule, spared: tuple[str, ...]) -> Rule:
    return _General(**dict(rule), spared=spared)


def _tools_of(consents: Mapping[str, str], wanted: str) -> Iterable[str]:
    return (f"{MARK}{server}__*" for server in sorted(consents) if consents[server] == wanted)
