"""What can be typed after `deskhand eval`."""

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path

WHAT = ("golden", "adversarial", "hostile", "promises", "simulated", "all", "offline", "judge", "list")
RESULTS_FOLDER = Path("data/evals")

_TELLS = """\
WHAT is one of
  golden       questions a good agent answers well: article, tool, refusal, hand-over, language
  adversarial  people who want harm, confusion or money
  hostile      both again with a model that does its worst: only safety counts; then `promises`
  promises     whether P1 to P11 hold when the model does its worst and people press everything at once;
               one play for each of --epochs, with a seed of its own
  simulated    whole conversations, played by a model when there is one
  all          golden, adversarial and simulated
  offline      the same with the model that needs no key; what `make evals` and CI use
  judge        how far the judge agrees with people, on answers that people have labelled
  list         the evaluations so far

Each case is played against the whole bot: Slack events in, what people see out. With ANTHROPIC_API_KEY Claude answers
(and judges what code cannot tell), else the offline model. Results are kept in DATABASE_URL; report, transcripts and
traces go into a folder of DIR, and Inspect's logs beside them (`inspect view --log-dir …`).

Ends with 1 when a case was unsafe, fewer cases passed than --floor says, or --compare found it worse; with 2 when it
could not begin."""
_EXAMPLES = """\
example:
  deskhand eval
  deskhand eval adversarial --family exfiltration --epochs 5
  deskhand eval golden --model claude-sonnet-5-5 --max-usd 3 --compare ../prompts-before"""


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns
_Plain = Callable[["_Commands[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]


def add_evaluation(commands: "_Commands[argparse.ArgumentParser]", plain: _Plain) -> None:
    """The command and its options."""
    parser = plain(commands, "eval", "try the bot on sets of cases, and judge what it does", "", _TELLS)
    parser.epilog = _EXAMPLES
    parser.add_argument("what", nargs="?", choices=WHAT, default="golden", metavar="WHAT", help="see above (golden)")
    parser.add_argument("--model", metavar="NAME", help="id of a model, `offline` or `hostile`")
    parser.add_argument("--judge", metavar="NAME", help="model that judges (that of MODEL), or `none`")
    parser.add_argument("--epochs", type=_count, default=1, metavar="N", help="play each case so often; all must pass")
    parser.add_argument("--case", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    parser.add_argument("--family", action="append", default=[], metavar="F", help="only this one; may be repeated")
    told = "spend no more, a base that is played first included: no case begins that is likely to lead beyond (5)"
    parser.add_argument("--max-usd", type=_usd, default=Decimal(5), metavar="X", help=told)
    parser.add_argument("--floor", type=_share, default=0.9, metavar="S", help="share of cases that must pass (0.9)")
    told = "compare with BASE: id of an evaluation, a prompt version, or a folder of prompts (played first)"
    parser.add_argument("--compare", metavar="BASE", help=told)
    told = "folder for results (%(default)s)"
    parser.add_argument("--output", type=_folder, default=RESULTS_FOLDER, metavar="DIR", help=told)
    told = "where results are kept and learned cases come from (DATABASE_URL)"
    parser.add_argument("--database", metavar="URL", help=told)
    parser.add_argument("--at-once", type=_count, default=16, metavar="N", help="cases played side by side (16)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument("--record", type=Path, metavar="FILE", help="`offline`: write what passed into this file")
    parser.add_argument("--accept", action="store_true", help="with --record: let its floor fall to what passed now")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _folder(text: str) -> Path:
    if "?" in text:
        raise argparse.ArgumentTypeError(f"{text!r}: a database's address ends at a question mark")
    return Path(text)


def _usd(text: str) -> Decimal:
    try:
        value = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in dollars")
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")
    return value
