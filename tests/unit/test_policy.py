"""What needs a person: rules read from a file, and what they say about calls, readable or not."""

import json
from pathlib import Path

import pytest

from bot.agent.policy import Policy, PolicyError, load_policy, parse_policy
from bot.config import Settings, SettingsError
from bot.domain.escalation import Team
from bot.domain.principal import Principal, Role
from bot.workspaces.plan import Plan
from tools.catalogue import ARGUMENTS

SHIPPED = load_policy("", ARGUMENTS)


def somebody(role: Role = Role.CUSTOMER) -> Principal:
    return Principal("T1", "U1", role, "Ana", "ana@cobalt-studio.example")


def policy(text: str) -> Policy:
    return parse_policy(text, ARGUMENTS)


def one(**fields: str) -> str:
    """A file with one gate on refunds."""
    lines = {"tool": '"issue_refund"', "why": '"Somebody has to look at this."'} | fields
    return "[[gate]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items())


def asks(text: str | Policy, arguments: object, *, tool: str = "issue_refund", role: Role = Role.CUSTOMER) -> bool:
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    chosen = policy(text) if isinstance(text, str) else text
    return chosen.gate_for(tool, given, somebody(role)) is not None


def refund(amount: object) -> dict[str, object]:
    return {"customer_email": "ana@cobalt-studio.example", "amount_usd": amount, "reason": "twice"}


@pytest.mark.parametrize("amount", [100, 1, 0.01, "100.00", 99.99], ids=repr)
def test_p6_refunds_up_to_100_dollars_go_through_alone(amount: object) -> None:
    assert not asks(SHIPPED, refund(amount))


@pytest.mark.parametrize("amount", [100.01, 101, "100.01", 5000, 1e3, 1e300, "0000100.01"], ids=repr)
def test_p6_larger_refunds_need_a_person(amount: object) -> None:
    assert asks(SHIPPED, refund(amount))


