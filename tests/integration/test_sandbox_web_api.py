"""The sandbox's Web API, called with Slack's own client."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.sandbox_driver import FAST, SandboxDriver, sandbox_running

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
def client(sandbox: SandboxDriver) -> AsyncWebClient:
    return client_of(sandbox)


def client_of(sandbox: SandboxDriver, token: str = FAST.bot_token) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=sandbox.server.api_url)


async def refused(call: Any) -> Any:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def test_the_app_learns_who_it_is(client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["bot_id"], me["team_id"]) == ("U0DESKHAND", "B0DESKHAND", "T0FERNWAY")
    bot = await client.bots_info(bot="B0DESKHAND")
    assert bot["bot"]["user_id"] == "U0DESKHAND"


async def test_a_wrong_token_is_refused(sandbox: SandboxDriver) -> None:
    assert (await refused(client_of(sandbox, "xoxb-other").auth_test()))["error"] == "invalid_auth"
    assert (await refused(client_of(sandbox, "").auth_test()))["error"] == "not_authed"
    assert (await refused(client_of(sandbox, "xapp-sandbox").auth_test()))["error"] == "not_allowed_token_type"
    wrong = client_of(sandbox).apps_connections_open(app_token="xoxb-sandbox")
    assert (await refused(wrong))["error"] == "not_allowed_token_type"


async def test_an_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert (await refused(client.api_call("chat.shout")))["error"] == "unknown_method"


async def test_a_missing_scope_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = dataclasses.replace(FAST, scopes=frozenset({"chat:write", "users:read", "channels:read"}))
    async with sandbox_running(poor) as sandbox:
        client = client_of(sandbox)
        history = await refused(client.conversations_history(channel="C0SUPPORT"))
        assert (history["error"], history["needed"]) == ("missing_scope", "channels:history")
        members = await refused(client.conversations_members(channel="C0STAFF"))
        assert members["needed"] == "groups:read"
        assert members["provided"] == "channels:read,chat:write,users:read"
        profile = (await client.users_info(user="U0ANA"))["user"]["profile"]
        assert "email" not in profile


async def test_a_verified_email_is_in_the_profile(client: AsyncWebClient) -> None:
    user = (await client.users_info(user="U0ANA"))["user"]
    assert user["profile"]["email"] == "ana@cobalt-studio.example"
    assert (await client.users_lookupByEmail(email="leo@fernway.example"))["user"]["id"] == "U0LEO"
    assert (await refused(client.users_info(user="U0NOBODY")))["error"] == "user_not_found"


async def test_a_post_stands_in_the_channel_with_the_bots_profile(
    sandbox: SandboxDriver, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="C0SUPPORT", text="Hello", blocks=[SECTION])
    assert posted["message"]["bot_id"] == "B0DESKHAND"
    [seen] = await sandbox.messages()
    assert (seen["text"], seen["ts"], seen["user"]) == ("Hello", posted["ts"], "U0DESKHAND")
    assert seen["blocks"][0]["block_id"]


async def test_what_slack_refuses_to_post_is_refused(client: AsyncWebClient) -> None:
    post = client.chat_postMessage
    assert (await refused(post(channel="C0NOWHERE", text="x")))["error"] == "channel_not_found"
    assert (await refused(client.api_call("chat.postMessage", json={"channel": "C0SUPPORT", "text": " "})))[
        "error"
    ] == "no_text"
    assert (await refused(post(channel="C0SUPPORT", text="x" * 40_001)))["error"] == "msg_too_long"
    assert (await refused(post(channel="C0SUPPORT", text="x", blocks="{")))["error"] == "invalid_blocks_format"
    assert (await refused(post(channel="C0SUPPORT", text="x", thread_ts="1.0")))["error"] == "thread_not_found"
    assert (await refused(post(channel="C0SUPPORT", text="x", markdown_text="y")))["error"] == "markdown_text_conflict"
    assert (await refused(post(channel="C0SUPPORT", text="x", metadata={"a": 1})))["error"] == "invalid_metadata_schema"


async def test_another_name_needs_a_scope_and_is_shown() -> None:
    scopes = FAST.scopes - {"chat:write.customize"}
    async with sandbox_running(dataclasses.replace(FAST, scopes=scopes)) as sandbox:
        post = client_of(sandbox).chat_postMessage
        assert (await refused(post(channel="C0SUPPORT", text="x", username="Boss")))["needed"] == "chat:write.customize"
    async with sandbox_running() as sandbox:
        shown = await client_of(sandbox).chat_postMessage(channel="C0SUPPORT", text="x", username="Boss")
        assert shown["message"]["username"] == "Boss"


async def test_an_upload_is_shown_and_can_be_deleted_by_who_made_it(sandbox: SandboxDriver) -> None:
    client = client_of(sandbox)
    await client.files_upload_v2(filename="a.txt", content="hello", channel="C0SUPPORT", initial_comment="here")
    [message] = (await client.conversations_history(channel="C0SUPPORT", limit=1))["messages"]
    [file] = message["files"]
    await client.files_delete(file=file["id"])
    left = (await client.conversations_history(channel="C0SUPPORT", limit=1))["messages"]
    assert message["ts"] not in [one["ts"] for one in left]
    assert (await refused(client.files_delete(file=file["id"])))["error"] == "file_not_found"
    theirs = await sandbox.says("U0ANA", "mine", files=[{"name": "b.txt", "content_base64": "aGk="}])
    found = (await client.conversations_history(channel="C0SUPPORT", latest=theirs, inclusive=True, limit=1))[
        "messages"
    ]
    assert (await refused(client.files_delete(file=found[0]["files"][0]["id"])))["error"] == "cant_delete_file"


async def test_invalid_blocks_say_where(client: AsyncWebClient) -> None:
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await refused(client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=[SECTION, long]))
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    ]
    many = await refused(client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=[SECTION] * 51))
    assert "no more than 50 items" in many["response_metadata"]["messages"][0]
    checked = await refused(client.blocks_validate(blocks=[long]))
    assert checked["error"] == "invalid_blocks"
    assert (await client.blocks_validate(blocks=[SECTION]))["ok"]


async def test_the_app_must_be_in_a_channel_to_write_there(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    sandbox.server.workspace.channels["C0SUPPORT"].members.discard("U0DESKHAND")
    assert (await refused(client.chat_postMessage(channel="C0SUPPORT", text="x")))["error"] == "not_in_channel"
    sandbox.server.workspace.channels["C0STAFF"].members.discard("U0DESKHAND")
    assert (await refused(client.chat_postMessage(channel="C0STAFF", text="x")))["error"] == "channel_not_found"


async def test_an_update_with_text_alone_removes_the_blocks(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="one", blocks=[SECTION]))["ts"]
    await client.chat_update(channel="C0SUPPORT", ts=ts, text="two")
    [seen] = await sandbox.messages()
    assert seen["text"] == "two"
    assert "blocks" not in seen
    assert seen["edited"]["user"] == "U0DESKHAND"
    too_long = client.chat_update(channel="C0SUPPORT", ts=ts, text="x" * 4001)
    assert (await refused(too_long))["error"] == "msg_too_long"


async def test_only_own_messages_can_be_changed(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    ts = await sandbox.says("U0ANA", "mine")
    assert (await refused(client.chat_update(channel="C0SUPPORT", ts=ts, text="x")))["error"] == "cant_update_message"
    assert (await refused(client.chat_delete(channel="C0SUPPORT", ts=ts)))["error"] == "cant_delete_message"
    assert (await refused(client.chat_update(channel="C0SUPPORT", ts="1.0", text="x")))["error"] == "message_not_found"


async def test_an_ephemeral_is_seen_by_one_person(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="psst")
    assert await sandbox.texts(user="U0ANA") == ["psst"]
    assert await sandbox.texts(user="U0BO") == []
    outsider = client.chat_postEphemeral(channel="C0STAFF", user="U0ANA", text="psst")
    assert (await refused(outsider))["error"] == "user_not_in_channel"


async def test_metadata_comes_back_only_when_asked_for(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    root = await sandbox.says("U0ANA", "hello")
    marker = {"event_type": "outbox", "event_payload": {"id": "7"}}
    await client.chat_postMessage(channel="C0SUPPORT", text="hi", thread_ts=root, metadata=marker)
    plain = await client.conversations_replies(channel="C0SUPPORT", ts=root)
    assert all("metadata" not in message for message in plain["messages"])
    full = await client.conversations_replies(channel="C0SUPPORT", ts=root, include_all_metadata=True)
    assert full["messages"][1]["metadata"] == marker
    assert full["messages"][0]["reply_count"] == 1


async def test_long_threads_come_in_pages(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    root = await sandbox.says("U0ANA", "0")
    for number in range(1, 5):
        await sandbox.says("U0BO", str(number), thread_ts=root)
    seen: list[str] = []
    async for page in await client.conversations_replies(channel="C0SUPPORT", ts=root, limit=2):
        seen += [message["text"] for message in page["messages"]]
    assert seen == ["0", "1", "2", "3", "4"]
    top = await client.conversations_history(channel="C0SUPPORT")
    assert [message["text"] for message in top["messages"]] == ["0"]
    assert (await refused(client.conversations_replies(channel="C0SUPPORT", ts="1.0")))["error"] == "thread_not_found"


async def test_permalinks_name_the_thread(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    root = await sandbox.says("U0ANA", "hello")
    reply = await sandbox.says("U0BO", "me too", thread_ts=root)
    top = await client.chat_getPermalink(channel="C0SUPPORT", message_ts=root)
    assert top["permalink"] == f"https://fernway.slack.com/archives/C0SUPPORT/p{root.replace('.', '')}"
    inner = await client.chat_getPermalink(channel="C0SUPPORT", message_ts=reply)
    assert inner["permalink"].endswith(f"?thread_ts={root}&cid=C0SUPPORT")


async def test_members_and_private_channels(client: AsyncWebClient) -> None:
    staff = await client.conversations_members(channel="C0STAFF")
    assert set(staff["members"]) == {"U0SAM", "U0GRACE", "U0LEO", "U0DESKHAND"}
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert [c["name"] for c in listed["channels"]] == ["support", "support-staff", "billing-staff"]
    assert (await client.conversations_info(channel="C0STAFF"))["channel"]["is_private"] is True


async def test_a_direct_conversation_is_opened_once(client: AsyncWebClient) -> None:
    first = await client.conversations_open(users=["U0ANA"])
    again = await client.conversations_open(users="U0ANA")
    assert first["channel"]["id"] == again["channel"]["id"]
    posted = await client.chat_postMessage(channel="U0ANA", text="hi")
    assert posted["channel"] == first["channel"]["id"]


async def test_a_stream_grows_and_ends(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
    root = await sandbox.says("U0ANA", "hello", channel=dm)
    ts = (await client.chat_startStream(channel=dm, thread_ts=root, markdown_text="One"))["ts"]
    task = {"type": "task_update", "id": "t1", "title": "Searching", "status": "in_progress", "details": "plans"}
    await client.chat_appendStream(channel=dm, ts=ts, chunks=[{"type": "markdown_text", "text": " two"}, task])
    live = (await sandbox.messages(dm, thread_ts=root))[-1]
    assert live["streaming"] is True
    assert [block["type"] for block in live["blocks"]] == ["task_card", "markdown"]
    conflict = await refused(client.chat_update(channel=dm, ts=ts, text="x"))
    assert conflict["error"] == "streaming_state_conflict"
    await client.chat_stopStream(channel=dm, ts=ts, markdown_text=" three", blocks=[SECTION], session_status="closed")
    done = (await sandbox.messages(dm, thread_ts=root))[-1]
    assert done["text"] == "One two three"
    assert "streaming" not in done
    assert (await sandbox.look("state", user="U0ANA"))["sessions"][0]["status"] == "closed"
    late = await refused(client.chat_appendStream(channel=dm, ts=ts, markdown_text="x"))
    assert late["error"] == "message_not_in_streaming_state"


async def test_a_stream_holds_twelve_thousand_bytes(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
    root = await sandbox.says("U0ANA", "hello", channel=dm)
    ts = (await client.chat_startStream(channel=dm, thread_ts=root, markdown_text="x" * 8_000))["ts"]
    answer = await refused(client.chat_appendStream(channel=dm, ts=ts, markdown_text="é" * 2_500))
    assert answer["error"] == "msg_too_long"


async def test_a_stream_in_a_channel_needs_its_recipient(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    root = await sandbox.says("U0ANA", "hello")
    start = client.chat_startStream
    assert (await refused(start(channel="C0SUPPORT", thread_ts=root)))["error"] == "missing_recipient_team_id"
    half = start(channel="C0SUPPORT", thread_ts=root, recipient_team_id="T0FERNWAY")
    assert (await refused(half))["error"] == "missing_recipient_user_id"
    foreign = start(channel="C0SUPPORT", thread_ts=root, recipient_team_id="T0OTHER", recipient_user_id="U0ANA")
    assert (await refused(foreign))["error"] == "team_not_found"


async def test_an_expired_stream_can_still_be_updated() -> None:
    now = [1_800_000_000.0]
    async with sandbox_running(dataclasses.replace(FAST, clock=lambda: now[0])) as sandbox:
        client = client_of(sandbox)
        dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
        root = await sandbox.says("U0ANA", "hello", channel=dm)
        ts = (await client.chat_startStream(channel=dm, thread_ts=root, markdown_text="One"))["ts"]
        now[0] += 301
        late = await refused(client.chat_appendStream(channel=dm, ts=ts, markdown_text="x"))
        assert late["error"] == "message_not_in_streaming_state"
        await client.chat_update(channel=dm, ts=ts, text="whole answer")
        assert (await sandbox.texts(dm))[-1] == "whole answer"


async def test_sessions_show_what_the_agent_does(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
    root = await sandbox.says("U0ANA", "hello", channel=dm)
    early = await refused(client.agents_sessions_rename(channel_id=dm, thread_ts=root, title="Plans"))
    assert early["error"] == "not_authorized"
    await client.agents_sessions_setStatus(channel_id=dm, thread_ts=root, status="processing", title="Plans")
    [session] = (await sandbox.look("state", user="U0ANA"))["sessions"]
    assert (session["status"], session["title"]) == ("processing", "Plans")
    assert (await sandbox.call("stop", user="U0ANA", channel=dm, thread_ts=root))["ok"]
    await client.agents_sessions_setStatus(channel_id=dm, thread_ts=root, status="active")
    idle = await sandbox.call("stop", user="U0ANA", channel=dm, thread_ts=root)
    assert idle["error"] == "nothing_to_stop"


async def test_suggested_prompts_need_no_thread(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    dm = (await sandbox.call("dm", user="U0ANA"))["channel"]
    prompts = [{"title": "Plans", "message": "Which plans are there?"}]
    root = await sandbox.says("U0ANA", "hello", channel=dm)
    await client.assistant_threads_setSuggestedPrompts(channel_id=dm, thread_ts=root, prompts=prompts)
    assert (await sandbox.look("state", user="U0ANA"))["prompts"] == {}
    await client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=prompts, title="Hello")
    assert (await sandbox.look("state", user="U0ANA"))["prompts"][dm] == {"title": "Hello", "prompts": prompts}
    many = client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=prompts * 5)
    assert (await refused(many))["error"] == "invalid_arguments"


async def test_reactions_come_and_go(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    ts = await sandbox.says("U0ANA", "hello")
    await client.reactions_add(channel="C0SUPPORT", name="eyes", timestamp=ts)
    twice = await refused(client.reactions_add(channel="C0SUPPORT", name="eyes", timestamp=ts))
    assert twice["error"] == "already_reacted"
    assert (await sandbox.messages())[0]["reactions"] == [{"name": "eyes", "users": ["U0DESKHAND"], "count": 1}]
    await client.reactions_remove(channel="C0SUPPORT", name="eyes", timestamp=ts)
    assert (await sandbox.messages())[0]["reactions"] == []


async def test_a_file_of_a_person_needs_the_bots_token(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    picture = {"name": "error.png", "mimetype": "image/png", "content_base64": "aGVsbG8="}
    await sandbox.says("U0ANA", "see", files=[picture])
    [message] = await sandbox.messages()
    assert message["subtype"] == "file_share"
    url = message["files"][0]["url_private"]
    async with sandbox.http.get(url, headers={"Authorization": "Bearer xoxb-sandbox"}) as answer:
        assert (await answer.read(), answer.content_type) == (b"hello", "image/png")
    async with sandbox.http.get(url) as answer:
        assert answer.content_type == "text/html"
    info = await client.files_info(file=message["files"][0]["id"])
    assert info["file"]["name"] == "error.png"


async def test_the_app_uploads_a_file_with_the_sdk(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await client.files_upload_v2(channel="C0SUPPORT", content="a,b\n1,2\n", filename="bill.csv", initial_comment="Bill")
    [message] = await sandbox.messages()
    assert (message["text"], message["files"][0]["name"]) == ("Bill", "bill.csv")


async def test_faults_happen_as_often_as_asked(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await sandbox.call("fault", method="chat.postMessage", kind="ratelimited", retry_after=7)
    limited = await refused(client.chat_postMessage(channel="C0SUPPORT", text="one"))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    await sandbox.call("fault", method="*", kind="error", error="fatal_error", times=2)
    for _ in range(2):
        assert (await refused(client.chat_postMessage(channel="C0SUPPORT", text="two")))["error"] == "fatal_error"
    await client.chat_postMessage(channel="C0SUPPORT", text="three")
    assert await sandbox.texts() == ["three"]
    kept = await sandbox.calls("chat.postMessage")
    assert [call["error"] for call in kept] == ["ratelimited", "fatal_error", "fatal_error", ""]


async def test_a_cut_connection_leaves_the_message_there_or_not(sandbox: SandboxDriver) -> None:
    client = AsyncWebClient(token="xoxb-sandbox", base_url=sandbox.server.api_url, retry_handlers=[])
    await sandbox.call("fault", method="chat.postMessage", kind="reset_before")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C0SUPPORT", text="lost")
    await sandbox.call("fault", method="chat.postMessage", kind="reset_after")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C0SUPPORT", text="posted")
    assert await sandbox.texts() == ["posted"]


async def test_an_internal_error_is_html(sandbox: SandboxDriver, client: AsyncWebClient) -> None:
    await sandbox.call("fault", method="chat.postMessage", kind="http_500")
    answer = await refused(client.chat_postMessage(channel="C0SUPPORT", text="x"))
    assert answer.status_code == 500


async def test_rate_limits_hold_when_switched_on() -> None:
    async with sandbox_running(dataclasses.replace(FAST, rate_limits=True)) as sandbox:
        client = client_of(sandbox)
        for _ in range(3):
            await client.chat_postMessage(channel="C0SUPPORT", text="x")
        limited = await refused(client.chat_postMessage(channel="C0SUPPORT", text="x"))
        assert (limited.status_code, limited["error"]) == (429, "ratelimited")
        await client.chat_postMessage(channel="C0STAFF", text="other channel")


async def test_odd_requests_get_an_answer_and_no_crash(sandbox: SandboxDriver) -> None:
    url = sandbox.server.api_url + "chat.postMessage"
    auth = {"Authorization": "Bearer xoxb-sandbox"}
    bodies: list[Any] = [[], {"channel": ["C0SUPPORT"]}, {"channel": "C0SUPPORT", "blocks": [{"type": ["x"]}, 7, None]}]
    for body in bodies:
        async with sandbox.http.post(url, json=body, headers=auth) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (200, False)
    broken = {**auth, "Content-Type": "application/json"}
    async with sandbox.http.post(url, data="{", headers=broken) as answer:
        assert (await answer.json())["error"] == "invalid_json"
    form = {"token": "xoxb-sandbox", "channel": "C0SUPPORT", "text": "from a form"}
    async with sandbox.http.post(url, data=form) as answer:
        assert (await answer.json())["ok"] is True
