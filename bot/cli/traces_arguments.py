"""What can be typed after `deskhand traces`. Imports nothing heavy."""

import argparse
import re
from collections.abc import Callable, Sequence

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

ACTIONS = ("list", "show", "replay")
RECENT = 20
MOST = 5_000
"""Runs of one list."""
_TRACES = "Each run is one turn: messages in, an answer out. Kept for KEEP_TRACES_DAYS; never changes anything."
_LIST = "One line each, newest first: when, run, outcome, model calls, cost, tools, conversation. Times in UTC."
_SHOW = (
    "Every model call, tool call, decision and delivery, with a bar for when it was and how long it took; `<` is what\n"
    "went in, `>` what came out, shortened. With the id of a conversation: all of it, and what people did between runs."
)
_REPLAY = (
    "Gives the same words to the agent again, with another prompt or model, and shows the difference. Tools answer\n"
    "from the record: by the same arguments, else by the nearest (marked), else not at all. Nothing is asked of a\n"
    "back-end, sent or kept. The model is paid as always, up to --max-usd. What a model was given is kept for\n"
    "KEEP_EVENTS_DAYS. The replay is not reviewed by the judge. Ends with 1 when the run cannot be replayed."
)


def spelled_out(argv: Sequence[str]) -> list[str]:
    """`deskhand traces` lists, and `deskhand traces ID` shows, as they always did."""
    words = list(argv)
    if words[:1] != ["traces"]:
        return words
    first = words[1] if words[1:] else ""
    if first in (*ACTIONS, "-h", "--help"):
        return words
    return ["traces", "list" if not first or first.startswith("-") else "show", *words[1:]]


def add_traces(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`traces` and its actions; `plain` makes a command in the house's style."""
    actions = plain(
        commands, "traces", "show what the bot did, step by step; try it again", "deskhand traces", _TRACES
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    _list(plain(actions, "list", "list runs", "deskhand traces list --since 24h --failed", _LIST))
    show = plain(actions, "show", "show every step", "deskhand traces show RUN", _SHOW)
    replay = plain(actions, "replay", "do a run again", "deskhand traces replay RUN --prompt new.md", _REPLAY)
    _replay(replay)
    for parser in (show, replay):
        parser.add_argument("id", metavar="RUN|CONVERSATION", help="as `deskhand traces list` names it")
        parser.add_argument("--json", action="store_true", help="for programs")


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", default="", metavar="TEAM", help="only of this workspace")
    parser.add_argument(
        "--since", default="", metavar="TIME", help="begun in the last 30m, 24h, 7d, or since 2026-01-31"
    )
    parser.add_argument("--outcome", default="", metavar="NAME", help="answered, escalated, failed, unfinished, …")
    parser.add_argument("--tool", default="", metavar="NAME", help="that called this tool")
    parser.add_argument("--failed", action="store_true", help="in which a step failed")
    parser.add_argument("--last", type=_count, default=RECENT, metavar="N", help="at most so many (%(default)s)")
    parser.add_argument("--json", action="store_true", help="for programs")


def _replay(parser: argparse.ArgumentParser) -> None:
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--prompt", metavar="FILE", help="this prompt: a profile with front matter, or only its text")
    other.add_argument("--profile", metavar="NAME", help="the prompt and settings of this profile as it is now")
    parser.add_argument("--model", default="", metavar="ID", help="this model instead of the profile's (see MODEL)")
    parser.add_argument("--max-usd", default="0.50", metavar="USD", help="what it may cost at most (%(default)s)")
    parser.add_argument("--steps", action="store_true", help="each step of the replay, too")


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST:,}")
    return int(text)
