"""The sandbox's page in a real browser, with a small scripted app behind it: what a person sees and can do."""

import asyncio
import dataclasses
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.browser.gallery import DIALOG, EVERYTHING, UNKNOWN
from tests.fakes.sandbox_driver import FAST, Json, SandboxDriver, sandbox_running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_NASTY = '<img src=x onerror="document.title=\'broken\'"> <script>document.title="broken"</script> & "quotes"'


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest_asyncio.fixture(loop_scope="module")
async def app(sandbox: SandboxDriver) -> AsyncIterator[AsyncApp]:
    """A connected app; a test adds what it listens to."""
    made = AsyncApp(client=AsyncWebClient(token="xoxb-sandbox", base_url=sandbox.server.api_url))
    handler = AsyncSocketModeHandler(made, "xapp-sandbox")
    await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's handler is untyped
    yield made
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt's handler is untyped
    await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("There is no Chromium on this machine (Debian: apt install chromium).")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield started
        await started.close()


Visit = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser, sandbox: SandboxDriver) -> AsyncIterator[Visit]:
    """Open the page as somebody; every script error fails the test."""
    broken: list[str] = []

    async def open_page(user: str = "U0ANA", channel: str = "C0SUPPORT", **context: Any) -> Page:
        page = await (await browser.new_context(**context)).new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: broken.append(str(error)))
        await page.goto(f"{sandbox.server.url}/#user={user}&channel={channel}")
        await page.get_by_test_id("composer").wait_for()
        return page

    yield open_page
    for context in browser.contexts:
        await context.close()
    assert broken == []


async def write(page: Page, text: str, box: str = "composer") -> None:
    await page.get_by_test_id(box).fill(text)
    await page.get_by_test_id(box).press("Enter")


async def test_a_question_is_answered_in_a_thread_while_one_watches(
    app: AsyncApp, visit: Visit, sandbox: SandboxDriver
) -> None:
    async def answer(event: Json, client: AsyncWebClient) -> None:
        place = {"channel": event["channel"], "thread_ts": event["ts"]}
        started = await client.chat_postMessage(**place, text="Looking…")
        await client.chat_update(channel=event["channel"], ts=str(started["ts"]), text="Press *Share* on the board.")

    app.event("app_mention")(answer)
    app.event("message")(_ignore)
    page = await visit()
    box = page.get_by_test_id("composer")
    await box.press_sequentially("@desk")
    await box.press("Enter")
    await expect(box).to_have_value("@deskhand ")
    await box.press_sequentially("how do I invite a guest?")
    await box.press("Enter")
    await page.get_by_text("1 reply", exact=True).click()
    thread = page.get_by_test_id("thread")
    await expect(thread.get_by_text("Press Share on the board.")).to_be_visible()
    await expect(thread.locator("strong", has_text="Share")).to_be_visible()
    await expect(thread.get_by_text("APP")).to_be_visible()
    await write(page, "Thank you!", "thread-composer")
    await expect(thread.get_by_test_id("message")).to_have_count(3)
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()
    assert await sandbox.texts() == [
        "<@U0DESKHAND> how do I invite a guest?",
        "Press *Share* on the board.",
        "Thank you!",
    ]


async def test_a_member_of_staff_presses_a_button_and_fills_in_the_form(
    app: AsyncApp, visit: Visit, sandbox: SandboxDriver
) -> None:
    submitted: list[Json] = []

    async def opened(ack: Callable[..., Awaitable[None]], body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=DIALOG)

    async def done(ack: Callable[..., Awaitable[None]], view: Json) -> None:
        values = view["state"]["values"]
        if values["reply"]["reply"]["value"] == "Never":
            await ack(response_action="errors", errors={"reply": "That would promise too little."})
            return
        submitted.append(values)
        await ack()

    app.action("approve")(opened)
    app.view("approve_form")(done)
    await sandbox.says("U0DESKHAND", "A card", "C0STAFF", blocks=EVERYTHING["card with buttons"])
    page = await visit("U0SAM", "C0STAFF")
    await page.locator("[data-action-id=approve]").click()
    modal = page.get_by_test_id("modal")
    await expect(modal.get_by_role("heading", name="Approve")).to_be_visible()
    await page.get_by_test_id("modal-submit").click()
    await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
    await modal.locator("[data-action-id=team]").select_option("billing")
    await modal.get_by_label("Reply").fill("Never")
    await page.get_by_test_id("modal-submit").click()
    await expect(modal.get_by_text("That would promise too little.")).to_be_visible()
    await modal.get_by_label("Reply").fill("We refund it.")
    await page.get_by_test_id("modal-submit").click()
    await expect(modal).to_be_hidden()
    assert submitted[0]["reply"]["reply"]["value"] == "We refund it."
    assert submitted[0]["team"]["team"]["selected_option"]["value"] == "billing"
    await expect(page.locator("[data-action-id=approve]")).to_be_focused()


