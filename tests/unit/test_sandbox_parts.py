"""The sandbox's small parts: trigger ids, forms, streams, limits, faults, cursors."""

from typing import Any

import pytest

from bot.sandbox import forms
from bot.sandbox.backend import Args
from bot.sandbox.config import SandboxConfig, random_id
from bot.sandbox.faults import Faults
from bot.sandbox.http_mode import sign
from bot.sandbox.limits import RateLimits
from bot.sandbox.paging import page
from bot.sandbox.sample import fernway
from bot.sandbox.server import SandboxServer
from bot.sandbox.streams import Stream
from bot.sandbox.views import Views
from bot.sandbox.wire import ControlError, Json, SlackError
from bot.sandbox.workspace import Workspace


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    return Workspace(fernway(), clock, random_id)


def element(kind: str, **more: Any) -> Json:
    return {"type": kind, "action_id": "a", **more}


def form(*blocks: Json) -> Json:
    return {"blocks": list(blocks), "state": {"values": {}}}


def field(inner: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": "b", "element": inner, **more}


OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("day", "week")]


def test_two_messages_never_share_a_ts(workspace: Workspace) -> None:
    stamps = [workspace.next_ts() for _ in range(1000)]
    assert len(set(stamps)) == 1000
    assert stamps == sorted(stamps)


def test_a_processing_session_lapses_after_an_hour(workspace: Workspace, clock: Clock) -> None:
    workspace.set_session("C0SUPPORT", "1.0", {"status": "processing"})
    clock.now += 3599
    assert (workspace.session("C0SUPPORT", "1.0") or {})["status"] == "processing"
    clock.now += 1
    assert (workspace.session("C0SUPPORT", "1.0") or {})["status"] == "active"


def test_a_view_with_an_old_hash_is_a_conflict(workspace: Workspace) -> None:
    views = Views(workspace)
    opened = views.open("U0ANA", {"type": "modal", "external_id": "mine", "blocks": []})
    changed = views.replace("", "mine", {"type": "modal", "blocks": []}, opened["hash"])
    assert changed["id"] == opened["id"]
    with pytest.raises(SlackError, match="hash_conflict"):
        views.replace(opened["id"], "", {"type": "modal", "blocks": []}, opened["hash"])
    with pytest.raises(SlackError, match="not_found"):
        views.replace("V0", "", {"type": "modal", "blocks": []})


def test_a_stack_holds_three_views(workspace: Workspace) -> None:
    views = Views(workspace)
    with pytest.raises(SlackError, match="not_found"):
        views.push("U0ANA", {"type": "modal", "blocks": []})
    views.open("U0ANA", {"type": "modal", "blocks": []})
    for _ in range(2):
        views.push("U0ANA", {"type": "modal", "blocks": []})
    with pytest.raises(SlackError, match="push_limit_reached"):
        views.push("U0ANA", {"type": "modal", "blocks": []})


def test_an_old_trigger_is_told_apart_from_an_unknown_one(workspace: Workspace, clock: Clock) -> None:
    views = Views(workspace)
    trigger = views.trigger("U0ANA")
    clock.now += 3.1
    with pytest.raises(SlackError, match="expired_trigger_id"):
        views.take_trigger(trigger)
    with pytest.raises(SlackError, match="invalid_trigger_id"):
        views.take_trigger("1.2")


@pytest.mark.parametrize(
    ("inner", "value", "expected"),
    [
        (element("plain_text_input"), "hi", {"type": "plain_text_input", "value": "hi"}),
        (element("static_select", options=OPTIONS), "week", {"type": "static_select", "selected_option": OPTIONS[1]}),
        (element("checkboxes", options=OPTIONS), ["day"], {"type": "checkboxes", "selected_options": [OPTIONS[0]]}),
        (element("users_select"), "U0ANA", {"type": "users_select", "selected_user": "U0ANA"}),
        (element("datepicker"), "2026-11-21", {"type": "datepicker", "selected_date": "2026-11-21"}),
        (
            element("number_input", is_decimal_allowed=True, initial_value="2.5"),
            None,
            {"type": "number_input", "value": None},
        ),
    ],
)
def test_a_form_becomes_slacks_state(inner: Json, value: Any, expected: Json) -> None:
    view = form(field(inner, optional=True))
    assert forms.fill(view, {"a": value}) == {}
    assert view["state"]["values"]["b"]["a"] == expected


