"""Logs: one event a line, and no token ever."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from bot.logs import configure_logging, redact


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, dbos = logging.getLogger(), logging.getLogger("dbos")
    before = (root.handlers[:], root.level, dbos.handlers[:])
    yield
    logging.getLogger("pypdf").setLevel(logging.NOTSET)
    root.handlers, dbos.handlers = before[0], before[2]
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    for name in ("bot", "tools", "prompts"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_machine_reads_one_json_object_a_line() -> None:
    out = io.StringIO()
    configure_logging("INFO", out)
    logging.getLogger("bot.desk").info("turn.finished", extra={"fields": {"steps": 3, "event": "hidden"}})
    [line] = out.getvalue().splitlines()
    event = json.loads(line)
    assert list(event)[:3] == ["time", "level", "event"]
    assert (event["level"], event["event"], event["steps"]) == ("info", "turn.finished", 3)


def test_a_person_reads_words() -> None:
    out = Terminal()
    configure_logging("INFO", out)
    logging.getLogger("bot.desk").info("turn.finished", extra={"fields": {"steps": 3}})
    assert "info    turn.finished  steps=3" in out.getvalue()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("xoxb-12-34-abCD", "12-34"),
        ("xapp-1-A0-12-ab", "A0-12"),
        ("xoxe.xoxp-1-abc", "1-abc"),
        ("sk-ant-api03-a_b-c", "api03"),
        ("Bearer abc.def==", "abc"),
        ("postgresql://desk:pass%21word@db/x", "pass"),
        ("wss://a.example/link?ticket=abc-123", "abc"),
        ("Max retries exceeded with url: /v1/traces?x=1&api_key=abc-123 (Caused by", "abc"),
    ],
)
def test_a_secret_is_hidden_wherever_it_appears(text: str, secret: str) -> None:
    out = io.StringIO()
    configure_logging("INFO", out)
    logging.getLogger("bot").info("said.%s", text, extra={"fields": {"value": text}})
    logging.getLogger("bot").error("failed", exc_info=ValueError(text))
    lines = out.getvalue().splitlines()
    assert secret not in "".join(lines)
    assert [json.loads(line)["event"] for line in lines] == [f"said.{redact(text)}", "failed"]


@pytest.mark.parametrize("library", ["slack_bolt", "slack_sdk.web", "aiohttp.access", "anthropic", "httpx2", "dbos"])
def test_libraries_never_tell_what_customers_wrote_even_when_debugging(library: str) -> None:
    out = io.StringIO()
    configure_logging("DEBUG", out)
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.DEBUG)  # as a library might by itself
    logger.info("a customer's words")
    logger.setLevel(before)
    logging.getLogger("bot.desk").debug("ours")
    assert "customer" not in out.getvalue()
    assert "ours" in out.getvalue()


def test_what_stands_in_a_broken_pdf_is_not_quoted() -> None:
    out = io.StringIO()
    configure_logging("DEBUG", out)
    with pytest.raises(PyPdfError):
        _ = PdfReader(io.BytesIO(b"%QDF my salary\n%%EOF")).pages
    logging.getLogger("pypdf._reader").error("invalid pdf header: my salary")
    assert out.getvalue() == ""
