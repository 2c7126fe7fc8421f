"""The command line: what can be typed, what comes back, and how failures are told."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from bot.__main__ import main
from bot.cli.parser import MODULES
from bot.cli.sandbox import DATA, _database
from bot.cli.traces_show import describe
from bot.config import Settings, SettingsError
from bot.domain.exchange import Usage
from bot.domain.trace import Action, TraceEvent
from bot.model.pricing import UnknownPriceError
from tests.architecture.tree import ROOT

HEAVY = {"pydantic", "aiohttp", "slack_sdk", "slack_bolt", "anthropic", "sqlalchemy", "dbos", "asyncio"}


@pytest.fixture(autouse=True)
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    root.handlers, _ = before
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    for name in ("bot", "tools", "prompts"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The exit code of a command that raises this error."""
    module = ModuleType("bot.cli.migrate")

    def run(_: object) -> int:
        raise error

    vars(module)["run"] = run
    monkeypatch.setitem(sys.modules, "bot.cli.migrate", module)
    return main(["migrate"])


def deskhand(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    keep = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "SYSTEMROOT"}}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments],
        env={**keep, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from bot.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('LOADED', *sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words, _, loaded = shown.partition("LOADED")
    assert all(f"    {command}" in words for command in MODULES)
    assert not HEAVY & set(loaded.split())


KNOWLEDGE = [["kb", action] for action in ("import", "search", "gaps", "stale", "sources", "remove")]


@pytest.mark.parametrize("command", [[name] for name in MODULES] + KNOWLEDGE)
def test_every_command_explains_itself_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"example:\n  deskhand {command[0]}" in shown


@pytest.mark.parametrize("arguments", [[], ["sandbox", "--port", "x"], ["sandbox", "--port", "70000"], ["kb"], ["fly"]])
def test_wrong_arguments_end_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "deskhand" in capsys.readouterr().err


def test_wrong_settings_are_told_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(monkeypatch, SettingsError(["MODEL: no.", "STAFF_CHANNEL: missing."])) == 2
    assert capsys.readouterr().err == "MODEL: no.\nSTAFF_CHANNEL: missing.\n"


def test_wrong_settings_noticed_in_a_task_group_are_told_the_same_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ExceptionGroup("tasks", [ValueError("x"), ExceptionGroup("inner", [SettingsError(["HTTP_PORT: taken."])])])
    assert failing(monkeypatch, error) == 2
    assert capsys.readouterr().err == "HTTP_PORT: taken.\n"


def test_a_model_without_a_price_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(monkeypatch, UnknownPriceError("claude-unheard-of")) == 2
    told = capsys.readouterr().err
    assert "claude-unheard-of" in told
    assert "Traceback" not in told


def test_an_unexpected_failure_is_one_sentence_and_one_log_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    assert failing(monkeypatch, RuntimeError("odd xoxb-1-secret")) == 1
    sentence, line = capsys.readouterr().err.splitlines()
    assert sentence.startswith("deskhand migrate failed unexpectedly")
    event = json.loads(line)
    assert event["event"] == "cli.failed"
    assert event["error"].endswith("builtins.RuntimeError")
    assert "odd" not in line


def test_an_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_running_without_settings_names_each_missing_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert names == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "STAFF_CHANNEL"]


def test_migrating_twice_changes_nothing_the_second_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("The database is at version")
    assert second.endswith("as it was.")


@pytest.mark.parametrize("url", ["mysql://x", "nonsense", "postgresql://desk:password@127.0.0.1:1/x"])
@pytest.mark.parametrize("command", [["run"], ["migrate"], ["traces"], ["kb", "search", "refund"]])
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    command: list[str], url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": url, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "STAFF_CHANNEL": "C1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(command) == 2
    told = capsys.readouterr().err
    assert told.startswith("DATABASE_URL: ")
    assert "password" not in told


def test_articles_are_imported_and_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    text = "---\ntitle: Refunds\ncategory: billing\n---\nA refund for a failed payment takes five days.\n"
    (folder / "refunds.md").write_text(text)
    assert main(["kb", "search", "refund"]) == 1
    assert main(["kb", "import", str(folder)]) == 0
    assert main(["kb", "search", "refund for a payment", "--category", "billing"]) == 0
    assert main(["kb", "search", "refund for a payment", "--category", "account"]) == 1
    empty, imported, found, snippet, match, nothing = capsys.readouterr().out.splitlines()
    assert "kb import" in empty
    assert imported.startswith("1 imported")
    assert found.startswith("1. Refunds")
    assert "five days" in snippet
    assert match == "match: strong"
    assert nothing.startswith("Nothing fits")


def test_importing_a_wrong_folder_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kb", "import", "nowhere"]) == 1
    assert "nowhere is not a folder" in capsys.readouterr().out


def test_the_sandbox_tells_its_addresses_and_ends_well_when_told_to() -> None:
    process = deskhand("sandbox", "--no-bot", "--headless", "--port", "0")
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["api_url"] == f"{told['url']}/api/"
        assert (told["bot_token"], told["app_token"], told["bot_http"]) == ("xoxb-sandbox", "xapp-sandbox", None)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors.count("Traceback")) == (0, 0)
    finally:
        process.kill()
        process.communicate()


def test_the_first_signal_asks_and_the_second_ends_at_once() -> None:
    stubborn = (
        "import asyncio; from bot.cli.stopping import stop_on_signals\n"
        "async def main():\n"
        "    stop = stop_on_signals(); print('up', flush=True)\n"
        "    await stop.wait(); print('asked', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    process = subprocess.Popen([sys.executable, "-c", stubborn], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.communicate()


def test_the_sandbox_starts_with_an_empty_database_and_keeps_the_last_one_aside() -> None:
    DATA.mkdir(parents=True)
    (DATA / "sandbox.db").write_text("last")
    (DATA / "sandbox.db-wal").write_text("last wal")
    assert _database(None, 8090) == DATA / "sandbox.db"
    assert sorted(p.name for p in DATA.iterdir()) == ["sandbox.previous.db", "sandbox.previous.db-wal"]


def test_a_database_in_a_folder_of_ones_own_is_kept(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_text("mine")
    assert _database(tmp_path, 8090).read_text() == "mine"


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = deskhand("sandbox", "--no-bot", "--port", str(other.getsockname()[1]))
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith("--port: ")
    assert len(errors.splitlines()) == 1


def test_a_trace_reads_as_steps_with_tokens_cost_and_time() -> None:
    usage, cost = Usage(input=100, output=20), Decimal("0.021")
    events = [
        TraceEvent("C1", "R1", 1, Action.LLM_CALL, "claude-sonnet-5-5", 0.0, usage=usage, cost=cost),
        TraceEvent("C1", "R1", 1, Action.TOOL_CALL, "search_knowledge_base", 1.0, given="refund", ok=False, error="X"),
    ]
    told = "\n".join(describe(events))
    assert "run R1, 1970-01-01" in told
    assert "step 1  llm_call     claude-sonnet-5-5             100 + 20 tokens · $0.021" in told
    assert "< refund" in told
    assert "failed: X" in told
    assert told.endswith("2 events · 120 tokens · $0.021")
