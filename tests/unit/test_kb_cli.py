"""`deskhand kb` as an author types it."""

import asyncio
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli.kb_import import _Watched
from bot.cli.progress import Progress
from bot.config import Settings
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from tests.fakes.tools import asked_by
from tools.knowledge_base.band import Band
from tools.knowledge_base.gaps import GapBook
from tools.knowledge_base.schedule import Schedule
from tools.knowledge_base.sources.markdown import MarkdownFolder

PAGE = "<html><head><title>Dark mode</title></head><body><h1>Dark mode</h1><p>Switch it on in your profile.</p></body>"


@pytest.fixture(autouse=True)
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("EMBEDDER", "none")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///desk.db")
    monkeypatch.chdir(tmp_path)
    for folder, name, text in (
        ("md", "refunds.md", "---\ntitle: Refunds\nupdated: 2020-01-31\n---\nRefunds are paid within 30 days."),
        ("md", "password.md", "# Password\n\nReset it on the sign-in page."),
        ("md", "broken.md", "---\ntitle: ["),
        ("pages", "dark.html", PAGE),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    yield
    root.handlers, _ = before
    root.setLevel(before[1])


def typed(*words: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> list[str]:
    assert main(["kb", *words]) == code
    return capsys.readouterr().out.splitlines()


def test_a_dry_run_names_what_would_change_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = typed("import", "md", "--dry-run", capsys=capsys)
    assert told[0].startswith("would be: 2 imported, 0 unchanged, 0 removed, 1 skipped")
    assert set(told[1:3]) == {"would import password", "would import refunds"}
    assert told[3].startswith("skipped broken.md: ")
    assert "empty" in typed("sources", capsys=capsys, code=1)[0]


def test_several_sources_are_read_and_told_apart_and_one_removed(capsys: pytest.CaptureFixture[str]) -> None:
    told = typed("import", "md", "pages", "nowhere", capsys=capsys, code=1)
    assert told == ["There are two sources called folder; each would remove what the other holds. "
                    "Name them, e.g. folder:handbook=./handbook."]  # fmt: skip
    told = typed("import", "md", "pages", "folder:book=nowhere", capsys=capsys, code=1)
    assert [line.partition(":")[0] for line in told] == ["folder", "skipped broken.md", "html", "folder"]
    assert told[-1].startswith("folder:book: nowhere is not a folder")
    listed = typed("sources", capsys=capsys)
    assert [line.rpartition(",")[0] for line in listed] == ["folder: 2 articles", "html: 1 article"]
    assert typed("search", "dark mode", capsys=capsys)[0] == "1. Dark mode  kb://html/dark"
    assert typed("remove", "html", capsys=capsys) == ["1 removed."]
    assert typed("search", "dark mode", capsys=capsys, code=1)[0].startswith("Nothing fits")
    typed("remove", "html", capsys=capsys, code=1)


def test_the_sources_tell_how_the_bots_own_reading_ended(capsys: pytest.CaptureFixture[str]) -> None:
    typed("import", "md", capsys=capsys)

    async def read_by_the_bot() -> None:
        engine = create_engine("sqlite:///desk.db")
        schedule = Schedule(engine, lambda: 1.0)
        assert await schedule.claim("web:help.example")
        await schedule.done("web:help.example", again_in=60, told="the site answers 503")
        await engine.dispose()

    asyncio.run(read_by_the_bot())
    listed = typed("sources", capsys=capsys)
    assert listed[1] == "web:help.example: no articles; last reading by the bot: the site answers 503"


def test_without_a_source_those_that_are_set_are_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("import", capsys=capsys, code=1)[0].startswith("Nothing to import")
    Path("connectors.toml").write_text('[[knowledge]]\nkind = "html"\npath = "pages"\nevery = "30m"\n')
    monkeypatch.setenv("CONNECTORS_FILE", "connectors.toml")
    monkeypatch.setenv("KNOWLEDGE_DIR", "md")
    told = typed("import", capsys=capsys)
    assert [line.partition(" ")[0] for line in told] == ["folder:", "skipped", "html:"]


@pytest.mark.parametrize("table", ['kind = "html"', 'kind = "gopher"', 'kind = "html"\npath = "x"\nevery = "5s"'])
def test_a_wrong_table_is_told_with_its_place(
    table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("connectors.toml").write_text(f"[[knowledge]]\n{table}\n")
    monkeypatch.setenv("CONNECTORS_FILE", "connectors.toml")
    assert main(["kb", "import"]) == 2
    assert capsys.readouterr().err.startswith("CONNECTORS_FILE: connectors.toml: knowledge.0")


def test_only_folders_can_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kb", "import", "zendesk:acme", "--watch"]) == 2
    assert "use --every 30m" in capsys.readouterr().err


def test_what_is_no_source_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no source of kind 'gopher'" in typed("import", "gopher:x", capsys=capsys, code=1)[0]
    with pytest.raises(SystemExit):
        main(["kb", "import", "md", "--every", "5s"])


def test_old_articles_are_listed_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    typed("import", "md", capsys=capsys)
    head, columns, *rest = typed("stale", capsys=capsys)
    assert head == "1 of 2 articles was not updated for 180 days; 1 has no date."
    assert columns == "Answers of the last 30 days that cite it, updated, article:"
    assert [line[:17].strip() for line in rest] == ["0  2020-01-31", "0  no date"]


def test_what_articles_say_does_not_reach_the_terminal_as_commands(capsys: pytest.CaptureFixture[str]) -> None:
    Path("md/odd.md").write_text('---\ntitle: "Odd \\e]0;owned\\a"\n---\nZebras wear \x1b[2Jxylophones.')
    Path("md/\x1b[2Jbroken.md").write_text("---\ntitle: [")
    told = typed("import", "md", capsys=capsys)
    told += [*typed("stale", capsys=capsys), *typed("search", "zebras xylophones", capsys=capsys)]
    assert [line for line in told if "Odd ]0;owned" in line]
    assert not [line for line in told if not line.isprintable()]


def test_what_was_asked_in_vain_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("gaps", capsys=capsys) == ["Nothing was asked in vain in the last 30 days."]

    async def note() -> None:
        engine = create_engine("sqlite:///desk.db")
        await GapBook(engine, system_clock).note("Is there a dark mode?", Band.NONE, asked_by(None))
        await engine.dispose()

    asyncio.run(note())
    head, _, gap = typed("gaps", capsys=capsys)
    assert head == "1 gap, asked 1 time in 30 days."
    assert gap.endswith("  nothing found                         Is there a dark mode?")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_at_a_terminal_and_a_few_lines_elsewhere() -> None:
    terminal, file = Terminal(), StringIO()
    for out in (terminal, file):
        progress = Progress(out)
        for done in range(1, 1001):
            progress.show("embedding", done, 1000)
        progress.clear()
    assert "█" * 24 + " 1,000/1,000" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue().splitlines() == [f"embedding {n}/1,000" for n in ("200", "400", "600", "800", "1,000")]


def test_an_import_that_would_take_most_articles_away_needs_force(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    many = [tmp_path / "many" / f"a{n:02}.md" for n in range(24)]
    many[0].parent.mkdir()
    for file in many:
        file.write_text(f"# About {file.stem}\n\nText.")
    typed("import", "many", capsys=capsys)
    for file in many[:13]:
        file.unlink()
    dry = typed("import", "many", "--dry-run", capsys=capsys)
    assert dry[0].startswith("would be: 0 imported, 11 unchanged, 13 removed")
    assert dry[-1].startswith("It would be refused: 13 of the 24 articles of folder would go.")
    refused = typed("import", "many", capsys=capsys, code=1)
    assert refused[-1].startswith("13 of the 24 articles of folder would go. Nothing was changed")
    assert "`deskhand kb import SOURCE --force`" in refused[-1]
    assert "24 articles" in typed("sources", capsys=capsys)[0]
    assert typed("import", "many", "--force", capsys=capsys)[0].startswith("0 imported, 11 unchanged, 13 removed")


def test_a_watched_folder_is_imported_when_it_changed_and_again_after_a_failure() -> None:
    folder = _Watched(MarkdownFolder(Path()), tried=1, has_failed=False, again_at=0.0)
    looks = [(1, 0.0), (1, 1.0), (2, 2.0), (2, 3.0)]
    assert [folder.is_due(*look) for look in looks] == [False, False, False, True], "changed, and still for a moment"
    folder.imported(well=False, now=3.0)
    assert [folder.is_due(2, now) for now in (4.0, 62.9, 63.0)] == [False, False, True]
    folder.imported(well=False, now=63.0)
    assert [folder.is_due(3, now) for now in (64.0, 65.0)] == [False, True], "somebody may have mended it"
    folder.imported(well=True, now=65.0)
    assert not folder.is_due(3, 1000.0)