async def test_a_dangerous_button_asks_first(app: AsyncApp, visit: Visit, sandbox: SandboxDriver) -> None:
    denied = asyncio.Event()

    async def deny(ack: Callable[..., Awaitable[None]]) -> None:
        await ack()
        denied.set()

    app.action("deny")(deny)
    await sandbox.says("U0DESKHAND", "A card", "C0STAFF", blocks=EVERYTHING["card with buttons"])
    page = await visit("U0SAM", "C0STAFF")
    await page.locator("[data-action-id=deny]").click()
    await page.get_by_test_id("confirm").get_by_role("button", name="Cancel").click()
    assert not denied.is_set()
    await page.locator("[data-action-id=deny]").click()
    await page.get_by_test_id("confirm-ok").click()
    async with asyncio.timeout(5):
        await denied.wait()


async def test_a_slash_command_is_answered_only_to_the_one_who_typed_it(app: AsyncApp, visit: Visit) -> None:
    async def budget(ack: Callable[..., Awaitable[None]], command: Json) -> None:
        await ack(f"*Budget* of `{command['text']}`")

    app.command("/agent-budget")(budget)
    ana, bo = await visit("U0ANA"), await visit("U0BO")
    await ana.get_by_test_id("composer").fill("/agent")
    await expect(ana.get_by_role("listbox", name="Suggestions")).to_contain_text("What the support agent costs")
    await write(ana, "/agent-budget today")
    shown = ana.get_by_test_id("ephemeral")
    await expect(shown).to_contain_text("Only visible to you")
    await expect(shown.locator("code")).to_have_text("today")
    await expect(bo.get_by_test_id("ephemeral")).to_have_count(0)
    await shown.get_by_role("button", name="Dismiss message").click()
    await expect(shown).to_have_count(0)


async def test_the_direct_message_offers_prompts_and_shows_the_work_with_a_stop_button(
    app: AsyncApp, visit: Visit
) -> None:
    stopped = asyncio.Event()

    async def greet(event: Json, client: AsyncWebClient) -> None:
        prompts = [{"title": "Invite a guest", "message": "How do I invite a guest?"}]
        await client.assistant_threads_setSuggestedPrompts(channel_id=event["channel"], title="Hello", prompts=prompts)

    async def work(event: Json, client: AsyncWebClient) -> None:
        await client.agents_sessions_setStatus(channel_id=event["channel"], thread_ts=event["ts"], status="processing")

    async def stop(event: Json, client: AsyncWebClient) -> None:
        place = {"channel_id": event["channel"], "thread_ts": event["thread_ts"]}
        await client.agents_sessions_setStatus(**place, status="active")
        stopped.set()

    app.event("app_home_opened")(greet)
    app.event("message")(work)
    app.event("agent_session_stopped")(stop)
    page = await visit()
    await page.get_by_test_id("dm-bot").click()
    await page.get_by_test_id("prompt").click()
    session = page.get_by_test_id("session")
    await expect(session).to_contain_text("Working…")
    await page.get_by_test_id("stop").click()
    await expect(session).to_be_hidden()
    assert stopped.is_set()


