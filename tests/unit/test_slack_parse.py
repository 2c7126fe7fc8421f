"""Slack's JSON in, the desk's values out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.conversation import Surface, ThreadKey
from bot.domain.escalation import Decision
from bot.domain.incoming import (
    INCOMING,
    DecisionMade,
    FeedbackGiven,
    File,
    HomeOpened,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessagesTabOpened,
    StopPressed,
)
from bot.slack.parse import parse
from tests.fakes.slack_payloads import ME, Json, event_callback, message, pressed, submitted

ROOT = ThreadKey("T0FERNWAY", "C0SUPPORT", "1764000000.000100")


def received(event: Json) -> MessageReceived:
    incoming = parse(event_callback(event), ME)
    assert isinstance(incoming, MessageReceived)
    return incoming


def test_a_mention_starts_a_thread_and_loses_only_our_own_name() -> None:
    got = received(message("<@U0DESKHAND> can <@U0BO> see plan &lt;A&gt; &amp; B?", type="app_mention"))
    assert got.text == "can <@U0BO> see plan <A> & B?"
    assert got.thread == ROOT
    assert got.is_root
    assert got.mentions_bot
    assert got.surface is Surface.CHANNEL
    assert (got.user_id, got.author_team, got.event_id) == ("U0ANA", "T0FERNWAY", "Ev0000001")


def test_the_same_message_as_message_and_as_mention_has_the_same_key() -> None:
    text = "<@U0DESKHAND> hi"
    as_message, as_mention = received(message(text)), received(message(text, type="app_mention"))
    assert (as_message.thread, as_message.ts) == (as_mention.thread, as_mention.ts)
    assert as_message.mentions_bot


def test_a_reply_belongs_to_its_thread() -> None:
    got = received(message(ts="1764000009.000200", thread_ts="1764000000.000100"))
    assert got.thread == ROOT
    assert not got.is_root


@pytest.mark.parametrize(
    ("kind", "surface"), [("im", Surface.DM), ("mpim", Surface.CHANNEL), ("group", Surface.CHANNEL)]
)
def test_only_a_direct_message_is_a_dm(kind: str, surface: Surface) -> None:
    assert received(message(channel_type=kind)).surface is surface


@pytest.mark.parametrize("text", ["<@U0DESKHAND>", "", "   ", "<@U0DESKHAND|deskhand>  "])
def test_a_message_may_be_empty(text: str) -> None:
    assert received(message(text)).text == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("thanks <@U0DESKHAND> \t for this", "thanks for this"),
        ("thanks <@U0DESKHAND>, bye", "thanks, bye"),
        ("ask <@U0DESKHAND|deskhand> <@U0DESKHAND> or <@U0BO>", "ask or <@U0BO>"),
        ("one\n  <@U0DESKHAND> two", "one\ntwo"),
        ("one <@U0DESKHAND>\n  two", "one\n  two"),
        ("<@U0DESKHAND>&lt;b&gt;", "<b>"),
        ("two   blanks  stay", "two   blanks  stay"),
    ],
)
def test_the_words_around_our_name_stay_apart(text: str, kept: str) -> None:
    assert received(message(text)).text == kept


def test_links_and_addresses_are_written_as_people_write_them() -> None:
    got = received(message("mail <mailto:ana@x.example|ana@x.example> or <https://x.example/a?b=1&amp;c|the docs>"))
    assert got.text == "mail ana@x.example or the docs (https://x.example/a?b=1&c)"


def test_code_keeps_its_shape() -> None:
    code = "<@U0DESKHAND> fix:\n```\nif a &lt; b:\n    return  a\n```"
    assert received(message(code)).text == "fix:\n```\nif a < b:\n    return  a\n```"


def test_a_very_long_message_is_cut_at_slacks_own_limit() -> None:
    assert len(received(message("x" * 50_000)).text) == 40_000


def test_files_come_along() -> None:
    entry = {"id": "F1", "name": "shot.png", "mimetype": "image/png", "size": 1234, "url_private": "https://files/x"}
    got = received(message("", subtype="file_share", files=[entry, {"id": 7}, "nonsense"]))
    assert got.files == (File("F1", "shot.png", "image/png", 1234, "https://files/x"),)


def test_forwarded_words_are_told_apart_from_the_writers_own() -> None:
    share = {"is_share": True, "author_name": "Bo", "text": "the bill is &lt;wrong&gt;", "from_url": "https://x"}
    preview = {"title": "A page", "text": "preview of a link", "from_url": "https://y"}
    got = received(message("see", attachments=[share, preview]))
    assert (got.text, got.quoted) == ("see", "Bo: the bill is <wrong>")


def test_a_guest_of_another_organisation_is_known_by_their_team() -> None:
    assert received(message(user_team="T0OTHER", source_team="T0OTHER")).author_team == "T0OTHER"


def test_another_bot_is_marked_as_one() -> None:
    modern = received(message(bot_id="B0PAGER", user="U0PAGER", app_id="A0PAGER"))
    assert (modern.bot_id, modern.user_id) == ("B0PAGER", "U0PAGER")
    event = message(subtype="bot_message", bot_id="B0HOOK", attachments=[{"fallback": "disk full"}])
    del event["user"]
    hook = received(event)
    assert (hook.bot_id, hook.user_id, hook.quoted) == ("B0HOOK", "B0HOOK", "disk full")


@pytest.mark.parametrize(
    "event",
    [
        message(bot_id="B0DESKHAND", user="U0DESKHAND"),
        message(user="U0DESKHAND"),
        message(subtype="bot_message", bot_id="B0DESKHAND"),
        message(subtype="channel_join"),
        message(subtype="bot_message"),
        message(subtype="assistant_app_thread"),
        message(hidden=True),
        {"type": "reaction_added", "user": "U0ANA"},
        {"type": "app_home_opened", "tab": "home", "channel": "D0"},
        {"type": "message"},
    ],
)
def test_our_own_words_and_side_noises_are_nothing(event: Json) -> None:
    assert parse(event_callback(event), ME) is None


def changed(new: Json, old: Json) -> Json:
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": "C0SUPPORT",
        "channel_type": "channel",
        "ts": "1764000005.000100",
        "message": new,
        "previous_message": old,
    }


def test_an_edit_of_a_person_is_an_edit() -> None:
    event = changed(message("new &amp; better", edited={"user": "U0ANA", "ts": "1764000009.000000"}), message("old"))
    assert parse(event_callback(event), ME) == MessageEdited(
        ROOT, ROOT.thread_ts, "U0ANA", "new & better", "Ev0000001", "1764000009.000000"
    )


def test_an_edit_that_is_the_first_to_turn_to_the_bot_asks_again() -> None:
    first = parse(event_callback(changed(message("<@U0DESKHAND> why?"), message("why?"))), ME)
    assert isinstance(first, MessageEdited)
    assert first.asks_again is not None
    assert (first.asks_again.text, first.asks_again.mentions_bot, first.asks_again.thread) == ("why?", True, ROOT)
    later = parse(event_callback(changed(message("<@U0DESKHAND> how?"), message("<@U0DESKHAND> why?"))), ME)
    assert isinstance(later, MessageEdited)
    assert later.asks_again is None


@pytest.mark.parametrize(
    ("fields", "team"),
    [
        ({}, "T0FERNWAY"),
        ({"team": "T0HARBOR"}, "T0HARBOR"),
        ({"user_team": "T0HARBOR", "source_team": "T0HARBOR"}, "T0HARBOR"),
        ({"user_team": "T0FERNWAY", "source_team": "T0FERNWAY", "team": "T0HARBOR"}, "T0FERNWAY"),
        ({"source_team": "T0FERNWAY", "user_profile": {"team": "T0HARBOR"}}, "T0HARBOR"),
        ({"user_team": "E0FERNWAY", "user_profile": {"team": "T0FERNWAY"}}, "T0FERNWAY"),
        ({"user_team": "E0HARBOR"}, "E0HARBOR"),
    ],
)
def test_the_event_itself_tells_the_authors_workspace_and_in_doubt_it_is_a_foreign_one(fields: Json, team: str) -> None:
    grant = {"enterprise_id": "E0FERNWAY", "team_id": "T0FERNWAY", "user_id": "U0DESKHAND", "is_bot": True}
    got = parse(event_callback(message(**fields), authorizations=[grant]), ME)
    assert isinstance(got, MessageReceived)
    assert (got.author_team, got.is_foreign) == (team, team != "T0FERNWAY")


def test_shared_channels_and_guests_are_known_by_the_event() -> None:
    here = parse(event_callback(message()), ME)
    assert isinstance(here, MessageReceived)
    assert (here.is_shared, here.is_guest) == (False, False)
    guest = message(user_profile={"team": "T0FERNWAY", "is_restricted": True})
    there = parse(event_callback(guest, is_ext_shared_channel=True), ME)
    assert isinstance(there, MessageReceived)
    assert (there.is_shared, there.is_guest, there.is_foreign) == (True, True, False)


def test_our_stop_button_names_its_thread_and_whoever_pressed_it() -> None:
    line = {"type": "message", "ts": "1764000001.000100", "thread_ts": "1764000000.000100", "bot_id": "B0DESKHAND"}
    got = parse(pressed("run_stop", "stop", message=line, channel={"id": "C0SUPPORT"}), ME)
    assert got == StopPressed(ROOT, "U0SAM", "press:17640.1.abc", "T0FERNWAY")


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (message("same", attachments=[{"text": "unfurled"}]), message("same")),
        (message("x", bot_id="B0PAGER"), message("y", bot_id="B0PAGER")),
        (message("x", user="U0DESKHAND"), message("y", user="U0DESKHAND")),
    ],
)
def test_unfurled_links_and_edits_by_bots_are_no_edits(new: Json, old: Json) -> None:
    assert parse(event_callback(changed(new, old)), ME) is None


def test_a_deleted_message_is_named_by_its_thread() -> None:
    old = message("oops", ts="1764000003.000100", thread_ts="1764000000.000100")
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C0SUPPORT",
        "deleted_ts": "1764000003.000100",
        "previous_message": old,
    }
    assert parse(event_callback(event), ME) == MessageDeleted(ROOT, "1764000003.000100", "Ev0000001")
    event["previous_message"] = {**old, "bot_id": "B0DESKHAND"}
    assert parse(event_callback(event), ME) is None


def test_a_deleted_root_with_replies_is_a_deletion_too() -> None:
    stone = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": ROOT.thread_ts, "text": "deleted"}
    event = changed(stone, message("oops", thread_ts=ROOT.thread_ts))
    assert parse(event_callback(event), ME) == MessageDeleted(ROOT, ROOT.thread_ts, "Ev0000001")


def test_the_home_tab_is_told_apart_from_the_messages_tab() -> None:
    home = {"type": "app_home_opened", "tab": "home", "channel": "D0ANA", "user": "U0ANA"}
    assert parse(event_callback(home), ME) == HomeOpened("T0FERNWAY", "U0ANA", "Ev0000001")


def test_the_messages_tab_and_the_stop_button() -> None:
    tab = {"type": "app_home_opened", "tab": "messages", "channel": "D0ANA", "user": "U0ANA"}
    assert parse(event_callback(tab), ME) == MessagesTabOpened("T0FERNWAY", "D0ANA", "U0ANA", "Ev0000001")
    stop = {"type": "agent_session_stopped", "channel": "D0ANA", "thread_ts": "1.2", "user": "U0ANA"}
    key = ThreadKey("T0FERNWAY", "D0ANA", "1.2")
    assert parse(event_callback(stop), ME) == StopPressed(key, "U0ANA", "Ev0000001")


@pytest.mark.parametrize(
    ("action_id", "decision"),
    [("esc_approve", Decision.APPROVE), ("esc_take_over", Decision.TAKE_OVER), ("esc_resolve", Decision.RESOLVE)],
)
def test_buttons_that_decide_at_once(action_id: str, decision: Decision) -> None:
    got = parse(pressed(action_id), ME)
    assert got == DecisionMade(
        "esc1", decision, "T0FERNWAY", "U0SAM", "C0STAFF", None, "17640.1.abc", user_team="T0FERNWAY"
    )


@pytest.mark.parametrize("action_id", ["esc_deny", "esc_hand_back", "esc_trace", "esc_full", "something_old"])
def test_buttons_that_ask_first_decide_nothing(action_id: str) -> None:
    assert parse(pressed(action_id), ME) is None


@pytest.mark.parametrize(("value", "positive"), [("good:run7", True), ("bad:run7", False)])
def test_thumbs_are_feedback_about_a_run(value: str, *, positive: bool) -> None:
    got = parse(pressed("feedback", value), ME)
    assert got == FeedbackGiven("run7", "T0FERNWAY", "C0STAFF", "U0SAM", positive, "17640.1.abc")


def test_a_denial_needs_a_reason() -> None:
    got = parse(submitted("form_deny", "  not true  "), ME)
    assert got == DecisionMade(
        "esc1", Decision.DENY, "T0FERNWAY", "U0SAM", "C0STAFF", None, "V0001", note="not true", user_team="T0FERNWAY"
    )


def test_a_press_belongs_to_the_pressers_own_workspace_and_to_nobodys_when_slack_does_not_tell() -> None:
    stranger = {"user": {"id": "U0SAM", "team_id": "T0HARBOR"}, "team": {"id": "T0HARBOR"}}
    for body in (pressed("esc_approve", **stranger), {**submitted("form_deny", "not true"), **stranger}):
        got = parse(body, ME)
        assert isinstance(got, DecisionMade)
        assert (got.team_id, got.user_team) == ("T0FERNWAY", "T0HARBOR")
    untold = parse(pressed("esc_approve", user={"id": "U0SAM"}, team=None), ME)
    assert isinstance(untold, DecisionMade)
    assert untold.user_team not in ("", "T0FERNWAY")
    for note in (None, "", "  x ", "x" * 1001):
        assert parse(submitted("form_deny", note), ME) is None


def test_handing_back_needs_no_note() -> None:
    got = parse(submitted("form_hand_back", None), ME)
    assert isinstance(got, DecisionMade)
    assert (got.decision, got.note) == (Decision.HAND_BACK, "")


@pytest.mark.parametrize("metadata", ["", "nonsense", "[]", "{}", '{"e": 5, "c": "C"}', '{"e": "", "c": "C"}'])
def test_a_form_that_is_not_ours_decides_nothing(metadata: str) -> None:
    assert parse(submitted("form_deny", "a reason", metadata), ME) is None


def test_broken_unicode_is_made_storable() -> None:
    got = received(message("a\ud800b\x00c"))
    assert got.text == "a?b?c"
    assert INCOMING.validate_json(INCOMING.dump_json(got)) == got


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SOUND = [event_callback(message("x", files=[{"id": "F"}], attachments=[{"is_share": True, "text": "q"}]))]
SOUND += [event_callback(changed(message("a"), message("b"))), pressed("esc_approve"), pressed("feedback", "good:r")]
SOUND += [submitted("form_deny", "why not")]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [at] * bool(at) + [path for name, child in children for path in paths(child, (*at, name))]


@settings(deadline=None)  # the machine may be busy
@given(st.data(), JUNK)
def test_whatever_is_broken_in_a_request_nothing_is_raised(data: st.DataObject, junk: Any) -> None:
    body = json.loads(json.dumps(data.draw(st.sampled_from(SOUND))))
    *way, last = data.draw(st.sampled_from(paths(body)))
    spot = body
    for step in way:
        spot = spot[step]
    spot[last] = junk
    incoming = parse(body, ME)
    if incoming is not None:
        INCOMING.dump_json(incoming)


@settings(deadline=None)  # the machine may be busy
@given(JUNK)
def test_junk_is_nothing(junk: Any) -> None:
    assert parse(junk, ME) is None
