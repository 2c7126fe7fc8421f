"""`deskhand tools`, as somebody uses it who writes a tool."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.store.engine import create_engine
from tools.backends import open_backends
from tools.catalogue import ARGUMENTS

ANA, BO = "ana@cobalt-studio.example", "bo@northpine.example"
TICKET = {
    "customer_email": ANA,
    "subject": "Export stops",
    "body": "Since Monday it stops at 40 %.",
    "priority": "high",
    "category": "technical",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def called(name: str, arguments: object, *more: str) -> int:
    return main(["tools", "call", name, json.dumps(arguments), "--sample", *more])


def test_the_list_says_of_each_tool_what_one_has_to_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "list"]) == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in capsys.readouterr().out.splitlines()}
    assert ARGUMENTS.keys() <= lines.keys()
    assert lines["search_knowledge_base"].startswith("knowledge_base (our database) no yes never ≈")
    assert lines["issue_refund"].startswith("billing (our database) yes yes 2 rules ≈")
    assert lines["escalate_to_human"].startswith("escalations (Slack) yes yes never ≈")


def test_the_list_names_what_stands_behind_a_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "connectors.toml").write_text('[customers]\nkind = "hubspot"\ntoken_env = "OUR_TOKEN"\n')
    monkeypatch.setenv("CONNECTORS_FILE", "connectors.toml")
    monkeypatch.setenv("OUR_TOKEN", "pat-secret")
    assert main(["tools", "list"]) == 0
    told = capsys.readouterr().out
    assert "customers (hubspot)" in told
    assert "pat-secret" not in told


def test_a_search_shows_all_that_the_model_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("search_knowledge_base", {"query": "How do I reset my password?"}) == 0
    told = capsys.readouterr().out
    assert "[Updated 20" in told
    assert told.count("Match: ") == 1


def test_a_customer_reads_his_own_account_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("lookup_customer", {"email": ANA}, "--as", "customer", ANA) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["plan"] == "Team"
    assert "customers: attempt 1 ok" in told.err
    assert called("lookup_customer", {"email": BO}, "--as", "customer", ANA) == 1
    told = capsys.readouterr()
    assert told.out.startswith("(is_error) Only the account of the person who is writing")
    assert "Enterprise" not in told.out


def test_what_writes_is_asked_about_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called("create_ticket", TICKET) == 1
    assert capsys.readouterr().out == "Nothing was done.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert called("create_ticket", TICKET) == 0
    assert "FW-2056 opened" in capsys.readouterr().out
    assert not (tmp_path / "own.db").exists(), "the sample company has a database of its own"


def test_what_people_would_be_asked_about_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    refund = {"customer_email": ANA, "amount_usd": 120, "reason": "INV-2026-15477 was charged twice"}
    assert called("issue_refund", refund, "--yes") == 0
    told = capsys.readouterr()
    assert "would have to ask people first: Refunds of more than $100" in told.err
    assert "RF-1001 of $120.00" in told.out


async def _seed(url: str) -> None:
    engine = create_engine(url)
    await open_backends(engine, seed_sample=True)
    await engine.dispose()


def test_so_is_a_sum_that_only_the_books_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_seed(f"sqlite:///{tmp_path}/own.db"))

    def refund(usd: int, *more: str) -> int:
        wanted = {"customer_email": ANA, "amount_usd": usd, "reason": f"{usd} of INV-2026-15477 was too much"}
        return main(["tools", "call", "issue_refund", json.dumps(wanted), *more])

    assert refund(60, "--yes") == 0
    assert "ask people first" not in capsys.readouterr().err
    assert refund(50) == 1
    assert refund(50, "--yes") == 0
    told = capsys.readouterr()
    assert "would have to ask people first: With this one, the refunds of this customer within 24 hours" in told.err
    assert "RF-1002 of $50.00" in told.out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["nonsense"], "There is no tool 'nonsense'; there are: search_knowledge_base"),
        (["search_knowledge_base", "{}", "--sample"], "(is_error) The arguments do not fit: query: Field required"),
        (
            ["escalate_to_human", '{"reason": "asks", "summary": "Ana wants a person."}', "--yes", "--sample"],
            "(is_error) This tool needs a conversation in Slack",
        ),
    ],
)
def test_what_does_not_work_from_here_says_so(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "call", *argv]) == 1
    assert capsys.readouterr().out.startswith(told)


@pytest.mark.parametrize("who", [["nobody"], ["customer"], ["staff", ANA]])
def test_whoever_asks_must_be_somebody(who: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert called("lookup_customer", {"email": ANA}, "--as", *who) == 2
    assert "--as customer EMAIL" in capsys.readouterr().err


def test_the_check_finds_nothing_in_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "check", "--sample"]) == 0
    told = capsys.readouterr().out
    assert told.count("✓") == len(ARGUMENTS) + 4
    assert told.endswith("All is well.\n")


def test_the_check_says_which_back_end_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connectors = '[customers]\nkind = "http"\nurl = "http://127.0.0.1:9/customers/{email}"\n'
    (tmp_path / "connectors.toml").write_text(connectors)
    monkeypatch.setenv("CONNECTORS_FILE", "connectors.toml")
    assert main(["tools", "check"]) == 1
    told = capsys.readouterr().out
    assert "✗ back-end customers does not answer (ToolUnavailableError)" in told
    assert told.endswith("1 fault.\n")