@pytest.mark.parametrize(
    "arguments",
    [
        "", "{}", "[]", "null", "not json", '{"amount_usd": NaN}', '{"amount_usd": Infinity}', '{"amount_usd": 5000',
        '{"amount_usd": null}', '{"amount_usd": true}', '{"amount_usd": "1e1"}', '{"amount_usd": "5"}{',
        '{"amount_usd": [5]}', '{"amount_usd": {"value": 5}}', '{"amount_usd": "\u0665"}', '{"amount_usd": "\uff15"}',
        '{"amount_usd": "5 USD"}', '{"amount_usd": " 5"}', '{"Amount_usd": 5}', '{"amount_usd": "+5"}',
        '{"amount_usd": 5, "amount_usd": 5000}', '{"amount_usd": 5000, "amount_usd": 5}',
        "[" * 2_000,
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_p6_what_cannot_be_read_needs_a_person(arguments: str) -> None:
    assert asks(SHIPPED, arguments)


def test_urgent_tickets_of_other_organisations_need_a_person_and_others_do_not() -> None:
    for given, role, gated in [
        ({"priority": "urgent"}, Role.EXTERNAL, True),
        ({"priority": "URGENT "}, Role.EXTERNAL, True),
        ({}, Role.EXTERNAL, True),
        ({"priority": "high"}, Role.EXTERNAL, False),
        ({"priority": "urgent"}, Role.CUSTOMER, False),
        ({}, Role.STAFF, False),
    ]:
        assert asks(SHIPPED, given, tool="create_ticket", role=role) is gated, (given, role)


def test_tools_of_mcp_servers_need_a_person_unless_marked_as_safe() -> None:
    assert asks(SHIPPED, {}, tool="files__delete")
    safe = policy('[[gate]]\ntool = "mcp:weather__*"\ndecision = "allow"\n\n' + one(tool='"mcp:*"'))
    assert not asks(safe, {}, tool="weather__today")
    assert asks(safe, {}, tool="files__delete")


def test_a_tool_without_a_rule_is_free_and_so_is_asking_people() -> None:
    assert not asks(SHIPPED, "not json", tool="search_knowledge_base")
    assert not asks(one(tool='"*"'), {}, tool="escalate_to_human")
    assert asks(one(tool='"*"'), {}, tool="search_knowledge_base")


def test_the_first_rule_that_fits_decides() -> None:
    small = (
        '[[gate]]\ntool = "issue_refund"\ndecision = "allow"\nwhen = [{field = "amount_usd", op = "<", value = 5}]\n'
    )
    assert not asks(small + one(), refund(4))
    assert asks(small + one(), refund(5))
    assert asks(one() + "\n" + small, refund(4))
    assert asks(small + one(), {}), "what cannot be read is never allowed by a condition"


@pytest.mark.parametrize(
    ("condition", "fits", "misses"),
    [
        ('op = ">", value = 10', [10.01, "11"], [10, "9.99", -5]),
        ('op = ">=", value = 10', [10, 10.5], [9.99]),
        ('op = "<", value = 10', [9, -1], [10, "10.00"]),
        ('op = "<=", value = 10', [10, "10.00"], [10.01]),
        ('op = "==", value = 10', [10, "10.0"], [11]),
        ('op = "!=", value = 10', [11], [10]),
        ('op = "in", value = [10, 20]', [20, "10"], [30]),
    ],
)
def test_conditions_compare_numbers(condition: str, fits: list[object], misses: list[object]) -> None:
    text = one(when=f'[{{field = "amount_usd", {condition}}}]')
    for value in fits:
        assert asks(text, refund(value)), value
    for value in misses:
        assert not asks(text, refund(value)), value


def test_all_conditions_of_a_rule_must_hold() -> None:
    text = one(when='[{field="amount_usd", op=">", value=10}, {field="reason", op="==", value="twice"}]')
    assert asks(text, refund(11))
    assert not asks(text, refund(9))
    assert not asks(text, refund(11) | {"reason": "late"})


def test_p6_the_sum_of_a_day_is_given_to_the_tool_to_keep() -> None:
    ruling = SHIPPED.ruling("issue_refund", json.dumps(refund(60)), somebody())
    assert (ruling.rule, str(ruling.allowance)) == (None, "100")
    assert ruling.beyond is not None
    assert "24 hours" in ruling.beyond.why
    assert ruling.beyond.team is Team.BILLING
    alone = policy(one(per_day='{field = "amount_usd", above = 100}'))
    assert asks(alone, refund(101))
    assert asks(alone, "{}")
    assert not asks(alone, refund(100))


def test_the_version_changes_with_the_rules_and_with_nothing_else() -> None:
    assert policy(one()).version == policy("# a remark\n" + one() + "\n").version
    assert (
        len({policy(text).version for text in (one(), one(roles='["external"]'), one(why='"Another reason."'), "")})
        == 4
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[[gate]]\ntool = "issue_refunds"\nwhy = "Somebody looks at it."',
            "there is no tool 'issue_refunds'; there are",
        ),
        (one(when='[{field="amount", op=">", value=1}]'), "no argument 'amount'; it has amount_usd"),
        (one(when='[{field="amount_usd", op="~", value=1}]'), "gate 1, when.1.op"),
        (one(when='[{field="amount_usd", op=">", value="a lot"}]'), "wants a number"),
        (one(when='[{field="amount_usd", op="in", value=5}]'), "wants a list"),
        (one(why='""'), "say in `why`"),
        (one(roles='["boss"]'), "gate 1, roles.1"),
        (one(per_day='{field="reason", above=1}'), "does not add up 'reason'"),
        (one(per_day='{field="amount_usd", above=1}', decision='"allow"'), "`per_day` stands alone"),
        (one(tool='"mcp:pay"', per_day='{field="usd", above=1}'), "does not add up 'usd'"),
        (one(colour='"red"'), "gate 1, colour"),
        ("[[gates]]\n", "gates"),
        ("gate = ", "not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place_and_remedy(text: str, told: str) -> None:
    with pytest.raises(PolicyError) as error:
        policy(text)
    assert told in str(error.value)
    assert str(error.value).startswith("policy.toml: ")


def test_the_bot_does_not_start_with_a_policy_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        Plan.check(Settings.model_validate({"POLICY_FILE": str(tmp_path / "none.toml")}))
    assert error.value.lines == [
        f"POLICY_FILE: {tmp_path}/none.toml: cannot be read (No such file or directory). Name a TOML file."
    ]


def test_a_file_of_ones_own_is_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(one(), encoding="utf-8")
    assert len(load_policy(str(mine), ARGUMENTS).file.gate) == 1
    mine.write_bytes(b"\xff")
    for path in (mine, tmp_path / "none.toml", tmp_path):
        with pytest.raises(PolicyError, match="cannot be read"):
            load_policy(str(path), ARGUMENTS)
