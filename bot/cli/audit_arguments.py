"""What can be typed after `deskhand audit`. Imports nothing heavy."""

import argparse
from collections.abc import Callable

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

_AUDIT = (
    "Newest last, times in UTC. With --csv also what was proposed before and after, in full, for a spreadsheet.\n"
    "The log only grows: the database refuses to change or delete an entry. `deskhand audit verify` checks that."
)
_VERIFY = (
    "Every entry holds a digest of the one before it. Prints a line for each workspace: how many entries there are,\n"
    "the first that was changed, moved or removed, and the head, the digest of the last one. Keep the head elsewhere:\n"
    "with --head it proves later that nothing up to there was cut off or written anew. Ends with 1 when something is\n"
    "broken."
)


def add_audit(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`audit` and `audit verify`; `plain` makes a command in the house's style."""
    parser = plain(commands, "audit", "show who decided and changed what", "deskhand audit --csv > audit.csv", _AUDIT)
    parser.add_argument("--conversation", default="", metavar="ID", help="only of this conversation, case or limit")
    told = "at most so many entries (200; with --csv all)"
    parser.add_argument("--last", type=_count, default=None, metavar="N", help=told)
    parser.add_argument("--csv", action="store_true", help="as a table, with every column")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    verify = plain(
        actions, "verify", "check that the log is as it was written", "deskhand audit verify --head 3f9c…", _VERIFY
    )
    verify.add_argument("--workspace", default=None, metavar="TEAM", help="only of this workspace")
    verify.add_argument("--head", default="", metavar="DIGEST", help="a head that was printed before")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)
