"""What servers do that mean no good, or are merely broken: nothing of it reaches further than the server itself."""

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.mcp_hub import QUICK, SAM, Bench, bench, decided, script
from tools.base import OutcomeUnknownError, ToolContext, ToolError
from tools.mcp import stdio
from tools.mcp.definition import Definition
from tools.mcp.pins import PinState


def listed(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "tools.json").read_text(encoding="utf-8"))
    return found


def relist(folder: Path, *tools: dict[str, Any]) -> None:
    (folder / "new.json").write_text(json.dumps(tools), encoding="utf-8")
    (folder / "new.json").replace(folder / "tools.json")  # at once: the server may be reading


async def test_tools_listed_twice_and_names_that_are_none_spoil_no_other_tool(tmp_path: Path) -> None:
    settings = script(tmp_path, "echo")
    (echo,) = listed(tmp_path)
    strange = [{**echo, "name": name} for name in ("a\0b", "x" * 5_000, "", "e\u200bcho")]
    relist(tmp_path, echo, *strange, echo, {**echo, "description": "Another."})
    async with bench(tmp_path, settings) as hub:
        await hub.approve()
        assert [pin.definition.description for pin in await hub.pins.all()] == ["Another."]
        assert await hub.call("s__echo")


def is_alive(pid: int) -> bool:
    """A process that nobody has waited for counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def is_gone(hub: Bench, folder: Path) -> None:
    pid = int((folder / "child.pid").read_text(encoding="utf-8"))

    async def gone() -> bool:
        return not is_alive(pid)

    try:
        await hub.until(gone)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


async def test_what_a_server_has_started_ends_with_it(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "start")) as hub:
        await hub.approve()
        assert await hub.call("s__start")
        assert is_alive(int((tmp_path / "child.pid").read_text(encoding="utf-8")))
    await is_gone(hub, tmp_path)


async def test_what_a_server_that_died_has_started_ends_as_well(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "start_and_die", deadline_seconds=2)) as hub:
        await hub.approve()
        with pytest.raises(OutcomeUnknownError):
            await hub.call("s__start_and_die")
    await is_gone(hub, tmp_path)


async def test_a_server_that_does_not_listen_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "DEAF_SECONDS", 0.2)
    async with bench(tmp_path, script(tmp_path, "echo", "hang", deadline_seconds=3)) as hub:
        await hub.approve(2)
        words = "x" * 19_000
        calls = [asyncio.ensure_future(hub.call("s__hang", text=words)) for _ in range(9)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results} == {OutcomeUnknownError}
        assert await hub.answered("s__echo")


async def test_a_stop_does_not_wait_for_a_server_that_never_gets_ready(tmp_path: Path) -> None:
    asleep = script(tmp_path, "echo", env=["NEVER_READY"], environment={"NEVER_READY": "1"})
    patience = replace(QUICK, connect=3_600)
    async with asyncio.timeout(60), bench(tmp_path, asleep, patience=patience) as hub:

        async def is_asleep() -> bool:
            return (tmp_path / "asleep").exists()

        await hub.until(is_asleep)


async def test_p6_a_tool_that_changes_while_the_database_is_asked_is_not_called(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "echo")) as hub:
        await hub.approve()
        (pin,) = await hub.pins.all()
        server = hub.hub.servers["s"]

        async def begin() -> bool:
            server.listed = {"echo": "another"}
            return True

        with pytest.raises(ToolError, match="switched off"):
            await server.call(pin.definition, {}, begin)


async def test_staff_hear_of_a_change_that_was_noted_before_a_kill_but_not_of_one_they_rejected(tmp_path: Path) -> None:
    settings = script(tmp_path, "echo")
    changed = Definition.of("s", "echo", "Sends echo.", {"type": "object"})
    async with bench(tmp_path, settings) as hub:
        await hub.approve()
        await hub.pins.note("s", [changed])
    relist(tmp_path, {**listed(tmp_path)[0], "description": changed.description})
    async with bench(tmp_path, settings) as hub:
        assert await hub.alerted() == ["s__echo"]
        await decided(hub.pins, changed, PinState.REJECTED)
    async with bench(tmp_path, settings) as hub:
        server = hub.hub.servers["s"]

        async def connected() -> bool:
            return server.is_connected

        await hub.until(connected)
        assert hub.told == []


async def test_a_server_that_changes_ever_again_is_told_of_once(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "echo", "change")) as hub:
        await hub.approve(2)
        for _ in range(3):
            await hub.call("s__change")
        assert await hub.alerted() == ["s__echo"]


async def test_p6_a_tool_that_was_gone_is_used_again_only_as_it_was_approved(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "echo", "spare"), patience=replace(QUICK, look_again=0.02)) as hub:
        await hub.approve(2)
        echo, spare = listed(tmp_path)

        async def offers(*names: str) -> None:
            async def found() -> bool:
                return sorted(hub.tools) == list(names)

            await hub.until(found)

        relist(tmp_path, spare)
        await offers("s__spare")
        with pytest.raises(ToolError, match="switched off"):
            await hub.pinned("s__echo")
        relist(tmp_path, echo, spare)
        await offers("s__echo", "s__spare")
        relist(tmp_path, spare)
        await offers("s__spare")
        relist(tmp_path, {**echo, "description": "Sends echo."}, spare)
        assert await hub.alerted() == ["s__echo"]
        assert list(hub.tools) == ["s__spare"]


async def test_p7_a_call_of_staff_that_was_approved_runs_though_nobody_asks_any_more(tmp_path: Path) -> None:
    async with bench(tmp_path, script(tmp_path, "echo")) as hub:
        await hub.approve()
        tool = hub.tools["s__echo"]
        context = ToolContext(SAM, "c1", "r1", "t1", 0, is_consented=True)
        assert (await tool.call("{}", context)).content
