"""What needs a person: rules on tool, arguments and principal, read from `prompts/policy.toml` or POLICY_FILE.

Pure and closed by default: the first rule that fits decides, and an argument that a rule asks about but that is missing
or unreadable counts as a fit. The version is a hash of the rules; an approval holds only under the version it was given
under. A sum per day is known to the tool's back-end alone, so the policy gives it an allowance to keep in its own
transaction.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError, model_validator

import prompts
from bot.agent.approvals import ApprovalRules
from bot.agent.outside import is_meant, is_of_servers
from bot.domain.errors import DeskhandError
from bot.domain.escalation import Team
from bot.domain.principal import Principal, Role
from tools.base import Arguments

NEVER_HELD_UP = frozenset({"escalate_to_human", "limit_own_budget"})
"""Asking people, and allowing oneself less, need nobody's consent."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_WILD = frozenset("*?[")
_FROZEN = ConfigDict(extra="forbid", frozen=True)
Json = dict[str, object]


class PolicyError(DeskhandError):
    """The policy cannot be used; one sentence per fault: file, rule, what is wrong, what to do."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Condition(BaseModel):
    """One comparison with an argument."""

    model_config = _FROZEN

    field: Annotated[str, Field(min_length=1)]
    op: Literal[">", ">=", "<", "<=", "==", "!=", "in"]
    value: StrictBool | Decimal | StrictStr | tuple[Decimal | StrictStr, ...]

    @model_validator(mode="after")
    def _comparable(self) -> "Condition":
        if self.op == "in" and not (isinstance(self.value, tuple) and self.value):
            raise ValueError('`in` wants a list, e.g. value = ["high", "urgent"]')
        if self.op != "in" and isinstance(self.value, tuple):
            raise ValueError("only `in` takes a list")
        if self.op in (">", ">=", "<", "<=") and not isinstance(self.value, Decimal):
            raise ValueError(f"`{self.op}` wants a number, e.g. value = 100")
        return self

    def holds(self, arguments: Json) -> bool | None:
        """None when the argument is missing or is nothing that can be compared so."""
        given = arguments.get(self.field)
        if self.op == "in" and isinstance(self.value, tuple):
            found = [_equal(given, one) for one in self.value]
            return True if True in found else None if None in found else False
        if isinstance(self.value, Decimal):
            number = as_number(given)
            return None if number is None else _compare(number, self.op, self.value)
        same = _equal(given, self.value)
        return same if same is None or self.op == "==" else not same


class PerDay(BaseModel):
    """A limit on what one customer gets within 24 hours."""

    model_config = _FROZEN

    field: Annotated[str, Field(min_length=1)]
    above: Annotated[Decimal, Field(ge=0)]


class Rule(BaseModel):
    """One `[[gate]]`."""

    model_config = _FROZEN

    tool: Annotated[str, Field(min_length=1)]
    when: tuple[Condition, ...] = ()
    roles: tuple[Role, ...] = ()
    per_day: PerDay | None = None
    decision: Literal["ask", "allow"] = "ask"
    why: Annotated[str, Field(max_length=300)] = ""
    """For whoever approves."""
    team: Team | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Rule":
        if self.decision == "ask" and len(self.why.strip()) < _SHORTEST_WHY:
            raise ValueError("say in `why` what the approver has to know, in a sentence")
        if self.per_day is not None and (self.when or self.decision == "allow"):
            raise ValueError("`per_day` stands alone: put `when` or `decision` into a gate of their own")
        return self

    def is_about(self, tool: str, principal: Principal) -> bool:
        """Whether the rule concerns this tool in the hands of this principal."""
        return is_meant(tool, self.tool) and (not self.roles or principal.role in self.roles)

    def fits(self, arguments: Json | None) -> bool:
        """Whether the conditions hold; in doubt a rule that asks fits, and one that allows does not."""
        asks = self.decision == "ask"
        if arguments is None:
            return asks
        found = [condition.holds(arguments) for condition in self.when]
        return False not in found and (asks or None not in found)


_SHORTEST_WHY = 10


class PolicyFile(ApprovalRules):
    """Everything the file may say: what needs consent, and (as approval rules) whose."""

    gate: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says about a call."""

    rule: Rule | None = None
    """A person has to consent, for this reason."""
    allowance: Decimal | None = None
    """Without such a rule: what the customer may get within 24 hours, this call included."""
    beyond: Rule | None = None
    """The rule that asks when it would be more."""


