"""What a workspace may set for itself, and how it is written."""

from decimal import Decimal

import pytest

from bot.domain.escalation import Team
from bot.domain.workspace import NAMES, SETTINGS, WorkspaceSettings


def test_settings_are_written_as_in_the_environment() -> None:
    settings = WorkspaceSettings()
    for name, value in {
        "staff_channel": "C0STAFF", "staff_channels": "billing=C0BILLING, engineering=C0ENG", "admins": "U1, U2",
        "agent_bots": "B7", "agent_profiles": "C1=triage", "quiet_seconds": "1.5", "shares_data": "yes",
        "monthly_usd": "12.5",
    }.items():  # fmt: skip
        settings = settings.with_value(name, value)
    assert settings == WorkspaceSettings(
        "C0STAFF", {Team.BILLING: "C0BILLING", Team.ENGINEERING: "C0ENG"}, ("U1", "U2"), ("B7",), {"C1": "triage"},
        shares_data=True, quiet_seconds=1.5, monthly_usd=Decimal("12.5"),
    )  # fmt: skip
    assert SETTINGS.validate_json(SETTINGS.dump_json(settings)) == settings


def test_an_empty_value_is_none() -> None:
    settings = WorkspaceSettings("C1", admins=("U1",), quiet_seconds=1.0, shares_data=True)
    for name in NAMES:
        settings = settings.with_value(name, "no" if name == "shares_data" else "")
    assert settings == WorkspaceSettings()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("colour", "blue", "there is no setting colour"),
        ("staff_channel", "#general", "staff_channel: "),
        ("staff_channels", "billing", "name=value pairs"),
        ("staff_channels", "sales=C1", "staff_channels: "),
        ("admins", "grace", "admins: "),
        ("monthly_usd", "-1", "monthly_usd: "),
        ("quiet_seconds", "11", "quiet_seconds: "),
        ("quiet_seconds", "soon", "quiet_seconds: "),
        ("shares_data", "perhaps", "shares_data: "),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        WorkspaceSettings().with_value(name, value)


def test_settings_of_a_later_version_are_not_misread() -> None:
    with pytest.raises(ValueError, match="colour"):
        SETTINGS.validate_json('{"staff_channel": "C1", "colour": "blue"}')
