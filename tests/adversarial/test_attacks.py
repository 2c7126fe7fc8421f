"""Attacks over loopback: odd bytes, races, broken files, absurd bills. Each was tried by hand first."""

import asyncio
import io
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.desk.attachments import Attachments
from bot.domain.exchange import Image as Picture
from bot.domain.exchange import ModelRequest, Text, UserMessage
from bot.domain.incoming import File
from bot.model.claude import ClaudeModel
from bot.model.reply import MalformedReplyError, from_wire
from bot.slack.http import SlackEndpoint
from bot.slack.reading import plain_text
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import escalate
from tests.fakes.messages_api import text

PLAIN_TEXT_SECONDS = 0.3
"""Far more than a linear scan of 40,000 characters takes, far less than a quadratic one."""
AES_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    b"trailer<</Size 4/Root 1 0 R/ID[<00><00>]/Encrypt<</Filter/Standard/V 5/R 6/Length 256/P -4"
    b"/O<" + b"00" * 48 + b">/U<" + b"00" * 48 + b">/OE<" + b"00" * 32 + b">/UE<" + b"00" * 32 + b">/Perms<"
    + b"00" * 16 + b">/CF<</StdCF<</CFM/AESV3/Length 32/AuthEvent/DocOpen>>>>/StmF/StdCF/StrF/StdCF>>>>\nstartxref\n"
    b"0\n%%EOF"
)  # fmt: skip
"""Locked with a password, as invoices and contracts often are."""
BROKEN_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000004000000040806000000a9f19e7e"
    "0000000c4944415478da63fda01c0001e91e9b510000000049454e44"
)
"""Cut inside a chunk: Pillow answers with a SyntaxError."""


class OneFile:
    """Slack with one file to download."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def download(self, file: File, *, limit: int) -> bytes:
        return self._content


async def _opened(media_type: str, content: bytes) -> tuple[tuple[object, ...], list[str]]:
    file = File("F1", "invoice", media_type, len(content), "https://slack.com/f")
    return await Attachments(OneFile(content)).fetch((file,))


@pytest.mark.parametrize(
    ("media_type", "content", "why"),
    [("application/pdf", AES_PDF, "protected by a password"), ("image/png", BROKEN_PNG, "broken")],
    ids=["a PDF with a password", "a PNG cut in the middle"],
)
async def test_a_file_the_libraries_stumble_over_is_left_out_with_a_remark(
    media_type: str, content: bytes, why: str
) -> None:
    kept, remarks = await _opened(media_type, content)
    assert kept == ()
    assert remarks == [f"[Attachment the assistant cannot open: invoice ({why})]"]


async def test_a_picture_is_opened_as_what_slack_may_send_and_nothing_else() -> None:
    """Otherwise a PostScript file called image/png would be handed to Ghostscript."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "TIFF")
    assert (await _opened("image/png", buffer.getvalue()))[0] == ()
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    assert isinstance((await _opened("image/png", buffer.getvalue()))[0][0], Picture)


@pytest.mark.parametrize(
    "raw",
    ["a" + " " * 39_900 + "b", "<@U0DESKHAND> a" + "\t" * 39_000 + "b"],
    ids=["blanks", "tabs"],
)
def test_forty_thousand_blanks_do_not_stop_the_event_loop(raw: str) -> None:
    began = time.perf_counter()
    plain_text(raw, "U0DESKHAND")
    assert time.perf_counter() - began < PLAIN_TEXT_SECONDS


def _body(usage: str) -> str:
    return f'{{"model":"m","content":[{{"type":"text","text":"Hi"}}],"stop_reason":"end_turn","usage":{usage}}}'


@pytest.mark.parametrize(
    "usage",
    [
        '{"input_tokens":-500000,"output_tokens":1}',
        '{"input_tokens":1,"output_tokens":-9}',
        '{"input_tokens":1,"output_tokens":1,"cache_read_input_tokens":-5}',
        f'{{"input_tokens":{10**30},"output_tokens":1}}',
    ],
)
def test_p4_a_bill_that_cannot_be_is_no_bill(usage: str) -> None:
    with pytest.raises(MalformedReplyError):
        from_wire(_body(usage), requested="m")


