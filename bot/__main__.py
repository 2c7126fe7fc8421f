"""`python -m bot` = `deskhand`: finds the command, runs it, and turns failures into sentences and exit codes."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from bot.cli.parser import MODULES, build_parser
from bot.cli.traces_arguments import spelled_out

FAILED, INTERRUPTED = 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 well, 1 failed (the log tells what), 2 wrong settings or arguments, 130 interrupted."""
    arguments = build_parser().parse_args(spelled_out(sys.argv[1:] if argv is None else argv))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy loads: more would fight with the event loop
    try:
        return int(import_module(MODULES[arguments.command]).run(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output (`head`, a pager) has left; Python would complain at exit
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost place: everything becomes a sentence and a log line
        return int(import_module("bot.cli.failures").explain(error, arguments.command))


if __name__ == "__main__":
    raise SystemExit(main())
