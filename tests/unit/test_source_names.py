"""How services and websites are named on the command line and in the connectors file."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tools.connector_settings import Wires
from tools.connectors import ConnectorsError, load_connectors
from tools.http import http_session
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.opening import open_all, settings_of

SECRET = "tok-0123456789-very-secret"
ENV = dict.fromkeys(("ZENDESK_TOKEN", "NOTION_TOKEN", "CONFLUENCE_TOKEN", "WIKI_TOKEN"), SECRET)
DATA_SOURCE = "d" * 32


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://help.fernway.example", "web:help.fernway.example/"),
        ("https://help.fernway.example/hc/en-us", "web:help.fernway.example/hc/en-us"),
        ("web:https://help.fernway.example/sitemap.xml", "web:help.fernway.example/sitemap.xml"),
        ("zendesk:fernway", "zendesk:fernway.zendesk.com"),
        ("zendesk:help.fernway.example:agent@fernway.example", "zendesk:help.fernway.example"),
        ("notion:", "notion:"),
        (f"notion:{DATA_SOURCE}", f"notion:{DATA_SOURCE}"),
        ("confluence:fernway/HELP,OPS:agent@fernway.example", "confluence:fernway.atlassian.net/HELP,OPS"),
    ],
)
async def test_a_word_on_the_command_line_is_a_source(text: str, name: str) -> None:
    async with http_session() as session, AsyncExitStack() as closing:
        [opened] = open_all([settings_of(text, ENV)], Wires(session, closing))
        assert opened.source.name == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("zendesk:", "write zendesk:SUBDOMAIN"),
        ("zendesk:https://fernway.zendesk.com", "write zendesk:SUBDOMAIN"),
        ("confluence:fernway", "write confluence:SITE/SPACE:E-MAIL"),
        ("notion:my database", "0: String should match"),
        ("https://", "url"),
        ("gopher:x", "there is no source of kind 'gopher'"),
    ],
)
def test_what_is_no_source_is_told_how_to_be_written(text: str, why: str) -> None:
    with pytest.raises(SourceError) as failure:
        settings_of(text, ENV)
    assert f"{text}: " in str(failure.value)
    assert why in str(failure.value)


def test_without_its_token_a_service_says_which_variable_is_missing() -> None:
    with pytest.raises(SourceError, match="the environment variable NOTION_TOKEN is not set"):
        settings_of("notion:", {})


FILE = """
[[knowledge]]
kind = "web"
url = "https://help.fernway.example/help/"
exclude = ["/changelog"]
categories = {"/billing/" = "billing"}
every = "6h"

[[knowledge]]
kind = "zendesk"
url = "https://fernway.zendesk.com"
user = "agent@fernway.example"
token_env = "ZENDESK_TOKEN"
locales = ["en-us", "de"]
categories = {"Billing & plans" = "billing"}

[[knowledge]]
kind = "notion"
token_env = "NOTION_TOKEN"
audience = "public"

[[knowledge]]
kind = "confluence"
url = "https://api.atlassian.com/ex/confluence/11111111-2222"
token_env = "WIKI_TOKEN"
spaces = ["HELP"]
"""


async def test_the_connectors_file_names_any_number_of_sources(tmp_path: Path) -> None:
    path = tmp_path / "connectors.toml"
    path.write_text(FILE)
    told = load_connectors(str(path), ENV)
    assert SECRET not in repr(told) + str(told)
    async with http_session() as session, AsyncExitStack() as closing:
        opened = open_all(told.knowledge, Wires(session, closing))
    assert [one.source.name for one in opened] == [
        "web:help.fernway.example/help/", "zendesk:fernway.zendesk.com", "notion:",
        "confluence:api.atlassian.com/ex/confluence/11111111-2222/HELP",
    ]  # fmt: skip
    assert [one.every for one in opened] == [21_600, 3600, 3600, 3600]


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ('kind = "web"\nurl = "help.fernway.example"', "url"),
        ('kind = "zendesk"\nurl = "http://fernway.zendesk.com"', "url"),
        ('kind = "zendesk"\nurl = "https://fernway.zendesk.com"\ncategories = {x = "refunds"}', "categories"),
        ('kind = "notion"\ntoken_env = "tok-0123456789"', "token_env"),
        ('kind = "confluence"\nurl = "https://f.example"\ntoken_env = "WIKI_TOKEN"\nspaces = []', "spaces"),
        ('kind = "confluence"\nurl = "https://f.example"\ntoken_env = "WIKI_TOKEN"\nspaces = ["A\\"B"]', "spaces"),
    ],
)  # fmt: skip
def test_a_slip_in_the_file_is_named_with_its_place(tmp_path: Path, table: str, place: str) -> None:
    path = tmp_path / "connectors.toml"
    path.write_text(f"[[knowledge]]\n{table}\n")
    with pytest.raises(ConnectorsError) as failure:
        load_connectors(str(path), ENV)
    assert place in str(failure.value)
    assert "tok-" not in str(failure.value)
