"""What can be typed after `deskhand kb`. Imports nothing heavy."""

import argparse
import re
from collections.abc import Callable

_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]

_IMPORT = (
    "SOURCE is a folder of Markdown files (.md) or of HTML files, the https:// address of a website, sitemap or feed,\n"
    "zendesk:, notion: or confluence: with what README.md says of them; folder:NAME=PATH keeps several folders apart.\n"
    "Without SOURCE: KNOWLEDGE_DIR, and every [[knowledge]] of CONNECTORS_FILE.\n\n"
    "Takes in what is new or changed, removes what is gone from that source, embeds what changed. All at once: until\n"
    "it is complete, or when it breaks off, the bot answers from what there was. Works beside a running bot, which\n"
    "takes up a finished import by itself. Ends with 1 when a source could not be read."
)
_GAPS = (
    "Questions the search found nothing or nothing certain for, and those it found articles for that were answered\n"
    "without citing one, or handed over: most frequent first, with the reason. What to write next. Without addresses\n"
    "and long numbers. Kept as long as traces (KEEP_TRACES_DAYS)."
)
_SOURCES = "One line each: its name, how many articles, when one of them came in last."


def add_knowledge(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """`kb` and its actions; `plain` makes a command in the house's style."""
    actions = plain(
        commands,
        "kb",
        "import, search and look after the knowledge base",
        'deskhand kb search "refund after a failed payment"',
        "The articles the bot answers from.",
    ).add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    what = "make the articles what a source holds now"
    load = plain(actions, "import", what, "deskhand kb import ./articles", _IMPORT)
    _importing(load)
    search = plain(
        actions,
        "search",
        "show what the bot would find",
        'deskhand kb search "reset password" --category account',
        "Prints the five best articles, best first, those for staff only included, and how well they fit.",
    )
    search.add_argument("query", metavar="QUERY", help="what a customer might ask")
    search.add_argument("--category", choices=("billing", "technical", "account", "product"), help="only this category")
    gaps = plain(
        actions, "gaps", "list what was asked and the articles do not answer", "deskhand kb gaps --days 7", _GAPS
    )
    gaps.add_argument("--days", type=_days, default=30, metavar="N", help="asked in the last N days (%(default)s)")
    told = "Articles whose `updated` is older or missing: first those that answers rest on most, then the oldest."
    stale = plain(actions, "stale", "list articles nobody has touched for long", "deskhand kb stale --days 365", told)
    stale.add_argument("--days", type=_days, default=180, metavar="N", help="not updated for N days (%(default)s)")
    sources = plain(actions, "sources", "list where the articles come from", "deskhand kb sources", _SOURCES)
    remove = plain(actions, "remove", "take away all articles of a source", "deskhand kb remove folder:old", "At once.")
    remove.add_argument("source", metavar="SOURCE", help="as `deskhand kb sources` names it")
    for parser in (load, search, stale, sources, remove):
        parser.add_argument("--workspace", default="", metavar="TEAM", help="of an installed workspace's own articles")
    gaps.add_argument("--workspace", default="", metavar="TEAM", help="asked in this workspace; else in all")


def _importing(load: argparse.ArgumentParser) -> None:
    load.add_argument("sources", nargs="*", metavar="SOURCE", help="what to read; several are read one after the other")
    load.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    load.add_argument("--force", action="store_true", help="once, also if more than half of a source's articles go")
    again = load.add_mutually_exclusive_group()
    again.add_argument("--watch", action="store_true", help="stay, and import folders whenever a file changes")
    again.add_argument("--every", type=_time, metavar="TIME", help="stay, and import again every 30m, 1h, 1d …")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:  # noqa: PLR2004 - a hundred years
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return int(text)


def _time(text: str) -> float:
    """Seconds. The same as `tools.knowledge_base.sources.connector.seconds`, which is heavy to import."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip().lower())
    length = int(found.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[found.group(2)] if found else 0
    if length < 60:  # noqa: PLR2004 - a minute
        raise argparse.ArgumentTypeError(f"{text!r}: write a time such as 30m, 1h or 1d, of at least a minute")
    return float(length)
