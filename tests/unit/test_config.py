"""Settings: what they read, and how they say what is wrong."""

from pathlib import Path

import pytest

from bot.config import Settings, SettingsError, check_ready_to_run, load_settings

TOKEN = "xoxb-1-secret"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def lines_of(overrides: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides)
    return caught.value.lines


def test_nothing_is_needed_to_have_settings() -> None:
    settings = load_settings()
    assert settings.offline
    assert not settings.socket_mode
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)


def test_the_environment_wins_over_the_file_and_an_override_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("MODEL=from-file\nHELPER_MODEL=from-file\nSTAFF_CHANNEL=from-file\n")
    monkeypatch.setenv("HELPER_MODEL", "from-environment")
    monkeypatch.setenv("STAFF_CHANNEL", "from-environment")
    settings = load_settings({"STAFF_CHANNEL": "from-override"})
    assert (settings.model, settings.helper_model, settings.staff_channel) == (
        "from-file",
        "from-environment",
        "from-override",
    )


def test_an_empty_setting_is_as_good_as_none() -> None:
    assert load_settings({"HTTP_PORT": " ", "LOG_LEVEL": ""}).http_port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "eighty"),
        ("HTTP_PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("SLACK_API_URL", "slack.example"),
        ("STAFF_CHANNELS", "billing"),
        ("AGENT_PROFILES", "=triage"),
        ("QUIET_SECONDS", "-1"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: str) -> None:
    lines = lines_of({name: value})
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")
    assert "\n" not in lines[0]


def test_every_wrong_setting_has_its_own_line() -> None:
    assert len(lines_of({"HTTP_PORT": "x", "LOG_LEVEL": "x"})) == 2


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_a_token_in_the_wrong_place_is_told_without_showing_it(name: str) -> None:
    text = "\n".join(lines_of({name: "xyz-very-secret"}))
    assert name in text
    assert "very-secret" not in text


def test_tokens_are_not_shown_by_repr() -> None:
    settings = load_settings({"SLACK_BOT_TOKEN": TOKEN, "ANTHROPIC_API_KEY": "sk-ant-secret"})
    shown = repr(settings)
    for harmless in ("SecretStr", "signing_secret", "client_secret"):
        shown = shown.replace(harmless, "")
    assert "secret" not in shown


def test_running_needs_a_token_a_way_in_and_a_staff_channel() -> None:
    with pytest.raises(SettingsError) as caught:
        check_ready_to_run(load_settings())
    assert [line.partition(":")[0] for line in caught.value.lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "STAFF_CHANNEL",
    ]


@pytest.mark.parametrize("way_in", [{"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "s"}])
def test_either_way_in_is_enough(way_in: dict[str, str]) -> None:
    check_ready_to_run(load_settings({"SLACK_BOT_TOKEN": TOKEN, "STAFF_CHANNEL": "C1", **way_in}))


def test_lists_and_pairs_forgive_spaces_and_trailing_commas() -> None:
    settings = load_settings({"ADMIN_USERS": " U1, U2 ,", "STAFF_CHANNELS": "billing = C1, engineering=C2,"})
    assert settings.admins == {"U1", "U2"}
    assert settings.channels_by_team == {"billing": "C1", "engineering": "C2"}


def test_the_api_address_ends_with_a_slash() -> None:
    assert load_settings({"SLACK_API_URL": "http://127.0.0.1:1/api"}).slack_api_url == "http://127.0.0.1:1/api/"


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("KEEP_EVENTS_DAYS", "1", "at least 2 days"),
        ("KEEP_COSTS_DAYS", "30", "at least 40 days"),
        ("KEEP_TRACES_DAYS", "-1", "greater than or equal to 0"),
    ],
)
def test_what_is_needed_cannot_be_thrown_away_too_early(name: str, value: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{name}: .*{remedy}"):
        load_settings({name: value}, env_file=tmp_path / "none")
    assert load_settings({name: "0"}, env_file=tmp_path / "none"), "0 keeps for ever"
