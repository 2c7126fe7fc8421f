"""The tools as the model sees them, one file each, so that every change shows in review.

python -m tests.contract.tool_snapshots writes them anew.
"""

import json
from pathlib import Path

from bot.domain.exchange import ModelRequest
from bot.model.wire import to_wire
from tests.fakes.tools import FixedKnowledge, MemoryBooks, MemoryCustomers, MemoryTickets, NotedBudget, NotedEscalations
from tools.base import AnyTool
from tools.catalogue import Backing, build_catalogue

FOLDER = Path(__file__).parent / "snapshots" / "tools"


def all_tools() -> tuple[AnyTool, ...]:
    """The catalogue over back-ends in memory."""
    return build_catalogue(
        Backing(
            knowledge=FixedKnowledge(),
            customers=MemoryCustomers(),
            tickets=MemoryTickets(),
            books=MemoryBooks(),
            escalations=NotedEscalations(),
            own_budget=NotedBudget(),
        )
    )


def shown(tool: AnyTool) -> str:
    """What goes to the vendor about a tool."""
    wire = to_wire(ModelRequest("claude", "", (), 1000, tools=(tool.spec,)))
    return json.dumps(wire["tools"][0], indent=2, ensure_ascii=False) + "\n"


def renew() -> None:
    """Write all files, and remove those of tools that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    tools = {f"{tool.name}.json": shown(tool) for tool in all_tools()}
    for old in FOLDER.glob("*.json"):
        if old.name not in tools:
            old.unlink()
    for name, text in tools.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew()