async def test_one_can_be_anybody_and_the_address_remembers_who(visit: Visit, sandbox: SandboxDriver) -> None:
    await sandbox.says("U0DESKHAND", "A case for you", "C0STAFF")
    page = await visit("U0ANA")
    await expect(page.get_by_test_id("channel-C0STAFF")).to_have_count(0)
    await page.get_by_test_id("person").select_option("U0SAM")
    staff = page.get_by_test_id("channel-C0STAFF")
    await expect(staff.get_by_test_id("unread")).to_contain_text("1")
    await staff.click()
    await expect(page.get_by_text("A case for you")).to_be_visible()
    await expect(staff.get_by_test_id("unread")).to_have_count(0)
    await expect(page).to_have_url(re.compile("user=U0SAM&channel=C0STAFF"))
    await page.reload()
    await expect(page.get_by_test_id("person")).to_have_value("U0SAM")
    await expect(page.get_by_text("A case for you")).to_be_visible()


async def test_ones_own_message_can_be_edited_and_deleted(visit: Visit, sandbox: SandboxDriver) -> None:
    page = await visit()
    await write(page, "Helo @deskhand <you> & me")
    message = page.get_by_test_id("message")
    await message.hover()
    await message.get_by_test_id("message-menu").click()
    await page.get_by_role("menuitem", name="Edit message").click()
    editor = page.get_by_test_id("edit-box")
    await expect(editor).to_have_value("Helo @deskhand <you> & me")
    await editor.fill("Hello @deskhand <you> & me")
    await editor.press("Enter")
    await expect(message).to_contain_text("Hello @deskhand <you> & me")
    await expect(message).to_contain_text("(edited)")
    await message.get_by_test_id("message-menu").click()
    await page.get_by_role("menuitem", name="Delete message…").click()
    await page.get_by_test_id("confirm-ok").click()
    await expect(message).to_have_count(0)
    assert await sandbox.messages() == []


async def test_the_message_menu_runs_the_apps_shortcut(app: AsyncApp, visit: Visit) -> None:
    async def cost(ack: Callable[..., Awaitable[None]], shortcut: Json, client: AsyncWebClient) -> None:
        await ack()
        place = {"channel": shortcut["channel"]["id"], "user": shortcut["user"]["id"]}
        await client.chat_postEphemeral(**place, text=f"{shortcut['message']['text']} cost $0.02")

    app.shortcut("conversation_cost")(cost)
    app.event("message")(_ignore)
    page = await visit()
    await write(page, "A question")
    await page.get_by_test_id("message").hover()
    await page.get_by_test_id("message-menu").click()
    await page.get_by_role("menuitem", name="Cost of this conversation").click()
    await expect(page.get_by_test_id("ephemeral")).to_contain_text("A question cost $0.02")


async def test_a_file_is_attached_and_can_be_read(visit: Visit) -> None:
    page = await visit()
    await page.get_by_test_id("composer-file").set_input_files(
        {"name": "log.txt", "mimeType": "text/plain", "buffer": b"one line"}
    )
    await write(page, "The log")
    link = page.get_by_test_id("message").get_by_role("link", name=re.compile("log.txt"))
    await expect(link).to_contain_text("8 B")
    href = await link.get_attribute("href")
    assert await page.evaluate("href => fetch(href).then(answer => answer.text())", href) == "one line"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_block_is_shown_also_on_a_narrow_screen(visit: Visit, sandbox: SandboxDriver, scheme: str) -> None:
    for name, blocks in EVERYTHING.items():
        await sandbox.says("U0DESKHAND", name, blocks=blocks)
    page = await visit(color_scheme=scheme, viewport={"width": 390, "height": 800})
    await expect(page.get_by_test_id("message")).to_have_count(len(EVERYTHING))
    await expect(page.get_by_test_id("unsupported-block")).to_have_count(0)
    width = await page.evaluate("document.querySelector('#main .scroller').scrollWidth")
    assert width <= 390
    await page.get_by_role("button", name="Channels").click()
    await expect(page.get_by_test_id("dm-bot")).to_be_visible()


async def test_an_unknown_block_says_so_instead_of_vanishing(visit: Visit, sandbox: SandboxDriver) -> None:
    sandbox.server.workspace.post("C0SUPPORT", {"user": "U0PAGER", "bot_id": "B0PAGER", "text": "", "blocks": UNKNOWN})
    page = await visit()
    await expect(page.get_by_test_id("unsupported-block")).to_contain_text("hologram")


