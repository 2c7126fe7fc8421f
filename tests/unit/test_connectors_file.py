"""The connectors file: what is wrong with it is told with place and remedy, and never shows a secret."""

from pathlib import Path

import pytest

from tools.connectors import NO_CONNECTORS, ConnectorsError, load_connectors

HUBSPOT = '[customers]\nkind = "hubspot"\ntoken_env = "HUBSPOT_TOKEN"\n'
TOKEN = "pat-na1-very-secret"
HTTP = '[customers]\nkind = "http"\nurl = "https://crm.example/{email}"\n'


def load(tmp_path: Path, text: str, **environment: str) -> str:
    """What is told of it; empty when all is well."""
    file = tmp_path / "connectors.toml"
    file.write_text(text, encoding="utf-8")
    lines: list[str] = []
    try:
        load_connectors(str(file), {"HUBSPOT_TOKEN": TOKEN, **environment})
    except ConnectorsError as error:
        lines = error.lines
    assert all(str(file) in line for line in lines)
    assert TOKEN not in "".join(lines)
    return "\n".join(lines).replace(str(file), "FILE")


def sql(query: str, url: str = "CRM_URL") -> str:
    return f'[customers]\nkind = "sql"\nurl_env = "{url}"\nquery = "{query}"'


def test_without_a_file_the_bots_own_database_is_used() -> None:
    assert load_connectors("", {}) is NO_CONNECTORS
    assert NO_CONNECTORS.customers is None


def test_a_secret_comes_from_the_environment_and_shows_nowhere(tmp_path: Path) -> None:
    assert load(tmp_path, HUBSPOT) == ""
    connectors = load_connectors(str(tmp_path / "connectors.toml"), {"HUBSPOT_TOKEN": TOKEN})
    assert TOKEN not in f"{connectors!r} {connectors}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[customers", "FILE: is not TOML"),
        ('[customers]\nkind = "salesforce"', "FILE: customers: Input tag 'salesforce'"),
        ("[customers]\n", "FILE: customers: "),
        ("[clients]\n", "FILE: clients: there is no such key here"),
        (HUBSPOT + 'tokn = "x"', "FILE: customers.tokn: there is no such key here"),
        ('[customers]\nkind = "hubspot"', "FILE: customers.token_env: missing. Set it."),
        (HUBSPOT.replace("HUBSPOT_TOKEN", "OTHER_TOKEN"), "the environment variable OTHER_TOKEN is not set"),
        (HUBSPOT.replace("HUBSPOT_TOKEN", TOKEN), "write the name of an environment variable"),
        (HUBSPOT.replace("HUBSPOT_TOKEN", "BROKEN"), "BROKEN holds characters that no token has"),
        (HUBSPOT + 'url = "http://hub.example"', "FILE: customers.url: use an address that starts with https://"),
        (HUBSPOT + 'url = "https://ana:pw@hub.example"', "without a user name or password"),
        (HUBSPOT + 'fields.shoe_size = "x"', "FILE: customers.fields.shoe_size"),
        (HTTP.replace("{email}", "ana"), "FILE: customers.url: put {email} where the address"),
        (HTTP.replace("crm.example/", "{email}.example/"), "put {email} where the address"),
        (HTTP + 'fields.name = "a..b"', "is no JMESPath expression"),
        (HTTP + 'prefix = "Token\\n"', "FILE: customers.prefix: String should match"),
        (HTTP + 'history = "x"', "history needs history_fields"),
        (HTTP + 'history_url = "https://other.example/{email}"', "at the same server as url"),
        (sql("delete from people where email = :email"), "use one SELECT"),
        (sql("select 1; drop table people -- :email"), "use one SELECT"),
        (sql("select * from people"), "the query must ask for :email"),
        (sql("select :email, :name"), "the query must ask for :email"),
        (sql("select :email", "ASYNC_URL"), "FILE: customers.url_env: is no database URL"),
        (sql("select :email", "ODD_URL"), "FILE: customers.url_env: is no database URL"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in load(
        tmp_path,
        text,
        CRM_URL="sqlite:///x.db",
        ODD_URL="nosuchdb://x",
        ASYNC_URL="sqlite+aiosqlite:///x",
        BROKEN="two\nlines",
    )


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConnectorsError, match=r"cannot be read .No such file.*CONNECTORS_FILE"):
        load_connectors(str(tmp_path / "none.toml"), {})
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConnectorsError, match="not UTF-8"):
        load_connectors(str(tmp_path / "bad.toml"), {})
