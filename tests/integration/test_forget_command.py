"""`deskhand forget` and `deskhand audit verify`, as an operator types them."""

import asyncio
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli import forget
from bot.domain.audit import AuditEntry
from bot.domain.conversation import Line, Speaker
from tests.contract.store_kit import NOW, THREAD, conversation, open_store


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database in which Ana wrote something, and Sam decided about it."""
    file = tmp_path / "desk.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setattr(forget, "AGAIN_SECONDS", 0.0)

    async def fill() -> None:
        async with open_store(f"sqlite:///{file}") as store, store.write() as tx:
            await tx.conversations.open(replace(conversation(), opened_by="U0ANA"))
            await tx.conversations.add_lines(THREAD.id, Line(Speaker.CUSTOMER, "Ana", "Where is my order?", NOW))
            await tx.audit.add(AuditEntry(NOW, "T1", "U0SAM", "case.approve", "E1", "", THREAD.id, "", "", "Dear Ana"))

    asyncio.run(fill())
    return file


def dump(file: Path) -> str:
    connection = sqlite3.connect(file)
    text = "\n".join(connection.iterdump())
    connection.close()
    return text


def test_a_person_is_forgotten_and_the_log_stays_whole(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "U0ANA", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"\b1\s+transcript_lines", shown)
    assert "Slack" in shown, "it says what it cannot reach"
    assert main(["forget", "U0ANA"]) == 1, "nobody can be asked here"
    assert "Nothing was erased" in capsys.readouterr().out
    assert "Where is my order?" in dump(file)
    assert main(["forget", "U0ANA", "--yes"]) == 0
    assert "1 conversations of their own" in capsys.readouterr().out
    assert not re.search(r"U0ANA|my order|Dear Ana", dump(file))
    assert main(["forget", "U0ANA", "--workspace", "T1", "--yes"]) == 0
    assert "Nothing is kept of U0ANA" in capsys.readouterr().out
    assert main(["audit"]) == 0
    assert "person.forget" in capsys.readouterr().out
    assert main(["audit", "verify"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("T1: 2 entries, all as they were written. Head: ")
    head = told.split()[-1]
    assert main(["audit", "verify", "--head", head]) == 0
    assert main(["audit", "verify", "--head", "f" * 64]) == 1


def test_a_broken_log_is_told_with_exit_code_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(file)
    connection.executescript("drop trigger audit_kept; update audit set after = 'Dear Bo';")
    connection.close()
    assert main(["audit", "verify"]) == 1
    assert capsys.readouterr().out.startswith("T1: BROKEN. Entry 1 (2027-01-15 08:00:00, case.approve) was changed.")


@pytest.mark.usefixtures("file")
def test_who_is_unknown_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "U0NOBODY", "--yes"]) == 1
    assert "Nothing is known of U0NOBODY" in capsys.readouterr().err
    assert main(["forget", "ana@example.com", "--workspace", "T1"]) == 1
    assert "is no user id" in capsys.readouterr().err
