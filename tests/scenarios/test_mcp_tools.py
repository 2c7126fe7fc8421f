"""Tools of an MCP server in the hands of the agent: for staff, for customers, with and without a person's consent."""

import json
from pathlib import Path

from bot.store.engine import create_engine
from tests.fakes.desk import Desk
from tests.fakes.mcp_hub import decided, script
from tests.fakes.messages_api import text, tool
from tests.fakes.sandbox_driver import eventually
from tools.mcp.definition import Definition
from tools.mcp.pins import Pins
from tools.mcp.settings import McpServer

LOOK, POST = (Definition.of("s", name, f"Does {name}.", {"type": "object"}) for name in ("look", "post"))


async def with_server(desk: Desk, folder: Path, **settings: str) -> None:
    """Start the bot again with a server whose tools an admin has approved."""
    server: McpServer = script(folder, "look", "post")
    await approve(desk, LOOK, POST)
    fields = {"name": "s", "command": server.command, "args": list(server.args), **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    file = folder / "connectors.toml"
    file.write_text("\n".join(["[[mcp]]", *lines]), encoding="utf-8")
    await desk.restart(CONNECTORS_FILE=str(file))


async def approve(desk: Desk, *definitions: Definition) -> None:
    """What a server says, and an admin approves, while the bot is not looking."""
    engine = create_engine(f"sqlite:///{desk.database}")
    pins = Pins(engine, lambda: 1.0)
    await pins.note("s", definitions)
    for definition in definitions:
        await decided(pins, definition)
    await engine.dispose()


def offered(desk: Desk) -> set[str]:
    """What the model was last offered of the server."""
    return {tool["name"] for tool in desk.claude.asked[-1].body["tools"] if "__" in tool["name"]}


async def test_a_customer_is_served_by_a_tool_for_everyone_and_its_result_is_data(desk: Desk, tmp_path: Path) -> None:
    await with_server(desk, tmp_path, audience="everyone", consent="never")
    desk.claude.will(tool("s__look", {"order": "A-7"}), text("Your order A-7 is on its way."))
    thread = await desk.customer().asks("Where is my order A-7?")
    assert "A-7 is on its way" in (await thread.answer()).text
    assert offered(desk) == {"s__look", "s__post"}
    assert '{"from_outside": "s: look", "text": [' in desk.claude.asked[-1].last_text
    assert ("s__look",) in [tuple(row) for row in desk.rows("select name from traces where action = 'tool_call'")]


async def test_p7_a_tool_for_staff_is_not_offered_where_customers_read_and_refused_when_asked_for(
    desk: Desk, tmp_path: Path
) -> None:
    await with_server(desk, tmp_path, consent="never")
    desk.claude.will(tool("s__look", {"order": "A-7"}), text("I cannot look that up."))
    thread = await desk.customer().asks("Where is my order A-7?")
    assert "cannot look that up" in (await thread.answer()).text
    assert offered(desk) == set()
    assert "There is no tool named 's__look'" in desk.claude.asked[-1].last_text


async def test_p6_without_more_said_every_call_waits_for_a_person(desk: Desk, tmp_path: Path) -> None:
    await with_server(desk, tmp_path, audience="everyone")
    desk.claude.will(tool("s__post", {"order": "A-7"}), text("A colleague has to approve this first."))
    thread = await desk.customer().asks("Please cancel my order A-7")
    assert "has to approve this first" in (await thread.answer()).text
    card = await desk.card("C0STAFF")
    for words in ("s__post", "A-7", "not marked as safe"):
        assert words in card.shown().text, words
    desk.claude.will(text("It is cancelled."))
    await desk.staff().presses("Approve", card)
    await thread.says("It is cancelled.")
    assert 'Its result: {"from_outside": "s: post"' in desk.claude.asked[-1].last_text
    await desk.settled()


async def test_p6_a_call_that_waits_is_neither_edited_nor_made_when_its_tool_has_become_another(
    desk: Desk, tmp_path: Path
) -> None:
    await with_server(desk, tmp_path, audience="everyone")
    desk.claude.will(tool("s__post", {"order": "A-7"}), text("A colleague has to approve this first."))
    await (await desk.customer().asks("Please cancel my order A-7")).answer()
    card, sam = await desk.card("C0STAFF"), desk.staff()
    await sam.presses("Edit", card)
    await sam.sees_form()
    listed = tmp_path / "tools.json"
    listed.write_text(listed.read_text(encoding="utf-8").replace("Does post", "Sends post"), encoding="utf-8")
    await approve(desk, Definition.of("s", "post", "Sends post.", {"type": "object"}))
    await desk.restart()
    answer = await sam.submits(now="yes")
    assert "s__post has become another tool" in str(answer["errors"]["now"])
    await sam.closes()
    await sam.presses("Edit", card)
    await sam.hears("s__post has become another tool")
    assert sam.windows() == []
    desk.claude.will(text("I am sorry, it could not be cancelled."))
    await sam.presses("Approve", card)
    assert "not carried out" in (await card.gets_reply("has become another tool")).text
    await desk.settled()
    assert desk.rows("select key from mcp_calls") == []


async def test_a_changed_tool_is_off_and_the_staff_channel_hears_of_it_once(desk: Desk, tmp_path: Path) -> None:
    await with_server(desk, tmp_path, audience="everyone", consent="never")
    listed = tmp_path / "tools.json"
    listed.write_text(listed.read_text(encoding="utf-8").replace("Does look", "Sends look"), encoding="utf-8")
    for _ in range(2):
        await desk.restart()
        await eventually(lambda: told(desk))
    (line,) = await told(desk)
    assert "The tool *s__look* of the server *s* is not what was approved any more" in line
    assert "deskhand mcp diff s__look" in line
    assert "Sends" not in line
    desk.claude.will(tool("s__look", {}), text("I cannot look that up."))
    await (await desk.customer().asks("Where is my order?")).answer()
    assert offered(desk) == {"s__post"}
    assert desk.customers_saw()
    assert not any("s__look" in sight.text for sight in desk.customers_saw())


async def test_p6_a_running_conversation_shows_a_tool_as_it_was_approved_last(desk: Desk, tmp_path: Path) -> None:
    await with_server(desk, tmp_path, audience="everyone", consent="never")
    desk.claude.will(text("Hello."))
    thread = await desk.customer().asks("Where is my order?")
    await thread.answer()
    assert "Does look" in described(desk, "s__look")
    listed = tmp_path / "tools.json"
    listed.write_text(listed.read_text(encoding="utf-8").replace("Does look", "Finds look"), encoding="utf-8")
    await approve(desk, Definition.of("s", "look", "Finds look.", {"type": "object"}))
    await desk.restart()
    desk.claude.will(text("I have no more to say."))
    await desk.customer().says("And now?", thread)
    await thread.says("I have no more to say")
    assert "Finds look" in described(desk, "s__look")
    assert "Does post" in described(desk, "s__post")


def described(desk: Desk, name: str) -> str:
    """What the model last read of a tool."""
    return next(str(tool["description"]) for tool in desk.claude.asked[-1].body["tools"] if tool["name"] == name)


async def told(desk: Desk) -> list[str]:
    """What the staff channel heard of the server."""
    return [message.text for message in desk.channel("C0STAFF") if "s__look" in message.text]
