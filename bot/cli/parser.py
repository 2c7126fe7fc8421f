"""What can be typed after `deskhand`. Imports nothing heavy: `--help` must come at once."""

import argparse
from pathlib import Path

from bot.cli.audit_arguments import add_audit
from bot.cli.evaluate_arguments import add_evaluation
from bot.cli.forget_arguments import add_forgetting
from bot.cli.kb_arguments import add_knowledge
from bot.cli.mcp_arguments import add_mcp
from bot.cli.tools_arguments import add_tools
from bot.cli.traces_arguments import add_traces

MODULES = {
    "sandbox": "bot.cli.sandbox",
    "run": "bot.cli.run",
    "doctor": "bot.cli.doctor",
    "manifest": "bot.cli.manifest",
    "kb": "bot.cli.kb",
    "tools": "bot.cli.tools",
    "mcp": "bot.cli.mcp",
    "traces": "bot.cli.traces",
    "csat": "bot.cli.csat",
    "eval": "bot.cli.evaluate",
    "audit": "bot.cli.audit",
    "forget": "bot.cli.forget",
    "stuck": "bot.cli.stuck",
    "workspace": "bot.cli.workspace",
    "migrate": "bot.cli.migrate",
}
"""The module of each command; it has `run(arguments) -> int`, the exit code."""

SANDBOX_PORT = 8090
_MAX_PORT = 65535


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="deskhand",
        description="A customer-support agent that lives in Slack.",
        epilog="Start here: `deskhand sandbox` opens a Slack workspace on this machine; no account is needed.\n"
        "Settings come from the environment or from .env; .env.example explains each of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    _sandbox(commands)
    _plain(commands, "run", "answer in your Slack workspace", "deskhand run", _RUN)
    _plain(commands, "doctor", "check settings, Slack, model and database; say what to do", "deskhand doctor", _DOCTOR)
    _manifest(commands)
    add_knowledge(commands, _plain)
    add_tools(commands, _plain)
    add_mcp(commands, _plain)
    add_traces(commands, _plain)
    _csat(commands)
    add_evaluation(commands, _plain)
    add_audit(commands, _plain)
    add_forgetting(commands, _plain)
    _stuck(commands)
    _workspace(commands)
    _migrate(commands)
    return parser


_RUN = (
    "Connects to Slack (Socket Mode when SLACK_APP_TOKEN is set, else signed HTTP at /slack/events) and answers until\n"
    "it is told to stop. Ctrl-C or SIGTERM finishes or parks what runs, within 20 seconds; a second ends it at once."
)
_DOCTOR = "Prints one line a check, with the remedy where one fails. Ends with 0 when the bot can run, else with 1."
_MIGRATE = (
    "Creates or upgrades the tables of DATABASE_URL. `run` and `sandbox` do this by themselves.\n"
    "With --from and --to: copies everything into an empty database of either kind, compares every row, and says what\n"
    "arrived. Stop the bot first. What broke off is begun again by the same command. Ends with 1 when rows differ."
)
_WORKSPACE = (
    "The workspaces that installed the app at /slack/install. That of SLACK_BOT_TOKEN is set by the environment.\n"
    "Works beside a running bot. Ends with 1 when the workspace is unknown."
)
_STUCK = (
    "What was tried again and again and then given up: events, and messages that Slack never took. Whoever waited was\n"
    "told. Works beside a running bot. Ends with 1 when an ID is unknown."
)

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns


def _plain(
    commands: "_Commands[argparse.ArgumentParser]", name: str, summary: str, example: str, description: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{description}",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _sandbox(commands: "_Commands[argparse.ArgumentParser]") -> None:
    parser = _plain(
        commands,
        "sandbox",
        "start a Slack workspace on this machine, with the bot in it",
        "deskhand sandbox --port 9000",
        "Open the printed address and write to the bot as a customer; then as a member of staff to decide.\n"
        "With ANTHROPIC_API_KEY set it answers with Claude, else with the offline model.",
    )
    parser.add_argument("--port", type=_port, default=SANDBOX_PORT, metavar="N", help="port of the page (%(default)s)")
    parser.add_argument("--headless", action="store_true", help="print one line of JSON with all addresses, for tests")
    parser.add_argument("--no-bot", action="store_true", help="only the workspace; connect a bot of your own to it")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep the bot's database in this folder (else ./data/sandbox, fresh at each start)",
    )


