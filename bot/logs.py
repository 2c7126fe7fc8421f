"""Structured logs on stderr: one event a line, JSON for machines, plain words on a terminal; tokens never pass."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.domain.errors import DeskhandError

OURS = ("bot", "tools", "prompts")
"""Loggers that LOG_LEVEL holds for. All others (Slack's, Anthropic's, the database's) log requests and answers
below WARNING, that is what customers wrote: they stay at WARNING whatever LOG_LEVEL says."""

_SILENT = ("pypdf", "mcp", "client", "opentelemetry.util.re")
"""Loggers whose warnings quote what a file, or a server of tools, says (`client` is the MCP SDK's, too), or a header
with a token in it that is not written as it should be."""
_SECRETS = re.compile(
    r"""
      \bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]+    # Slack's bot, user, refresh and configuration tokens
    | \bxapp-[A-Za-z0-9-]+                       # Slack's app-level tokens
    | \bsk-ant-[A-Za-z0-9_-]+                    # Anthropic's keys
    | (?<=\b[Bb]earer[ ])[A-Za-z0-9._~+/=-]+        # any Authorization header
    | (?<=://)[^\s/:@"'\\]+:[^\s/@"'\\]+(?=@)    # user and password of a database URL
    | (?:                                        # what opens an address: Socket Mode's ticket, a collector's key
        (?<=[?&]ticket=) | (?<=[?&]token=) | (?<=[?&]access_token=) | (?<=[?&]key=)
      | (?<=[?&]apikey=) | (?<=[?&]api-key=) | (?<=[?&]api_key=)
      )[A-Za-z0-9._~%+/=-]+
    """,
    re.VERBOSE,
)
_HIDDEN = "[hidden]"


def redact(text: str) -> str:
    """The text with every token, key and password replaced by `[hidden]`."""
    return _SECRETS.sub(_HIDDEN, text)


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (stderr); `level` holds for our own loggers only."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_PlainFormatter() if target.isatty() else _JsonFormatter())
    handler.addFilter(_worth_telling)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # DBOS adds a console handler of its own unless its logger has one.
    logging.getLogger("dbos").handlers = [logging.NullHandler()]
    logging.captureWarnings(capture=True)


def json_handler(stream: TextIO) -> logging.Handler:
    """Writes what is logged to `stream` as machines read it, for whoever listens beside."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonFormatter())
    handler.addFilter(_worth_telling)
    return handler


def _worth_telling(record: logging.LogRecord) -> bool:
    """Hold libraries at WARNING even when they lower their own level."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", {})
    return dict(fields) if isinstance(fields, dict) else {}


class _Discreet(logging.Formatter):
    """Tells where an exception arose and of what class it is, not its words: libraries quote data in theirs."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 — the library's name
        return "\n".join(_chain(ei[1])) if ei[1] is not None else ""


def _chain(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _chain(earlier)
        yield "then:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    words = f": {error}" if isinstance(error, DeskhandError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{words}"
    if isinstance(error, BaseExceptionGroup):
        for number, one in enumerate(error.exceptions, start=1):
            yield f"({number} of {len(error.exceptions)})"
            yield from _chain(one)


class _JsonFormatter(_Discreet):
    """`{"time", "level", "event", "logger", …fields, "error"}`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line = {**line, **_fields(record), **line}  # in this order, and nothing hides the event
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, default=str, ensure_ascii=False))


class _PlainFormatter(_Discreet):
    """`12:00:01 info event.name  key=value`, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        fields = "".join(f"  {name}={value}" for name, value in _fields(record).items())
        text = f"{at} {record.levelname.lower():<7} {record.getMessage()}{fields}"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return redact(text)