async def test_nothing_that_is_written_becomes_markup(visit: Visit, sandbox: SandboxDriver) -> None:
    plain, mrkdwn = (
        {"type": "plain_text", "text": _NASTY},
        {"type": "mrkdwn", "text": f"*{_NASTY}* <javascript:alert(1)|x>"},
    )
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": mrkdwn},
        {"type": "context", "elements": [plain]},
        {
            "type": "markdown",
            "text": f"# {_NASTY}\n[click](javascript:document.title='broken')\n\n| a |\n|---|\n| {_NASTY} |",
        },
    ]
    await sandbox.says("U0ANA", _NASTY)
    await sandbox.says("U0DESKHAND", _NASTY, blocks=blocks)
    page = await visit()
    await expect(page.get_by_test_id("message")).to_have_count(2)
    await expect(page.get_by_test_id("message").first).to_contain_text(_NASTY)
    assert await page.locator("#main .message-body img, #main .message-body script").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    await expect(page).to_have_title(re.compile("#support"))


async def test_a_link_to_a_message_opens_its_thread_on_the_page(visit: Visit, sandbox: SandboxDriver) -> None:
    root = await sandbox.says("U0ANA", "The question")
    reply = await sandbox.says("U0BO", "The reply", thread_ts=root)
    address = sandbox.server.workspace.permalink("C0SUPPORT", reply)
    await sandbox.says("U0DESKHAND", f"See <{address}>", "C0STAFF")
    page = await visit("U0SAM", "C0STAFF")
    await page.get_by_test_id("message").get_by_role("link").click()
    await expect(page.get_by_test_id("thread").get_by_text("The reply")).to_be_visible()


async def test_the_page_says_when_the_bot_is_away_and_finds_a_restarted_server_again(
    visit: Visit, sandbox: SandboxDriver
) -> None:
    page = await visit()
    await expect(page.get_by_test_id("bot-offline")).to_contain_text("deskhand is offline")
    await page.get_by_test_id("composer").fill("A draft")
    port = int(sandbox.server.url.rsplit(":", 1)[1])
    await sandbox.server.close()
    await expect(page.get_by_test_id("reconnecting")).to_contain_text("Reconnecting")
    async with sandbox_running(dataclasses.replace(FAST, port=port)) as again:
        await again.says("U0BO", "While it was away")
        await expect(page.get_by_text("While it was away")).to_be_visible()
        await expect(page.get_by_test_id("reconnecting")).to_have_count(0)
        await expect(page.get_by_test_id("composer")).to_have_value("A draft")


async def test_the_home_tab_shows_what_the_app_published_and_its_buttons_work(app: AsyncApp, visit: Visit) -> None:
    pressed: list[str] = []

    async def publish(event: Json, client: AsyncWebClient) -> None:
        if event["tab"] == "home":
            blocks = EVERYTHING["card with buttons"]
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async def approve(ack: Callable[..., Awaitable[None]], body: Json) -> None:
        await ack()
        pressed.append(body["view"]["type"])

    app.event("app_home_opened")(publish)
    app.action("approve")(approve)
    page = await visit("U0SAM")
    await page.get_by_test_id("dm-bot").click()
    await page.get_by_test_id("tab-home").click()
    home = page.get_by_test_id("home")
    await expect(home.get_by_text("Needs a person")).to_be_visible()
    await home.locator("[data-action-id=approve]").click()
    await expect(page.get_by_test_id("composer")).to_be_hidden()
    await page.get_by_test_id("tab-messages").click()
    await expect(home).to_be_hidden()
    await expect(page.get_by_test_id("composer")).to_be_visible()
    assert pressed == ["home"]


async def test_the_introduction_can_be_dismissed_for_good(visit: Visit) -> None:
    page = await visit()
    await page.get_by_role("button", name="Put in a question").click()
    await expect(page.get_by_test_id("composer")).to_have_value(re.compile("^@deskhand "))
    await page.get_by_test_id("intro-dismiss").click()
    await expect(page.get_by_test_id("intro")).to_have_count(0)
    await page.reload()
    await page.get_by_test_id("composer").wait_for()
    await expect(page.get_by_test_id("intro")).to_have_count(0)


async def _ignore() -> None:
    """Events the test has no interest in."""