@pytest.mark.parametrize("told", [-5, 0, 10**30])
async def test_a_count_of_the_prompt_that_cannot_be_is_none(told: int) -> None:
    """It would otherwise be what a step sets aside."""

    async def count(request: web.Request) -> web.Response:
        return web.json_response({"input_tokens": told})

    app = web.Application()
    app.router.add_post("/v1/messages/count_tokens", count)
    async with TestServer(app) as vendor:
        model = ClaudeModel(api_key="k", base_url=str(vendor.make_url("")))
        assert await model.count(ModelRequest("m", "S", (UserMessage((Text("Hi"),)),), 100)) is None
        await model.close()


async def test_a_forged_request_from_the_far_future_is_unsigned_not_a_fault_of_ours() -> None:
    app = web.Application()
    bolt = AsyncApp(signing_secret="s", client=AsyncWebClient(), authorize=_nobody)
    app.router.add_post("/slack/events", SlackEndpoint(bolt, "s").handle)
    async with TestClient(TestServer(app)) as slack:
        headers = {"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": "v0=0"}
        assert (await slack.post("/slack/events", data=b"{}", headers=headers)).status == 401


def test_half_an_emoji_in_a_reply_can_be_kept() -> None:
    body = _body('{"input_tokens":1,"output_tokens":1}').replace("Hi", "Hi \\ud83d")
    reply = from_wire(body, requested="m")
    reply.text.encode()
    assert reply.verbatim is not None
    reply.verbatim.encode()


async def test_p4_a_negative_bill_gives_nobody_money_back(desk: Desk) -> None:
    desk.claude.always = replace(text("Hi."), usage={"input_tokens": -500_000_000})
    await (await desk.customer().asks("hello")).answer(seconds=30)
    assert desk.rows("select count(*) from ledger where charged < 0") == [(0,)]


async def test_p1_a_late_update_of_the_live_line_does_not_replace_the_answer(desk: Desk) -> None:
    desk.claude.hold()
    await desk.driver.call("fault", method="chat.update", kind="delay", seconds=1.0, times=1)
    thread = await desk.customer().asks("How do I invite a guest?")
    await thread.is_worked_on()
    await asyncio.sleep(0.3)  # the update is on its way, and takes long
    desk.claude.let_go()
    await thread.says("Happy to help")
    await asyncio.sleep(1.5)
    assert "Happy to help" in thread.text()


async def test_p6_a_proposal_cannot_be_approved_once_the_customer_wrote_again(desk: Desk) -> None:
    desk.claude.will(escalate("You get the money back."), text("Someone will check."))
    ana = desk.customer()
    thread = await ana.asks("Please refund me")
    card = await desk.card()
    await thread.answer()
    await desk.settled()
    await desk.restart(QUIET_SECONDS="1")
    await ana.says("Never mind, do NOT refund me", thread)
    await desk.told()
    await desk.staff().presses("Approve", card)
    await desk.settled()
    assert "You get the money back." not in thread.text()


