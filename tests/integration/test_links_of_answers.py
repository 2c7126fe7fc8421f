"""Where links of answers may lead: hosts of public articles as they are now, and those of the settings."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.agent.links import Links
from bot.agent.toolbox import Evidence
from bot.config import SettingsError, load_settings
from tests.fakes.tools import HeldClock
from tools.backends import open_backends
from tools.knowledge_base.sources.markdown import MarkdownFolder

URL = "https://help.acme.example/guide?lang=de"


def article(folder: Path, name: str, url: str, audience: str = "public") -> None:
    folder.mkdir(exist_ok=True)
    head = f"title: {name}\ncategory: product\nurl: {url}\nupdated: 2026-01-01\naudience: {audience}"
    (folder / f"{name}.md").write_text(f"---\n{head}\n---\nHow it works.\n", encoding="utf-8")


@pytest.fixture
def engine(tmp_path: Path) -> AsyncEngine:
    return create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")


async def test_a_new_article_opens_its_host_for_links_unless_it_is_for_staff(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    backends = await open_backends(engine, clock=HeldClock())
    shelf = backends.of_home("T1")
    assert shelf.hosts is not None
    links = Links(shelf.hosts, ["app.acme.example"])
    text = "See https://help.acme.example/a, https://wiki.acme.example/b and https://app.acme.example/c"
    assert await links.clean(text) == "See `help.acme.example/a`, `wiki.acme.example/b` and https://app.acme.example/c"
    article(tmp_path / "help", "guide", URL)
    article(tmp_path / "help", "secret", "https://wiki.acme.example/b", audience="internal")
    await backends.importer.run(MarkdownFolder(tmp_path / "help"))
    assert "See https://help.acme.example/a, `wiki.acme.example/b`" in await links.clean(text)
    assert (await (backends.of_guest("T2", trusted=False).hosts or shelf.hosts)(internal=False)) == {
        "help.acme.example"
    }
    among_staff = await links.polish(internal=True)
    assert "https://wiki.acme.example/b" in among_staff(text, ())
    await engine.dispose()


async def test_a_query_stays_only_when_the_address_stands_in_an_article_that_was_found() -> None:
    async def hosts(*, internal: bool) -> frozenset[str]:
        return frozenset({"help.acme.example"})

    polish = await Links(hosts).polish()
    found = Evidence("search_knowledge_base", "{}", f"Guide ({URL})\nHow it works.")
    assert polish(f"[Guide]({URL})", [found]) == f"[Guide]({URL})"
    assert polish(f"[Guide]({URL})", []) == "[Guide](https://help.acme.example/guide)"
    assert (
        polish(f"[Guide]({URL})", [Evidence("acme__lookup", "{}", URL)]) == "[Guide](https://help.acme.example/guide)"
    )


def test_link_domains_are_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"LINK_DOMAINS": "App.acme.example, https://docs.acme.example/"}).link_hosts == {
        "app.acme.example", "docs.acme.example",
    }  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        load_settings({"LINK_DOMAINS": "our site"})
    assert "'our site' is no domain" in caught.value.lines[0]
