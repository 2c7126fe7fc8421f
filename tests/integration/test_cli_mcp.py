"""`deskhand mcp`: what an admin sees and decides, with a real server and a real database."""

import asyncio
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.__main__ import main
from bot.cli import mcp as cli
from bot.cli.mcp_probe import try_servers
from bot.cli.parser import build_parser
from bot.config import Settings
from bot.doctor import Verdict
from bot.logs import OURS
from bot.store.engine import create_engine
from tests.fakes.mcp_hub import script
from tools.mcp.definition import Definition
from tools.mcp.pins import Pins


@pytest.fixture(autouse=True)
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    levels = {name: logging.getLogger(name).level for name in OURS}
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/d.db")
    yield
    root.handlers, _ = before
    root.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)


def connect(monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: str) -> None:
    server = script(folder, "echo", "spare")
    fields = {"name": "s", "command": server.command, "args": list(server.args), **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    (folder / "connectors.toml").write_text("\n".join(["[[mcp]]", *lines]), encoding="utf-8")
    monkeypatch.setenv("CONNECTORS_FILE", str(folder / "connectors.toml"))


def change(folder: Path, old: str, new: str) -> None:
    file = folder / "tools.json"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_an_admin_reads_a_tool_in_full_approves_exactly_that_and_sees_what_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path)
    assert main(["mcp", "list"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("off: waits for approval") == 2
    assert main(["mcp", "approve", "s__echo"]) == 1, "nobody can be asked"
    exact = capsys.readouterr().out.split("deskhand mcp approve ")[1].strip()
    change(tmp_path, "Does echo", "Sends echo")
    assert main(["mcp", "approve", exact]) == 1
    assert "There is no tool s__echo@" in capsys.readouterr().out, "it is another by now"
    assert main(["mcp", "approve", "s__echo", "--yes"]) == 0
    assert "Sends echo." in capsys.readouterr().out
    change(tmp_path, "Sends echo", "Steals echo\\u200b")
    assert main(["mcp", "diff", "s__echo"]) == 0
    told = capsys.readouterr().out
    assert "CHANGED since it was approved" in told
    assert "-  Sends echo." in told
    assert "+  Steals echo<U+200B>." in told
    assert main(["mcp", "reject", "s"]) == 0
    capsys.readouterr()
    assert main(["mcp", "list"]) == 0
    assert capsys.readouterr().out.count("off: rejected") == 2
    assert main(["audit"]) == 0
    assert [line.split()[3] for line in capsys.readouterr().out.splitlines()] == ["tool.approve", *["tool.reject"] * 2]


def test_an_approved_tool_is_listed_and_called_beside_our_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path)
    assert main(["tools", "call", "s__echo", "{}", "--yes"]) == 1
    assert "There is no tool 's__echo'; there are: none that an admin has approved" in capsys.readouterr().out
    assert main(["mcp", "approve", "s__echo", "--yes"]) == 0
    capsys.readouterr()
    assert main(["tools", "list"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "s__" in line]
    assert " ".join(line.split()[:5]) == "s__echo MCP server s yes"
    assert main(["mcp", "list"]) == 0
    assert f"about {line.split('≈')[1]} tokens" in capsys.readouterr().out, "both commands count alike"
    assert main(["tools", "call", "s__echo", '{"order": "A-7"}', "--yes"]) == 0
    told = capsys.readouterr()
    assert '"from_outside": "s: echo"' in told.out
    assert "The agent would have to ask people first" in told.err
    assert main(["tools", "check"]) == 0
    assert "✓ MCP server s: 2 tools." in capsys.readouterr().out


def test_p6_a_tool_that_changes_while_an_admin_reads_is_not_said_to_be_approved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    arguments = build_parser().parse_args(["mcp", "approve", "s__echo"])

    def slow_reader(_: str) -> str:
        change(tmp_path, "Does echo", "Steals echo")
        with ThreadPoolExecutor(1) as another:
            another.submit(asyncio.run, look(tmp_path)).result()
        return "y"

    assert cli.run(arguments, ask=slow_reader) == 1
    assert "s__echo is another by now" in capsys.readouterr().out
    assert main(["mcp", "list"]) == 0
    assert "waits for approval" in capsys.readouterr().out
    assert main(["audit"]) == 0
    assert "tool.approve" not in capsys.readouterr().out


def test_too_few_digits_of_a_digest_name_nothing_exactly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path)
    assert main(["mcp", "list"]) == 0
    digest = capsys.readouterr().out.split("[")[1].split(",")[0]
    for digits in (0, 12, 31):
        assert main(["mcp", "approve", f"s@{digest[:digits]}"]) == 1
        assert "Nobody can be asked here" in capsys.readouterr().out
    assert main(["mcp", "approve", f"s@{digest}"]) == 0


async def look(folder: Path) -> None:
    """As a running bot does."""
    engine = create_engine(f"sqlite:///{folder}/d.db")
    await Pins(engine, lambda: 2.0).note("s", [Definition.of("s", "echo", "Steals echo.", {"type": "object"})])
    await engine.dispose()


async def test_the_doctor_tries_every_server(tmp_path: Path) -> None:
    servers = [script(tmp_path, "echo", "spare"), script(tmp_path, "echo", "spare", name="away", command="/no/such")]
    good, bad = [finding async for finding in try_servers(servers)]
    assert (good.verdict, good.text) == (Verdict.GOOD, "MCP server s: 2 tools.")
    assert bad.verdict is Verdict.BAD
    assert "MCP server away: not reached (FileNotFoundError" in bad.text
    assert "`command`" in bad.remedy


def test_a_server_that_is_not_there_is_told_by_its_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path, command="/no/such/program")
    assert main(["mcp", "list"]) == 0
    assert capsys.readouterr().out.startswith("s: not reached (FileNotFoundError")
    assert main(["mcp", "diff", "s__echo"]) == 1


def test_who_decides_about_one_server_waits_for_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path)
    file, started = tmp_path / "connectors.toml", tmp_path / "started"
    other = f'\n[[mcp]]\nname = "other"\ncommand = "touch"\nargs = ["{started}"]\n'
    file.write_text(file.read_text(encoding="utf-8") + other, encoding="utf-8")
    for name in ("s__echo", "s"):
        assert main(["mcp", "approve", name, "--yes"]) == 0
    assert "s__spare is approved" in capsys.readouterr().out
    assert not started.exists()
    assert main(["mcp", "list"]) == 0
    assert "other: not reached" in capsys.readouterr().out


def test_without_servers_there_is_nothing_to_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "list"]) == 0
    assert "[[mcp]] of CONNECTORS_FILE names them" in capsys.readouterr().out


@pytest.mark.parametrize("settings", [{"name": "a__b"}, {"consent": "perhaps"}, {"colour": "red"}])
def test_a_mistake_in_the_file_is_told_with_its_place(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, tmp_path, **settings)
    assert main(["mcp", "list"]) != 0
    captured = capsys.readouterr()
    assert f"connectors.toml: mcp.0.{next(iter(settings))}" in captured.out + captured.err
