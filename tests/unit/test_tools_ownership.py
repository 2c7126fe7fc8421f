"""P7, own data only: whose account a tool touches is decided by who is verified, not by what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.principal import Principal, Role
from tools.base import ToolError
from tools.ownership import canonical, permitted_email

ANA = "ana@cobalt-studio.example"
BO = "bo@northpine.example"
EVERYBODY_ELSE = (Role.CUSTOMER, Role.EXTERNAL, Role.AGENT)


def principal(email: str | None, role: Role = Role.CUSTOMER) -> Principal:
    return Principal("T1", "U1", role, "Ana", email)


@pytest.mark.parametrize("role", EVERYBODY_ELSE)
@pytest.mark.parametrize("asked", [ANA, "ANA@Cobalt-Studio.Example", f"  {ANA}\n"])
def test_people_may_name_themselves_in_any_letter_case(asked: str, role: Role) -> None:
    assert permitted_email(asked, principal(ANA, role)) == ANA


@pytest.mark.parametrize("role", EVERYBODY_ELSE)
@pytest.mark.parametrize(
    "asked",
    [
        BO,
        "",
        "@",
        "ana",
        "ana+boss@cobalt-studio.example",
        f"{ANA} OR {BO}",
        f"{ANA},{BO}",
        f"{ANA}\n{BO}",
        f"{ANA}' OR '1'='1",
        "%",
        f"<{ANA}>",
        f"{ANA}.",
        f"{ANA}\0",
        "\u0430na@cobalt-studio.example",  # a Cyrillic a
        "\uff41na@cobalt-studio.example",  # a full-width a
        "ana\u200b@cobalt-studio.example",  # a space of no width
        "an\u00e0@cobalt-studio.example",
        "ana@cobalt-\u017ftudio.example",  # a long s, which case folding makes an s
    ],
)
def test_nobody_else_s_account_is_used_however_it_is_written(asked: str, role: Role) -> None:
    with pytest.raises(ToolError) as refused:
        permitted_email(asked, principal(ANA, role))
    assert ANA in str(refused.value), "the asker may be told their own address"
    assert BO not in str(refused.value)


def test_the_refusal_does_not_tell_whether_the_other_address_is_known() -> None:
    refusals = set()
    for asked in (BO, "nobody@nowhere.example"):
        with pytest.raises(ToolError) as refused:
            permitted_email(asked, principal(ANA))
        refusals.add(str(refused.value))
    assert len(refusals) == 1


@pytest.mark.parametrize("lookalike", ["\uff42\uff4f@northpine.example", "b\u043e@northpine.example"])
def test_a_verified_look_alike_address_does_not_become_its_ascii_twin(lookalike: str) -> None:
    assert permitted_email(lookalike, principal(lookalike)) == lookalike != BO
    with pytest.raises(ToolError):
        permitted_email(BO, principal(lookalike))


def test_the_kelvin_sign_is_no_k() -> None:
    assert canonical("\u212aumo@kumo-games.example") != "kumo@kumo-games.example"


def test_the_same_address_in_two_unicode_spellings_is_the_same() -> None:
    assert canonical("Ren\u00e9@caf\u00e9.example") == canonical("rene\u0301@cafe\u0301.example")


@given(st.text(max_size=40))
def test_no_foreign_letters_ever_turn_into_a_plain_address(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    if not text.strip().isascii():
        assert not canonical(text).isascii()


@pytest.mark.parametrize("email", [None, ""])
@pytest.mark.parametrize("role", EVERYBODY_ELSE)
def test_without_a_verified_address_there_is_no_account(email: str | None, role: Role) -> None:
    with pytest.raises(ToolError, match="escalate_to_human"):
        permitted_email(ANA, principal(email, role))


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
def test_staff_may_name_any_address_but_only_one(role: Role) -> None:
    assert permitted_email("Bo@NorthPine.example", principal("sam@fernway.example", role)) == BO
    for asked in ("", "bo", f"{ANA} {BO}", f"{ANA};{BO}", "bo@a@b.example", "bo@localhost", "x" * 250 + "@a.example"):
        with pytest.raises(ToolError, match="not one e-mail"):
            permitted_email(asked, principal("sam@fernway.example", role))