@pytest.mark.parametrize(
    ("inner", "value", "words"),
    [
        (element("plain_text_input"), "", "required"),
        (element("static_select", options=OPTIONS), "month", "required"),
        (element("plain_text_input", max_length=3), "long", "no more than 3"),
        (element("plain_text_input", min_length=3), "ab", "at least 3"),
        (element("number_input", is_decimal_allowed=False), "2.5", "number"),
        (element("email_text_input"), "nobody", "email"),
    ],
)
def test_slacks_client_refuses_an_incomplete_form(inner: Json, value: Any, words: str) -> None:
    assert words in forms.fill(form(field(inner)), {"a": value})["b"]


def test_initial_values_count_as_filled_in() -> None:
    view = form(field(element("plain_text_input", initial_value="draft")))
    assert forms.fill(view, {}) == {}
    assert view["state"]["values"]["b"]["a"]["value"] == "draft"


def test_task_details_add_up_and_status_is_replaced() -> None:
    stream = Stream("plan", 12_000, 0.0)
    task = {"type": "task_update", "id": "t", "title": "Search", "status": "in_progress", "details": "one"}
    stream.append("", [{"type": "plan_update", "title": "Answering"}, task])
    stream.append("", [{**task, "status": "complete", "details": ", two"}])
    [plan] = stream.content()["blocks"]
    assert plan["title"] == "Answering"
    assert plan["tasks"][0]["status"] == "complete"
    assert plan["tasks"][0]["details"]["elements"][0]["elements"][0]["text"] == "one, two"


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "song"},
        {"type": "markdown_text"},
        {"type": "task_update", "id": "t", "title": "Search", "status": "done"},
        {"type": "task_update", "id": "t", "title": "Search", "status": "pending", "details": "x" * 257},
        "text",
    ],
)
def test_bad_chunks_are_refused_whole(chunk: Any) -> None:
    stream = Stream("timeline", 12_000, 0.0)
    with pytest.raises(SlackError, match="invalid_chunks"):
        stream.append("", [{"type": "markdown_text", "text": "x"}, chunk])
    assert stream.content()["text"] == ""


def test_posting_is_held_to_one_a_second_after_a_burst(clock: Clock) -> None:
    limits = RateLimits(clock)
    assert [limits.wait("chat.postMessage", "C1") > 0 for _ in range(4)] == [False, False, False, True]
    assert limits.wait("chat.postMessage", "C2") == 0
    clock.now += 1
    assert limits.wait("chat.postMessage", "C1") == 0
    assert limits.wait("auth.test", "") == 0


def test_the_workspace_listens_on_this_machine_only() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        SandboxServer(SandboxConfig(host="0.0.0.0"))  # noqa: S104 - this is what must be refused


def test_a_fault_hits_its_method_as_often_as_asked() -> None:
    faults = Faults()
    faults.add({"method": "chat.update", "kind": "error", "times": 2})
    assert faults.take("chat.postMessage") is None
    assert [faults.take("chat.update") is not None for _ in range(3)] == [True, True, False]
    faults.add({"kind": "delay", "times": -1})
    assert all(faults.take("anything") for _ in range(5))
    with pytest.raises(ControlError, match="kind must be"):
        faults.add({"kind": "flood"})


def test_cursors_lead_through_every_page() -> None:
    items, seen, cursor = list(range(7)), [], ""
    while True:
        shown, cursor = page(items, Args({"limit": 3, "cursor": cursor}))
        seen += shown
        if not cursor:
            break
    assert seen == items
    with pytest.raises(SlackError, match="invalid_cursor"):
        page(items, Args({"cursor": "guess"}))
    with pytest.raises(SlackError, match="invalid_limit"):
        page(items, Args({"limit": 5000}))


def test_the_signature_is_slacks() -> None:
    # the worked example of docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        "trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = sign("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body)
    assert signature == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
