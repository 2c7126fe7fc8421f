"""What can be typed after `deskhand forget`. Imports nothing heavy."""

import argparse
from collections.abc import Callable

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

_FORGET = (
    "Deletes their conversations with everything that belongs to them, their words and name in those of others, and\n"
    "their traces, tickets in this database, ratings and working papers. What was spent stays under a pseudonym, so\n"
    "that sums add up; the audit log stays, and its chain holds, without them. Works beside a running bot, and can be\n"
    "done again. Prints what went and what lies elsewhere. Asks first, unless --yes."
)


def add_forgetting(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`forget`; `plain` makes a command in the house's style."""
    parser = plain(commands, "forget", "erase a person", "deskhand forget U0123456789 --dry-run", _FORGET)
    parser.add_argument("user", metavar="USER", help="Slack's id of the person (U…)")
    parser.add_argument("--workspace", default="", metavar="TEAM", help="where, when several workspaces know the id")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--yes", action="store_true", help="do not ask")