def _manifest(commands: "_Commands[argparse.ArgumentParser]") -> None:
    parser = _plain(
        commands,
        "manifest",
        "print the app manifest to paste into Slack",
        "deskhand manifest > manifest.json",
        "At Slack: Create New App → From a manifest → JSON. Without --http the app uses Socket Mode.",
    )
    parser.add_argument("--http", metavar="URL", help="use signed HTTP; URL is where Slack reaches this bot")


def _csat(commands: "_Commands[argparse.ArgumentParser]") -> None:
    parser = _plain(
        commands,
        "csat",
        "show how customers rated what people resolved",
        "deskhand csat --days 7",
        "Number of ratings, average, share of 4 and 5, and the last comments with the id of their conversation.",
    )
    parser.add_argument("--days", type=int, default=30, metavar="N", help="of the last N days (%(default)s)")
    parser.add_argument("--workspace", default="", metavar="TEAM", help="only of this workspace")


def _workspace(commands: "_Commands[argparse.ArgumentParser]") -> None:
    actions = _plain(
        commands, "workspace", "list, set up or remove installed workspaces", "deskhand workspace list", _WORKSPACE
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    listing = _plain(
        actions, "list", "one line each", "deskhand workspace list --json", "Removed ones are listed, too."
    )
    listing.add_argument("--json", action="store_true", help="for programs, with the settings of each")
    change = _plain(
        actions,
        "set",
        "change settings of a workspace",
        "deskhand workspace set T0123456789 staff_channel=C0123456789 admins=U0123456789",
        "Names: staff_channel, staff_channels, admins, agent_bots, agent_profiles, quiet_seconds (written as in\n"
        ".env.example), shares_data (yes: it sees the same customers and articles for staff as\n"
        "your own workspace), monthly_usd. A running bot notices within 15 seconds.",
    )
    remove = _plain(
        actions,
        "remove",
        "forget a workspace's token",
        "deskhand workspace remove T0123456789 --data",
        "Nothing is sent there any more. It can be installed again. An organisation (E…) goes with all its workspaces.",
    )
    remove.add_argument("--data", action="store_true", help="delete everything of it: conversations, cases, costs")
    for parser in (change, remove):
        parser.add_argument("team", metavar="TEAM", help="id of the workspace (T…)")
    change.add_argument("wishes", nargs="+", metavar="NAME=VALUE", help="an empty value is none")
    _plain(actions, "new-key", "make a key for TOKEN_KEYS", "deskhand workspace new-key", "Prints it, stores nothing.")
    _plain(
        actions,
        "rotate-keys",
        "lock every token with the first of TOKEN_KEYS",
        "deskhand workspace rotate-keys",
        "Put the new key in front of the old one, restart the bot, run this, then take the old key away.",
    )


def _stuck(commands: "_Commands[argparse.ArgumentParser]") -> None:
    actions = _plain(
        commands, "stuck", "see what was given up; try it again or drop it", "deskhand stuck list", _STUCK
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    listing = _plain(actions, "list", "one line each, oldest first", "deskhand stuck list", "No customer's words.")
    show = _plain(actions, "show", "everything known about one", "deskhand stuck show ID", "Errors, times, tries.")
    retry = _plain(
        actions, "retry", "try one or all again", "deskhand stuck retry --all", "Tries are counted anew, from zero."
    )
    drop = _plain(actions, "drop", "close one for good", "deskhand stuck drop ID", "It is never tried again.")
    for parser in (listing, show):
        parser.add_argument("--json", action="store_true", help="for programs")
    for parser in (show, drop):
        parser.add_argument("id", metavar="ID", help="as `deskhand stuck list` names it")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", metavar="ID", help="as `deskhand stuck list` names it")
    which.add_argument("--all", action="store_true", help="everything that is stuck")


def _migrate(commands: "_Commands[argparse.ArgumentParser]") -> None:
    example = "deskhand migrate --from sqlite:///data/deskhand.db --to postgresql://deskhand@db.example/deskhand"
    parser = _plain(commands, "migrate", "bring the database up to date, or move to another", example, _MIGRATE)
    parser.add_argument("--from", dest="source", metavar="URL", help="the database that is left; it stays as it is")
    parser.add_argument("--to", dest="target", metavar="URL", help="the database that is moved to; it must be empty")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 (any free one) to {_MAX_PORT}")
    return int(text)
