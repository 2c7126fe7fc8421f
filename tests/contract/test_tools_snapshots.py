"""A changed tool shows in review: its description and schema are kept in files beside this one."""

import pytest

from tests.contract.tool_snapshots import FOLDER, all_tools, shown
from tools.base import AnyTool
from tools.checks import faults

RENEW = "looks different now. If that is meant: python -m tests.contract.tool_snapshots, and have the change reviewed"


@pytest.mark.parametrize("tool", all_tools(), ids=lambda tool: tool.name)
def test_a_tool_is_shown_to_the_model_as_it_was_reviewed(tool: AnyTool) -> None:
    kept = FOLDER / f"{tool.name}.json"
    assert kept.is_file(), f"{tool.name} was never reviewed: python -m tests.contract.tool_snapshots"
    assert shown(tool) == kept.read_text(encoding="utf-8"), f"{tool.name} {RENEW}"


@pytest.mark.parametrize("tool", all_tools(), ids=lambda tool: tool.name)
def test_nothing_is_wrong_with_a_tool(tool: AnyTool) -> None:
    assert faults(tool) == []


def test_nothing_is_kept_of_tools_that_are_gone() -> None:
    gone = {path.stem for path in FOLDER.glob("*.json")} - {tool.name for tool in all_tools()}
    assert not gone, "python -m tests.contract.tool_snapshots removes them"
