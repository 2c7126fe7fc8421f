"""The parts of the policy file that say who may approve, as operators write them; and the shipped file itself."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.agent.approvals import ApprovalRules
from bot.agent.policy import Policy, PolicyError, load_policy, parse_policy
from bot.domain.escalation import Escalation, GatedCall, Proposal, Team
from tests.fakes.cases import open_case
from tools.base import Arguments


class RefundArguments(Arguments):
    summed = "amount_usd"

    customer_email: str
    amount_usd: Decimal
    reason: str


class TicketArguments(Arguments):
    priority: str


TOOLS: dict[str, type[Arguments]] = {"issue_refund": RefundArguments, "create_ticket": TicketArguments}
LIMIT = '[roles.finance]\nadmins = true\n[[limit]]\nrole = "finance"\n'


def refund(amount: str, team: Team | None = Team.BILLING) -> Escalation:
    call = GatedCall("issue_refund", f'{{"amount_usd":{amount}}}', "T1:U1", "support", "v1", "Over $100.")
    return replace(open_case(), team=team, proposal=Proposal("", (), call))


def rules(text: str) -> ApprovalRules:
    return parse_policy(text, TOOLS).file


def test_the_shipped_file_asks_for_finance_above_500() -> None:
    policy: Policy = load_policy("", TOOLS)
    for amount, words in (("500.00", ""), ('"500.01"', "somebody of finance"), ("1e4", "somebody of finance")):
        assert policy.file.needs(refund(amount)).words == words
    assert policy.file.needs(open_case()).words == ""
    assert policy.file.roles["finance"].admins


@pytest.mark.parametrize(
    "arguments", ["{}", '{"amount_usd":"lots"}', '{"amount_usd":null}', '{"amount_usd":true}', "[]", "x"]
)
def test_an_amount_that_cannot_be_read_counts_as_above(arguments: str) -> None:
    call = GatedCall("issue_refund", arguments, "T1:U1", "support", "v1", "")
    case = replace(open_case(), proposal=Proposal("", (), call))
    assert load_policy("", TOOLS).file.needs(case).limits


def test_a_limit_of_a_team_is_about_replies_too_and_about_no_other_team() -> None:
    billing = rules(f'{LIMIT}team = "billing"\n')
    assert billing.needs(open_case()).words == "somebody of finance"
    assert billing.needs(replace(open_case(), team=None)).words == ""
    assert billing.needs(replace(open_case(), proposal=None)).words == "", "nothing is consented to"


def test_two_people_may_be_asked_for() -> None:
    calls = rules('[approvals]\ntwo_people = "calls"\n')
    assert calls.needs(refund("5")).words == "two people"
    assert calls.needs(open_case()).words == ""
    assert rules('[approvals]\ntwo_people = "always"\n').needs(open_case()).two_people
    dear = rules(f'{LIMIT}tool = "issue_refund"\nfield = "amount_usd"\nabove = 1000\ntwo_people = true\n')
    assert dear.needs(refund("1000.01")).words == "two people of finance"
    assert not dear.needs(refund("1000")).two_people


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[limit]]\nrole = "boss"\nteam = "billing"\n', "there is no role 'boss'; [roles] has: none"),
        (LIMIT, "say what it is about: `team` or `tool`"),
        (f'{LIMIT}tool = "issue_refund"\nabove = 5\n', "give `field` and `above` together"),
        (f'{LIMIT}tool = "issue_refund"\nfield = "amount"\nabove = 5\n', "the tool has no argument 'amount'"),
        (f'{LIMIT}tool = "refund"\n', "limit 1 (refund): there is no tool 'refund'; there are create_ticket, issue"),
        ('[roles.finance]\ngroups = ["finance"]\n', "roles finance, groups.1: String should match pattern"),
        ('[approvals]\ntwo_peple = "always"\n', "approvals two_peple: Extra inputs are not permitted. Remove it"),
        ("[approvals]\ntwo_people = true\n", "approvals two_people: Input should be 'never', 'calls' or 'always'"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, TOOLS)
    assert words in str(caught.value)
    assert str(caught.value).startswith("policy.toml: ")
