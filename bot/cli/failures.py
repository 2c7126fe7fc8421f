"""How a command that failed says so."""

import logging
import sys

from bot.config import SettingsError
from bot.domain.errors import ConnectionLostError
from bot.logs import configure_logging
from bot.model.pricing import PricesError

logger = logging.getLogger(__name__)

UNEXPECTED, WRONG_SETTINGS = 1, 2


def explain(error: Exception, command: str) -> int:
    """Tell a person on stderr what to do, or that the log line below knows more; the exit code."""
    lines = _lines(error)
    if lines:
        print("\n".join(lines), file=sys.stderr)
        return WRONG_SETTINGS
    if isinstance(error, ConnectionLostError):
        print(error, file=sys.stderr)
        return UNEXPECTED
    if not logging.getLogger().handlers:
        configure_logging("INFO")
    print(f"deskhand {command} failed unexpectedly; the log line below tells where.", file=sys.stderr)
    logger.error("cli.failed", exc_info=error, extra={"fields": {"command": command}})
    return UNEXPECTED


def _lines(error: BaseException) -> list[str]:
    """What the operator can mend, one line each; it may have been noticed inside a task group."""
    if isinstance(error, BaseExceptionGroup):
        return next((lines for inner in error.exceptions if (lines := _lines(inner))), [])
    if isinstance(error, SettingsError):
        return error.lines
    return [str(error)] if isinstance(error, PricesError) else []
