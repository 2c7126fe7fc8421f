"""Folders as sources, and how sources are named on the command line."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tools.connector_settings import Wires
from tools.http import http_session
from tools.knowledge_base.articles import Audience, BrokenArticleError, parse_article
from tools.knowledge_base.sources.base import Document, Expected, Known, Seen, Skipped, Source, SourceError, Unchanged
from tools.knowledge_base.sources.connector import seconds
from tools.knowledge_base.sources.folders import FolderSettings, HtmlSettings
from tools.knowledge_base.sources.html_files import HtmlFolder
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.sources.opening import open_all, settings_of


async def read(source: Source, known: Known | None = None) -> dict[str, str]:
    """What became of each document: its slug or name, and `article`, `unchanged` or why it was skipped."""
    told: dict[str, str] = {}
    async for found in source.read(known or Known()):
        match found:
            case Document(article):
                told[article.slug] = "article"
            case Unchanged(slug):
                told[slug] = "unchanged"
            case Skipped(name, why):
                told[name] = why
            case Expected():
                pass
    return told


async def documents(source: Source, known: Known | None = None) -> dict[str, Document]:
    return {f.article.slug: f async for f in source.read(known or Known()) if isinstance(f, Document)}


def write(folder: Path, name: str, text: str | bytes = "# Title\n\nText.") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


async def test_every_odd_file_is_named_and_the_rest_read(tmp_path: Path) -> None:
    folder = tmp_path / "help"
    write(folder, "good.md")
    write(folder, "deep/er/good.md")
    write(folder, ".git/config.md")
    write(folder, "notes.txt")
    write(folder, "binary.md", b"# T\n\n\x00\x01")
    write(folder, "latin.md", "# Grüße\n\nText".encode("latin-1"))
    write(folder, "huge.md", b"# T\n\n" + b"x" * 1_000_000)
    write(folder, "cyclic.md", "---\ntitle: &a [*a]\n---\nText")
    write(folder, "nested.md", f"---\ntitle: {'[' * 9000}\n---\nText")
    write(folder, "front.md", f"---\ntitle: {'x' * 30_000}\n---\nText")
    write(folder, "empty.md", "")
    (folder / "circle.md").symlink_to(folder / "circle.md")
    (folder / "dangling.md").symlink_to(folder / "nowhere.md")
    (folder / "loop").symlink_to(folder)
    (folder / "outside.md").symlink_to(write(tmp_path, "outside.md"))
    (folder / "inside.md").symlink_to(folder / "good.md")
    os.mkfifo(folder / "pipe.md")
    told = await read(MarkdownFolder(folder))
    nested = told.pop("nested.md")
    assert nested.startswith(("the front matter is nested too deeply", "the front matter is not YAML"))
    assert told.pop("cyclic.md") == "the front matter refers to parts of itself"
    assert told == {
        "good": "article",
        "inside": "article",
        "deep/er/good": "article",
        "binary.md": "binary, not text",
        "latin.md": "not UTF-8 text",
        "huge.md": "larger than 1 MB",
        "front.md": "the front matter is too long",
        "empty.md": "no title: write one into the front matter, or begin with a heading",
        "circle.md": "a link that leads nowhere",
        "dangling.md": "a link that leads nowhere",
        "loop": "a link to a folder, which is not followed",
        "outside.md": "a link to a place outside the folder",
        "pipe.md": "not a file",
    }


async def test_a_file_with_the_same_content_is_not_read_as_an_article_again(tmp_path: Path) -> None:
    first, second = write(tmp_path, "first.md"), write(tmp_path, "second.md", "# Second\n\nText.")
    folder = MarkdownFolder(tmp_path)
    known = Known({slug: Seen(d.validator, d.article.digest) for slug, d in (await documents(folder)).items()})
    os.utime(first, (1, 1))
    second.write_text("# Second\n\nChanged.")
    assert await read(folder, known) == {"first": "unchanged", "second": "article"}


async def test_what_lies_in_a_folder_that_cannot_be_listed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "open.md")
    shut = write(tmp_path, "shut/inside.md").parent
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path) == shut:
            raise PermissionError(13, "Permission denied", str(shut))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    known = Known({"shut/inside": Seen("", ""), "gone": Seen("", "")})
    assert await read(MarkdownFolder(tmp_path), known) == {
        "open": "article", "shut": "cannot be listed: Permission denied", "shut/inside": "unchanged"
    }  # fmt: skip


async def test_a_folder_shows_that_something_changed_in_it(tmp_path: Path) -> None:
    file, folder = write(tmp_path, "a.md"), MarkdownFolder(tmp_path)
    looks = [folder.signature()]
    write(tmp_path, "b.txt")
    assert folder.signature() == looks[0]
    for change in (lambda: file.write_text("# Longer\n\nText."), lambda: write(tmp_path, "b.md"), file.unlink):
        change()
        looks.append(folder.signature())
    assert len(set(looks)) == 4


async def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "nowhere", "not a folder"), (tmp_path, "no Markdown files")):
        with pytest.raises(SourceError, match=why):
            await read(MarkdownFolder(path))


async def test_html_files_become_articles_in_whatever_encoding_they_name(tmp_path: Path) -> None:
    page = "<html lang='de-AT'><head><meta charset='{}'><title>Hilfe</title></head><body><h1>Grüße</h1><p>Schöner Text"
    write(tmp_path, "utf.html", page.format("utf-8").encode())
    write(tmp_path, "old.htm", page.format("iso-8859-1").encode("latin-1"))
    write(tmp_path, "wrong.html", page.format("ascii").encode())
    write(tmp_path, "odd.html", page.format("unicode_escape").encode())
    write(tmp_path, "empty.html", "<html><body></body></html>")
    told = await read(HtmlFolder(tmp_path))
    assert told["wrong.html"] == told["odd.html"] == "not written in the encoding it names"
    assert told["empty.html"] == "no text"
    found = await documents(HtmlFolder(tmp_path, audience=Audience.INTERNAL, category="account"))
    assert set(found) == {"html/utf", "html/old"}
    for document in found.values():
        article = document.article
        assert (article.title, article.body, article.language) == ("Grüße", "Schöner Text", "de")
        assert (article.audience, article.category, article.url) == (Audience.INTERNAL, "account", "")


def test_an_article_may_say_its_language() -> None:
    def language(value: str) -> str:
        return parse_article(f"---\ntitle: T\nlanguage: {value}\n---\nText", "t").language

    assert [language(value) for value in ("de", "pt-BR", "EN_us", "no", "")] == ["de", "pt", "en", "no", ""]
    with pytest.raises(BrokenArticleError, match="language"):
        language("english")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("folder:{}", FolderSettings(kind="folder", path=Path("{}"))),
        ("{}", FolderSettings(kind="folder", path=Path("{}"))),
        ("folder:book={}", FolderSettings(kind="folder", path=Path("{}"), name="book")),
        ("html:{}", HtmlSettings(kind="html", path=Path("{}"))),
    ],
)
def test_a_source_can_be_written_in_a_word(text: str, settings: FolderSettings | HtmlSettings, tmp_path: Path) -> None:
    wanted = settings.model_copy(update={"path": tmp_path})
    assert settings_of(text.format(tmp_path), {}) == wanted


def test_a_folder_of_nothing_but_html_is_read_as_such(tmp_path: Path) -> None:
    write(tmp_path, "page.html")
    assert isinstance(settings_of(str(tmp_path), {}), HtmlSettings)
    write(tmp_path, "deep/page.md")
    assert isinstance(settings_of(str(tmp_path), {}), FolderSettings)


@pytest.mark.parametrize("text", ["gopher:x", "folder:", "folder:.T1=x", "folder:a/b=x"])
def test_what_is_no_source_is_told(text: str) -> None:
    with pytest.raises(SourceError, match=text.partition(":")[0]):
        settings_of(text, {})


async def test_two_sources_of_one_name_are_refused(wires: Wires, tmp_path: Path) -> None:
    def opened(*texts: str) -> Sequence[str]:
        return [one.source.name for one in open_all([settings_of(text, {}) for text in texts], wires)]

    assert opened(str(tmp_path), f"folder:book={tmp_path}") == ["folder", "folder:book"]
    with pytest.raises(SourceError, match="two sources called folder"):
        opened(str(tmp_path), f"folder:{tmp_path}")


def test_times_are_written_with_their_unit() -> None:
    assert [seconds(text) for text in ("90s", "30m", "1h", "2 D")] == [90, 1800, 3600, 172_800]
    for wrong in ("", "1", "1w", "59s", "0h", "-1h", 3600):
        with pytest.raises(ValueError, match="write a time"):
            seconds(wrong)


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    async with AsyncExitStack() as stack:
        yield Wires(await stack.enter_async_context(http_session()), stack)


def known(found: dict[str, Document]) -> Known:
    return Known({slug: Seen(one.validator, one.article.digest) for slug, one in found.items()})


async def test_what_became_internal_does_not_stay_public_because_its_file_is_broken(tmp_path: Path) -> None:
    head, text = "---\naudience: {}\ncategory: {}\n---\n", "# Title\n\nText."
    for name, audience in (("open", "public"), ("closing", "public"), ("closed", "internal"), ("slip", "public")):
        write(tmp_path, f"{name}.md", head.format(audience, "product") + text)
    before = known(await documents(MarkdownFolder(tmp_path)))
    write(tmp_path, "open.md", head.format("public", "none of ours") + text)
    for name in ("closing", "closed"):
        write(tmp_path, f"{name}.md", head.format("internal", "none of ours") + text)
    write(tmp_path, "slip.md", "---\nAudience = 'internal'\n" + text)
    skipped = [f async for f in MarkdownFolder(tmp_path).read(before) if isinstance(f, Skipped)]
    assert {one.name: one.slug for one in skipped} == {
        "open.md": "open", "closed.md": "closed", "closing.md": "", "slip.md": "",
    }  # fmt: skip


async def test_a_folder_of_html_that_became_internal_keeps_nothing_public(tmp_path: Path) -> None:
    page = write(tmp_path, "page.html", "<h1>Title</h1><p>Text.")
    before = known(await documents(HtmlFolder(tmp_path)))
    page.write_text("<div>" * 500)
    for audience, slug in ((Audience.PUBLIC, "html/page"), (Audience.INTERNAL, "")):
        source = HtmlFolder(tmp_path, audience=audience)
        assert [f.slug async for f in source.read(before) if isinstance(f, Skipped)] == [slug]
