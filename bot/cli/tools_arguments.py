"""What can be typed after `deskhand tools`. Imports nothing heavy."""

import argparse
from collections.abc import Callable

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

_TOOLS = "Those of this program, and those of MCP servers that an admin has approved (`deskhand mcp`)."
_LIST = (
    "One line each: its back-ends, whether it writes, whether it is safe to repeat, which rule of the policy may ask\n"
    "people first, and about how many tokens it takes in every prompt."
)
_CALL = (
    "ARGS is JSON, as a model would write it. Prints what the model would read; attempts at back-ends go to stderr.\n"
    "A tool that writes asks first. Uses the back-ends of your settings, or with --sample the sample company's, which\n"
    "are gone afterwards. Tools that need a conversation in Slack say so. Ends with 1 when the tool reports an error."
)
_CHECK = (
    "Schemas (does the vendor's strict mode take them?), descriptions, examples, and whether the back-ends and MCP\n"
    "servers answer. Reads only. Ends with 1 when something is wrong."
)


def add_tools(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`tools` and its actions; `plain` makes a command in the house's style."""
    actions = plain(
        commands, "tools", "list, try and check the agent's tools", "deskhand tools list", _TOOLS
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    plain(actions, "list", "one line each", "deskhand tools list", _LIST)
    example = """deskhand tools call lookup_customer '{"email": "ana@cobalt-studio.example"}' --as staff --sample"""
    call = plain(actions, "call", "run one as the agent would", example, _CALL)
    call.add_argument("name", metavar="NAME", help="as `deskhand tools list` names it")
    call.add_argument("given", nargs="?", default="{}", metavar="ARGS", help='JSON, e.g. \'{"query": "refunds"}\'')
    call.add_argument(
        "--as", dest="principal", nargs="+", default=["staff"], metavar=("ROLE", "EMAIL"),
        help="who asks: `staff` (default), or `customer EMAIL` with that verified address",
    )  # fmt: skip
    call.add_argument("--yes", action="store_true", help="run a tool that writes without asking")
    check = plain(actions, "check", "look for faults", "deskhand tools check", _CHECK)
    for parser in (call, check):
        parser.add_argument("--sample", action="store_true", help="the sample company instead of your back-ends")
        parser.add_argument("--workspace", default="", metavar="TEAM", help="whose tickets and articles")