class Policy:
    """The rules of an installation."""

    def __init__(self, file: PolicyFile) -> None:
        self.file = file
        body = [rule.model_dump(mode="json") for rule in file.gate]
        self.version = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]

    def gate_for(self, tool: str, arguments: str, principal: Principal) -> Rule | None:
        """The rule that asks for a person's consent to this call; `arguments` is JSON as it would be run."""
        return self.ruling(tool, arguments, principal).rule

    def ruling(self, tool: str, arguments: str, principal: Principal) -> Ruling:
        """The same, with what the tool has to keep to when nobody is asked."""
        if tool in NEVER_HELD_UP:
            return Ruling()
        given, beyond, allowance = _read(arguments), None, None
        for rule in self.file.gate:
            if not rule.is_about(tool, principal):
                continue
            if rule.per_day is not None:
                amount = as_number(given.get(rule.per_day.field)) if given is not None else None
                if amount is None or amount > rule.per_day.above:
                    return Ruling(rule)
                if allowance is None or rule.per_day.above < allowance:
                    beyond, allowance = rule, rule.per_day.above
            elif rule.fits(given):
                return Ruling(rule) if rule.decision == "ask" else Ruling(None, allowance, beyond)
        return Ruling(None, allowance, beyond)


def load_policy(path: str, tools: Mapping[str, type[Arguments]]) -> Policy:
    """The shipped policy, or the file at `path`; PolicyError when it cannot be read or names what is not there."""
    name = path or "prompts/policy.toml"
    try:
        text = Path(path).read_text(encoding="utf-8") if path else prompts.read("policy.toml")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError([f"{name}: cannot be read ({reason}). Name a TOML file."]) from error
    return parse_policy(text, tools, name=name)


def parse_policy(text: str, tools: Mapping[str, type[Arguments]], *, name: str = "policy.toml") -> Policy:
    """A policy from its file's text."""
    try:
        file = PolicyFile.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"{name}: not TOML: {error}. Compare with prompts/policy.toml."]) from error
    except ValidationError as error:
        raise PolicyError([f"{name}: {_fault(e['loc'], e['msg'])}" for e in error.errors()]) from error
    faults = [
        f"{name}: gate {n} ({rule.tool}): {f}" for n, rule in enumerate(file.gate, 1) for f in _misfits(rule, tools)
    ] + [
        f"{name}: limit {n} ({limit.tool}): {f}"
        for n, limit in enumerate(file.limit, 1)
        for f in (_unknown(limit.tool, [limit.field] if limit.field else [], tools) if limit.tool else ())
    ]
    if faults:
        raise PolicyError(faults)
    return Policy(file)


def as_number(value: object) -> Decimal | None:
    """A finite number as JSON or as plain ASCII digits; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _read(arguments: str) -> Json | None:
    try:
        value = json.loads(arguments, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unambiguous(pairs: list[tuple[str, object]]) -> Json:
    """Who says a thing twice may mean either."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _equal(given: object, wanted: bool | Decimal | str | tuple[object, ...]) -> bool | None:  # noqa: FBT001 - a value
    if isinstance(wanted, Decimal):
        number = as_number(given)
        return None if number is None else number == wanted
    if isinstance(wanted, str) and isinstance(given, str):
        return given.strip().casefold() == wanted.strip().casefold()
    return given == wanted if type(given) is type(wanted) else None


def _compare(given: Decimal, op: str, limit: Decimal) -> bool:
    return {
        ">": given > limit,
        ">=": given >= limit,
        "<": given < limit,
        "<=": given <= limit,
        "==": given == limit,
        "!=": given != limit,
    }[op]


def _misfits(rule: Rule, tools: Mapping[str, type[Arguments]]) -> list[str]:
    """What a rule says of tools and arguments that there are not."""
    about = [model for tool, model in tools.items() if fnmatchcase(tool, rule.tool)]
    asked = [c.field for c in rule.when] + ([rule.per_day.field] if rule.per_day else [])
    faults = _unknown(rule.tool, asked, tools)
    if not faults and rule.per_day and not (about and all(model.summed == rule.per_day.field for model in about)):
        faults.append(f"the tool does not add up {rule.per_day.field!r}. Use `when` instead of `per_day`.")
    return faults


def _unknown(pattern: str, asked: Iterable[str], tools: Mapping[str, type[Arguments]]) -> list[str]:
    """Tools and arguments that there are not."""
    if is_of_servers(pattern):
        return []
    about = [model for tool, model in tools.items() if fnmatchcase(tool, pattern)]
    if not about and not _WILD & set(pattern):
        return [f"there is no tool {pattern!r}; there are {', '.join(sorted(tools))}."]
    if not about:
        return [f"no tool fits {pattern!r}; there are {', '.join(sorted(tools))}."]
    known = sorted({field for model in about for field in model.model_fields})
    return [f"the tool has no argument {name!r}; it has {', '.join(known)}." for name in asked if name not in known]


def _fault(location: tuple[int | str, ...], message: str) -> str:
    """Where and what, as somebody reads it who has the file open."""
    places = [f"{part + 1}" if isinstance(part, int) else part for part in location]
    where = " ".join(places[:2]) + (f", {'.'.join(places[2:])}" if places[2:] else "")
    text = message.removeprefix("Value error, ")
    remedy = " Remove it, or mend its spelling." if "Extra inputs" in text else ""
    return f"{where}: {text}.{remedy}".replace("..", ".")
