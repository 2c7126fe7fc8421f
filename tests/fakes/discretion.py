"""P8 as a check on everything a story ever showed or logged."""

import re

from tests.fakes.desk import Desk

_INSIDE = re.compile(
    r"Traceback|Exception\b|[a-z]Error\b|File \"|\bline \d+, in\b|sqlalchemy|aiosqlite|anthropic|dbos"
    r"|\b(?:run|esc)-[0-9a-z]{6,}|toolu_\w+|\binbox\b|\boutbox\b|xox[a-z]-|xapp-|sk-ant-|T0FERNWAY:",
)
"""Words of our inside that no customer may read."""
WAKES = re.compile(r"<!(?:channel|here|everyone|subteam)|(?<!\w)@(?:channel|here|everyone)\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.example")
_HANGS_UP = "bot.slack.socket_mode"
"""Slack's library complains when it is closed while an event arrives; the event comes again at the next start."""
_SHORT = 12
"""Characters; shorter words of customers are also words of ours."""


def assert_discreet(desk: Desk) -> None:
    """No inside, no mass mention in anything a customer was shown."""
    for sight in desk.customers_saw():
        assert not _INSIDE.search(sight.text), sight
        assert not WAKES.search(sight.text), sight


def assert_logs_are_discreet(desk: Desk, *more: str) -> None:
    """No customer's words, no address and no token in any log line; and nothing of ours crashed."""
    log = desk.logs.getvalue()
    for words in (*desk.said, *more):
        for line in words.splitlines():
            piece = line.removeprefix("@deskhand ").strip()
            assert len(piece) < _SHORT or piece not in log, piece
    assert not _EMAIL.search(log), _EMAIL.search(log)
    assert not re.search(r"xox[a-z]-|xapp-|sk-ant-|sandbox-signing-secret", log)
    if desk.expects_errors:
        return
    lines = desk.log_lines()
    crashed = [line for line in lines if line["level"] in ("error", "critical") and line["logger"] != _HANGS_UP]
    assert crashed == [], crashed
