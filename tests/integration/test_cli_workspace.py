"""`deskhand workspace`: what an operator types and reads."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.config import Settings
from bot.domain.workspace import WorkspaceSettings
from bot.ports.installations import Installation
from bot.store.vault import Vault, new_key
from tests.contract.store_kit import open_store

KEY = new_key()
ONE = Installation("", "T0KUMO", "Kumo Games", "A1", "U0BOT", "B0BOT", (), "U0EMI", 1_800_000_000.0, bot_token="xoxb-1")


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    url = f"sqlite:///{tmp_path}/desk.db"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("TOKEN_KEYS", KEY)
    monkeypatch.chdir(tmp_path)
    asyncio.run(install(url))
    yield url
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


async def install(url: str) -> None:
    async with open_store(url) as store:
        await store.installations(Vault([KEY])).save(ONE, WorkspaceSettings("D0EMI", admins=("U0EMI",)))


async def token(url: str, key: str) -> str | None:
    async with open_store(url) as store:
        tenant = await store.installations(Vault([key])).tenant("T0KUMO")
        return tenant.installation.bot_token if tenant else None


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["workspace", *words])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def test_the_list_shows_who_is_served_and_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = typed(capsys, "list")
    assert code == 0
    for words in ("T0KUMO", "Kumo Games", "by U0EMI", "cases go to D0EMI"):
        assert words in shown
    [row] = json.loads(typed(capsys, "list", "--json")[1])
    assert row["settings"]["admins"] == ["U0EMI"]
    assert "token" not in json.dumps(row)


def test_settings_are_changed_one_by_one_or_not_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, "set", "T0KUMO", "staff_channel=C0STAFF", "admins=U1,U2")[0] == 0
    assert "cases go to C0STAFF" in typed(capsys, "list")[1]
    for wishes, complaint in {
        ("staff_channel=C9", "admins=grace"): "admins: ",
        ("colour=blue",): "there is no setting colour",
        ("agent_profiles=C1=pirate",): "agent_profiles: ",
        ("agent_profiles",): "write it as name=value",
    }.items():
        code, shown = typed(capsys, "set", "T0KUMO", *wishes)
        assert (code, "Nothing was changed" in shown) == (2, True)
        assert complaint in shown
    assert "cases go to C0STAFF" in typed(capsys, "list")[1]


def test_an_unknown_workspace_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("set", "T9", "admins=U1"), ("remove", "T9")):
        code, shown = typed(capsys, *words)
        assert code == 1
        assert "No workspace T9" in shown


def test_a_removed_workspace_has_no_token_and_its_data_goes_if_wished(
    capsys: pytest.CaptureFixture[str], place: str
) -> None:
    assert typed(capsys, "remove", "T0KUMO")[0] == 0
    assert asyncio.run(token(place, KEY)) is None
    assert "removed" in typed(capsys, "list")[1]
    code, shown = typed(capsys, "remove", "T0KUMO", "--data")
    assert code == 0
    assert "2 rows" in shown
    assert "no further workspace" in typed(capsys, "list")[1]


async def install_org(url: str) -> None:
    async with open_store(url) as store:
        books = store.installations(Vault([KEY]))
        await books.save(replace(ONE, enterprise_id="E0KUMO", team_id="", name="Kumo"), WorkspaceSettings())
        assert await books.join("E0KUMO", "T0NARA")


def test_a_workspace_of_an_organisation_goes_with_the_organisation_only(
    capsys: pytest.CaptureFixture[str], place: str
) -> None:
    asyncio.run(install_org(place))
    code, shown = typed(capsys, "remove", "T0NARA", "--data")
    assert code == 1
    assert "its organisation E0KUMO installed the app" in shown
    code, shown = typed(capsys, "remove", "E0KUMO", "--data")
    assert code == 0
    assert "rows of T0NARA are deleted" in shown
    assert "T0KUMO" in typed(capsys, "list")[1]
    assert asyncio.run(token(place, KEY)) == "xoxb-1"


def test_keys_are_exchanged_without_losing_a_token(
    capsys: pytest.CaptureFixture[str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, made = typed(capsys, "new-key")
    assert code == 0
    fresh = made.strip()
    monkeypatch.setenv("TOKEN_KEYS", f"{fresh},{KEY}")
    assert "1 tokens are now locked" in typed(capsys, "rotate-keys")[1]
    assert asyncio.run(token(place, fresh)) == "xoxb-1"
    monkeypatch.setenv("TOKEN_KEYS", KEY)
    code, shown = typed(capsys, "rotate-keys")
    assert code == 2
    assert "put the key back" in shown
    monkeypatch.delenv("TOKEN_KEYS")
    assert "new-key" in typed(capsys, "rotate-keys")[1]
    assert typed(capsys, "list")[0] == 0


def test_every_action_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("list", "set", "remove", "new-key", "rotate-keys"):
        with pytest.raises(SystemExit) as end:
            main(["workspace", action, "--help"])
        assert end.value.code == 0
        assert "example:" in capsys.readouterr().out
