"""`deskhand audit`: what operators read of who decided what."""

import asyncio
import csv
import io
import os
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.domain.audit import AuditEntry
from tests.contract.store_kit import NOW, THREAD, open_store

EDIT = AuditEntry(NOW, "T1", "U0SAM", "case.edit", "esc-1", "", THREAD.id, "d" * 64, "old", '=HYPERLINK("x")')
LIMIT = AuditEntry(NOW + 60, "T1", "U0GRACE", "limit.set", "T1", "at most $20.00 per day")


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)

    async def fill() -> None:
        async with open_store(url) as store, store.write() as tx:
            await tx.audit.add(EDIT, LIMIT)

    asyncio.run(fill())


@pytest.mark.usefixtures("filled")
def test_each_deed_is_a_line_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2027-01-15 08:00:00  U0SAM")
    assert "case.edit" in first
    assert "digest dddddddddddd" in first
    assert second.endswith("at most $20.00 per day")


@pytest.mark.usefixtures("filled")
def test_of_one_conversation_only_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--conversation", THREAD.id]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["audit", "--conversation", "nowhere"]) == 0
    assert "Nothing has been decided" in capsys.readouterr().out


@pytest.mark.usefixtures("filled")
def test_the_table_is_whole_and_no_cell_of_it_is_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["action"] for row in rows] == ["case.edit", "limit.set"]
    assert (rows[0]["before"], rows[0]["after"], rows[0]["digest"]) == ("old", '\'=HYPERLINK("x")', "d" * 64)


@pytest.mark.usefixtures("filled")
def test_the_table_has_every_entry_and_the_terminal_the_last_ones(capsys: pytest.CaptureFixture[str]) -> None:
    async def fill() -> None:
        async with open_store(os.environ["DATABASE_URL"]) as store, store.write() as tx:
            await tx.audit.add(*[LIMIT] * 250)

    asyncio.run(fill())
    assert main(["audit"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 200
    assert main(["audit", "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 252
    assert main(["audit", "--csv", "--last", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3