async def test_p5_a_typed_handoff_while_a_person_is_in_charge_makes_the_bot_say_nothing(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("handoff")
    await desk.staff().presses("Take over", await desk.card())
    await thread.says("has taken over")
    before = len(thread.ours())
    await ana.says("@deskhand handoff", thread)
    await desk.settled()
    assert len(thread.ours()) == before


async def test_a_reply_that_names_the_bot_is_carried_to_the_customer_or_its_author_is_told(desk: Desk) -> None:
    thread = await desk.customer().asks("handoff")
    card, sam = await desk.card(), desk.staff()
    await sam.presses("Take over", card)
    await thread.says("has taken over")
    await sam.under(card, "You can ask @deskhand again any time.")
    await desk.settled()
    assert "again any time" in thread.text() or any("not sent" in w.text for w in sam.whispers())


async def test_p11_a_card_its_team_channel_refuses_reaches_the_default_channel(desk: Desk) -> None:
    desk.expects_errors = True
    desk.driver.server.workspace.channels["C0BILLING"].members.discard("U0DESKHAND")
    desk.claude.will(escalate(team="billing"), text("A colleague looks at it."))
    await (await desk.customer().asks("I was charged twice")).answer()
    await desk.settled()
    assert len(desk.cards("C0STAFF")) == 1


async def test_p2_a_card_the_staff_channel_refused_is_one_card_before_an_admin(desk: Desk) -> None:
    desk.expects_errors = True
    members = desk.driver.server.workspace.channels["C0STAFF"].members
    members.discard("U0DESKHAND")
    await desk.customer().asks("handoff")
    await desk.settled()
    members.add("U0DESKHAND")
    await desk.restart()
    grace = await desk.staff("U0GRACE").in_dm()
    await grace.presses("Take over", await desk.card(grace.channel))
    await desk.settled()
    assert len(desk.cards()) + len(desk.cards(grace.channel)) == 1


async def test_stop_pressed_before_the_run_began_stops_it(desk: Desk) -> None:
    await desk.restart(QUIET_SECONDS="1")
    ana = await desk.customer().in_dm()
    thread = await ana.asks("What do guests cost?")
    await thread.session_is("processing")
    await desk.driver.call("stop", user="U0ANA", channel=thread.channel, thread_ts=thread.ts)
    await desk.settled()
    assert "Happy to help" not in thread.text()
    assert desk.claude.asked == []


async def test_a_limit_for_somebody_who_does_not_exist_is_not_confirmed(desk: Desk) -> None:
    grace = desk.staff("U0GRACE")
    for wish in (
        "set user @nobody 5",
        "set channel #nowhere 3",
        "set conversation nonsense 1",
        "set workspace other 4",
    ):
        assert "Nothing was changed" in await grace.types(wish)
    assert desk.rows("select count(*) from limits") == [(0,)]


async def test_ten_typed_handoffs_at_once_open_one_case(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("handoff")
    await asyncio.gather(*(ana.says("@deskhand handoff", thread) for _ in range(10)))
    await desk.settled()
    assert len(desk.cards()) == 1


async def test_a_form_sent_three_times_at_once_hands_back_once(desk: Desk) -> None:
    ana = desk.customer()
    thread = await ana.asks("handoff")
    sam = desk.staff()
    await sam.presses("Take over", await desk.card())
    await thread.says("has taken over")
    await sam.presses("Hand back", await desk.card())
    view = await sam.sees_form()
    sending = {"user": "U0SAM", "view_id": view["id"], "values": {"text": "did it"}}
    await asyncio.gather(*(desk.driver.call("view/submit", **sending) for _ in range(3)))
    await ana.says("And one more thing", thread)
    await desk.settled()
    assert [m.kind for m in thread.ours()] == ["handoff", "taken", "back", "answer"]


async def test_p2_while_slack_fails_again_and_again_each_question_gets_one_answer(desk: Desk) -> None:
    threads = []
    for kind in _troubles():
        await desk.driver.call("fault", method="*", kind=kind, times=1, retry_after=1, seconds=0.2)
        threads.append(await desk.customer().asks("How do I invite a guest?"))
        await asyncio.sleep(0.05)
    await desk.settled(40)
    assert [[m.kind for m in thread.ours()] for thread in threads] == [["answer"]] * len(threads)
    assert desk.rows("select count(*) from outbox where state = 'waiting'") == [(0,)]


async def test_p3_through_sockets_that_are_cut_every_event_arrives_once(desk: Desk) -> None:
    threads = []
    for _ in range(6):
        threads.append(await desk.customer().asks("hello"))
        await desk.driver.call("disconnect", reason="refresh_requested")
        await asyncio.sleep(0.1)
    await desk.settled(30)
    assert [[m.kind for m in thread.ours()] for thread in threads] == [["answer"]] * len(threads)


async def _nobody() -> AuthorizeResult:
    raise AssertionError("an unsigned request got as far as this")


def _troubles() -> Iterator[str]:
    yield from ("http_500", "reset_after", "ratelimited", "reset_before", "delay", "reset_after", "http_500")
