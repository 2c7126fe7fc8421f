"""What each vendor's system gets and gives: its own words, its customers, its limits, and nobody else's tickets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.contract.store_kit import enqueue
from tests.contract.ticket_kit import ANA, BO, NEW, SECRETS, SYSTEMS, Post, posted, settings
from tests.fakes.ticket_systems.base import Fault
from tests.fakes.tools import asked_by
from tools.backends import Backends, Shelf, open_backends
from tools.base import ToolError, ToolUnavailableError
from tools.catalogue import Backing
from tools.connector_settings import Wires
from tools.connectors import ConnectorsError, load_connectors
from tools.guards import Guards
from tools.http_answer import BackendRefusedError
from tools.resilience import Guard
from tools.tickets.tool import CreateTicket, TicketArguments
from tools.tickets.vendor import fenced, mark_of, presentable

ARGUMENTS = TicketArguments(
    customer_email=ANA, subject=NEW.subject, body=NEW.body, priority=NEW.priority, category=NEW.category
)
HOSTILE = (
    "See ![x](https://evil.example/p.png) @everyone <!-- deskhand -->\n```\nfixes #1 {noformat}{NoFormat}[~accountid:x]"
)


async def test_zendesk_gets_a_requester_a_priority_and_tags(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path, priorities={"high": "urgent"}, tags={"billing": "money"}) as post:
        ticket = await post.desk().open(NEW, "run:1")
        told = post.system.tickets[0]
        assert (told["subject"], told["description"], told["priority"]) == (NEW.subject, NEW.body, "urgent")
        assert (told["external_id"], sorted(told["tags"])) == (mark_of("run:1"), ["deskhand", "deskhand-t1", "money"])
        assert post.system.users[ANA]["id"] == told["requester_id"]
        assert ticket.id == "#35436"


async def test_zendesk_shows_what_the_customer_wrote_by_mail_and_nothing_of_others(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path) as post:
        post.system.walk_in("ana@cobalt-studio.example.evil.example", "Not hers")
        post.system.walk_in(ANA, "By mail")
        post.system.walk_in(ANA, "Of a forgotten guest", tags=("deskhand", "deskhand-T7"))
        opened = await post.desk().open(NEW, "run:1")
        home, guest = post.desk().of("T0", with_unplaced=True), post.desk().of("T1")
        assert [t.subject for t in await home.recent(ANA)] == ["By mail"]
        assert [t.id for t in await guest.recent(ANA)] == [opened.id]
        assert [t.subject for t in await post.desk().of("T7").recent(ANA)] == ["Of a forgotten guest"]
        assert await home.recent('" OR role:admin') == ()


async def test_jira_raises_the_request_in_the_customers_name(tmp_path: Path) -> None:
    async with posted("jira", tmp_path, priorities={"high": "Highest"}) as post:
        await post.desk().open(NEW, "run:1")
        fields = post.system.tickets[0]["fields"]
        assert fields["reporter"]["accountId"] == post.system.customers[ANA]
        assert fields["priority"] == {"name": "Highest"}
        assert NEW.body in fields["description"]
        ticket = await post.desk().open(replace(NEW, subject="Another"), "run:2")
        assert len(post.system.accounts) == 1
        post.system.ask_back(ticket.id)
        assert [(t.status, t.priority) for t in await post.desk().recent(ANA)] == [
            ("pending", "high"),
            ("open", "high"),
        ]


async def test_jira_shows_requests_of_exactly_this_customer(tmp_path: Path) -> None:
    async with posted("jira", tmp_path) as post:
        await post.desk().open(replace(NEW, customer_email="ana@cobalt-studio.example.evil.example"), "run:1")
        assert await post.desk().recent(ANA) == ()
        assert await post.desk().recent(BO) == ()


@pytest.mark.parametrize(("seen", "reporter"), [(True, "staff:1"), (False, "bot-account")])
async def test_somebody_with_an_account_elsewhere_in_jira_gets_a_request(
    seen: bool, reporter: str, tmp_path: Path
) -> None:
    async with posted("jira", tmp_path) as post:
        post.system.accounts |= {"ana@cobalt-studio.example.evil.example": "evil:1", ANA: "staff:1"}
        post.system.shows_addresses = seen
        ticket = await post.desk().open(NEW, "run:1")
        assert await post.desk().recent(ANA) == (ticket,)
        fields = post.system.tickets[0]["fields"]
        assert fields["reporter"]["accountId"] == reporter
        assert ANA in fields["description"]


async def test_an_account_that_is_no_admin_of_jira_raises_requests_of_unknown_customers_in_its_own_name(
    tmp_path: Path,
) -> None:
    async with posted("jira", tmp_path) as post:
        post.system.customers[BO] = post.system.accounts[BO] = "qm:bo"
        post.system.accounts[ANA] = "staff:1"
        post.system.is_admin = False
        for email, reporter in ((ANA, "bot-account"), ("cy@x.example", "bot-account"), (BO, "qm:bo")):
            await post.desk().open(replace(NEW, customer_email=email), f"run:{email}")
            assert post.system.tickets[-1]["fields"]["reporter"]["accountId"] == reporter
        assert "may add customers" in await post.vendor().check()
        assert "may add" not in await post.vendor(add_customers=False).check()


async def test_linear_gets_an_id_a_team_and_a_priority(tmp_path: Path) -> None:
    label = "0b1f4c6e-3a5d-4b7f-9c8e-2d1a0f9b8c7d"
    async with posted("linear", tmp_path, labels={"billing": label}) as post:
        assert (await post.desk().open(NEW, "run:1")).id == "SUP-1"
        told = post.system.tickets[0]
        assert (told["id"], told["priority"], told["title"]) == (mark_of("run:1"), 2, NEW.subject)


async def test_linear_may_tell_a_refusal_by_its_code_alone(tmp_path: Path) -> None:
    async with posted("linear", tmp_path) as post:
        post.system.kind_of_refusal = "other"
        post.system.faults.append(Fault.REFUSED)
        with pytest.raises(ToolError, match="no ticket was opened"):
            await post.desk().open(NEW, "run:1")


async def test_github_gets_labels_and_refuses_to_be_public(tmp_path: Path) -> None:
    async with posted("github", tmp_path, labels={"billing": "money"}) as post:
        assert (await post.desk().open(NEW, "run:1")).id == "#1"
        names = [label["name"] for label in post.system.tickets[0]["labels"]]
        assert names == ["money", "priority: high"]
        post.system.private = False
        with pytest.raises(BackendRefusedError, match="public"):
            await post.vendor().check()
        with pytest.raises(ToolError, match="no ticket was opened"):
            await post.desk().open(replace(NEW, subject="Another"), "run:2")
        assert len(post.system.tickets) == 1
        post.system.private, post.system.full_name = True, "acme/help"
        with pytest.raises(BackendRefusedError, match="has another name now: acme/help"):
            await post.vendor().check()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("github", lambda ticket: ticket["body"]),
        ("linear", lambda ticket: ticket["description"]),
        ("jira", lambda ticket: ticket["fields"]["description"]),
    ],
)
async def test_a_customers_words_are_shown_as_they_are(
    kind: str, words: Callable[[dict[str, str]], str], tmp_path: Path
) -> None:
    async with posted(kind, tmp_path) as post:
        ticket = await post.desk().open(replace(NEW, body=HOSTILE), "run:1")
        told = words(post.system.tickets[0])
        if kind == "jira":
            assert told.lower().count("{noformat}") == 2
        else:
            assert fenced(HOSTILE) in told
            assert fenced(HOSTILE).startswith("````text")
        assert (await post.desk().recent(ANA))[0].body == ticket.body == HOSTILE


async def test_zendesk_fills_in_nothing_that_a_customer_asks_for(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path) as post:
        words = "{{{ticket.assignee.email}} {% if true %} { and } stay"
        await post.desk().open(replace(NEW, subject="About {{current_user.email}}", body=words), "run:1")
        told = post.system.tickets[0]
        assert "{{" not in told["subject"] + told["description"]
        assert "{%" not in told["description"]
        assert told["description"].replace(" ", "") == words.replace(" ", "")


async def test_the_webhook_is_signed_and_its_id_is_the_key(tmp_path: Path) -> None:
    async with posted("webhook", tmp_path, priorities={"high": "P1"}, categories={"billing": "money"}) as post:
        ticket = await post.desk().open(NEW, "run:1")
        event = post.system.tickets[0]["event"]
        assert event["type"] == "ticket.created"
        assert (event["data"]["priority"], event["data"]["category"], event["data"]["workspace"]) == (
            "P1",
            "money",
            "T1",
        )
        assert post.system.requests[0].headers["webhook-id"] == mark_of("run:1")
        assert ticket.id == "HOOK-1"
        post.system.tells_ids = False
        assert (await post.desk().open(replace(NEW, subject="Another"), "run:2")).id.startswith("REF-")


async def test_what_a_webhooks_address_holds_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with posted("webhook", tmp_path) as post:
        post.more = {"url": f"{post.system.url}/hooks/tickets?token=hush-hush-hush"}
        post.system.faults.append(Fault.REFUSED)
        with pytest.raises(ToolError):
            await post.desk().open(NEW, "run:1")
        [logged] = [record for record in caplog.records if record.message == "tickets.refused"]
        assert logged.fields["desk"].startswith("webhook:127.0.0.1/")  # type: ignore[attr-defined]
        assert "hush" not in str(logged.__dict__)
        post.more = {"url": f"{post.system.url}/hooks/tickets?token=another"}
        assert post.vendor().name == logged.fields["desk"]  # type: ignore[attr-defined]


async def test_a_webhook_with_another_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with posted("webhook", tmp_path) as post:
        monkeypatch.setitem(SECRETS, "webhook", "another secret of enough length")
        with pytest.raises(ToolError, match="no ticket was opened"):
            await post.desk().open(NEW, "run:1")


async def test_a_subject_of_several_lines_is_one_line(tmp_path: Path) -> None:
    async with posted("jira", tmp_path) as post:
        tool = CreateTicket(post.desk(), Guard("tickets", post.clock.instruments)).tool()
        await tool.call(ARGUMENTS.model_copy(update={"subject": "Charged\n  twice"}).model_dump_json(), asked_by(ANA))
        assert post.system.tickets[0]["fields"]["summary"] == "Charged twice"


async def test_the_tool_says_that_a_ticket_was_opened_although_the_answer_was_lost(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path) as post:
        post.system.faults.append(Fault.LOST)
        tool = CreateTicket(post.desk(), Guard("tickets", post.clock.instruments))
        output = await tool.run(ARGUMENTS, asked_by(ANA))
        assert "Ticket #35436 opened" in str(output.content)
        assert len(post.system.tickets) == 1


async def test_the_tool_does_not_claim_a_ticket_of_which_nobody_knows(tmp_path: Path) -> None:
    async with posted("github", tmp_path) as post:
        post.system.lag = 3600.0
        post.system.faults.append(Fault.LOST)
        tool = CreateTicket(post.desk(), Guard("tickets", post.clock.instruments))
        with pytest.raises(ToolError, match="not known whether a ticket was opened"):
            await tool.run(ARGUMENTS, asked_by(ANA))
        assert len(post.system.tickets) == 1


async def test_a_busy_github_is_left_alone(tmp_path: Path) -> None:
    async with posted("github", tmp_path) as post:
        post.system.reading_fault = Fault.BUSY
        with pytest.raises(ToolUnavailableError) as told:
            await post.vendor().check()
        assert told.value.retry_after == 7
        post.system.says_when = False
        with pytest.raises(ToolUnavailableError) as told:
            await post.vendor().check()
        assert (told.value.retry_after, told.value.will_pass) == (60, True)


async def test_zendesk_takes_no_strangers_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with posted("zendesk", tmp_path) as post:
        post.system.role = "end-user"
        with pytest.raises(BackendRefusedError, match="agent"):
            await post.vendor().check()
        monkeypatch.setitem(SECRETS, "zendesk", "another-token-1234")
        with pytest.raises(BackendRefusedError, match="does not know the token"):
            await post.vendor().check()


async def test_when_a_workspace_leaves_its_requests_are_forgotten_here(tmp_path: Path) -> None:
    async with posted("linear", tmp_path) as post:
        await migrate(post.engine)
        await post.desk().open(NEW, "run:1")
        other = await post.desk().open(replace(NEW, conversation_id="T2:C1:1.0"), "run:2")
        await SqlStore(post.engine, enqueue, post.clock).archive.delete_workspace("T1")
        assert await post.desk().recent(ANA) == (other,)


FILES = {
    "zendesk": 'url = "{url}"\nuser = "agent@acme.example"\ntoken_env = "SECRET"',
    "github": 'url = "{url}"\nrepository = "acme/support"\ntoken_env = "SECRET"',
}


async def connected(post: Post, folder: Path) -> Backends:
    file = folder / "connectors.toml"
    file.write_text(f'[tickets]\nkind = "{post.kind}"\n{FILES[post.kind].format(url=post.system.url)}\n')
    connectors = load_connectors(str(file), {"SECRET": SECRETS[post.kind]})
    wires = Wires(post.session, None, post.clock)  # type: ignore[arg-type]  # nothing to close
    return await open_backends(post.engine, seed_sample=True, clock=post.clock, connectors=connectors, wires=wires)


@pytest.mark.parametrize("kind", FILES)
async def test_the_connectors_file_chooses_the_desk(kind: str, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        backends = await connected(post, tmp_path)
        opened = await backends.of_guest("T1", trusted=True).tickets.open(NEW, "run:1")
        assert len(post.system.tickets) == 1
        assert [t.id for t in await backends.of_guest("T1", trusted=True).tickets.recent(ANA)] == [opened.id]
        assert await backends.of_home("T0").tickets.recent(ANA) == ()


async def test_tickets_of_a_workspace_that_nobody_knows_never_reach_the_operators_system(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path) as post:
        backends = await connected(post, tmp_path)
        stranger = backends.of_guest("T1", trusted=False).tickets
        opened = await stranger.open(NEW, "run:1")
        assert (opened.id, await stranger.recent(ANA)) == ("FW-1001", (opened,))
        assert await stranger.find_by_key("run:1") == opened
        assert post.system.requests == []
        for other in (backends.of_guest("T2", trusted=False), backends.of_home("T0")):
            assert await other.tickets.recent(ANA) == ()


async def test_an_outage_of_the_operators_system_does_not_close_the_desk_of_the_others(tmp_path: Path) -> None:
    def guard_of(shelf: Shelf) -> Guard:
        desk: Any = None
        return Backing(
            knowledge=shelf.knowledge, customers=shelf.customers, tickets=shelf.tickets, books=shelf.books,
            escalations=desk, own_budget=desk, guards=guards,
        ).tickets_guard()  # fmt: skip

    async with posted("zendesk", tmp_path) as post:
        backends, guards = await connected(post, tmp_path), Guards()
        home, friend = backends.of_home("T0"), backends.of_guest("T1", trusted=True)
        assert guard_of(home) is guard_of(friend)
        assert guard_of(backends.of_guest("T2", trusted=False)) is not guard_of(home)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('kind = "zendesk"\nurl = "http://acme.zendesk.com"\ntoken_env = "SECRET"', "tickets.url: use an address"),
        ('kind = "github"\nrepository = "support"\ntoken_env = "SECRET"', "tickets.repository"),
        ('kind = "linear"\nteam = "SUP"\ntoken_env = "SECRET"', "tickets.team"),
        ('kind = "webhook"\nurl = "https://a.example"\nsecret_env = "SHORT"', "at least 24 bytes"),
        (
            'kind = "webhook"\nurl = "https://a.example/x"\nstatus_url = "https://b.example/{id}"\nsecret_env = "LONG"',
            "status_url: must be on the same host",
        ),
        ('kind = "trello"', "tickets"),
    ],
)
def test_a_wrong_table_is_told_by_its_place_and_without_secrets(table: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "connectors.toml"
    file.write_text(f"[tickets]\n{table}\n")
    with pytest.raises(ConnectorsError) as error:
        load_connectors(
            str(file), {"SECRET": "do-not-show-this-secret", "SHORT": "do-not-show", "LONG": "do-not-show" * 3}
        )
    assert told in error.value.lines[0]
    assert "do-not-show" not in str(error.value)


@pytest.mark.parametrize("kind", SYSTEMS)
def test_secrets_are_in_no_repr(kind: str) -> None:
    assert SECRETS[kind] not in repr(settings(kind, "https://acme.example"))


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("SUP-12", "SUP-12"),
        (4711, "4711"),
        ("<!channel>", ""),
        ("a" * 65, ""),
        (None, ""),
        (True, ""),
        ("x\u202ey", ""),
    ],
)
def test_only_plain_ids_are_shown(told: object, shown: str) -> None:
    assert presentable(told) == shown
