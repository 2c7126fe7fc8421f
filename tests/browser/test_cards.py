"""A card in each of its states, as colleagues see it: driven on the page with the real bot, and pictured."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Error, Locator, Page, async_playwright, expect

from bot.ports.clock import DeskTime
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, escalate
from tests.fakes.desk_people import Card
from tests.fakes.messages_api import text, tool
from tests.fakes.tools import HeldClock
from tests.fakes.waiting import HOUR, MONDAY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path("screenshots/cards")

DRAFT = "We have refunded invoice INV-204: **$81** arrive within five days.\n\nWrite again if they do not."
ANA = "ana@cobalt-studio.example"
POLICY = """
[[gate]]
tool = "issue_refund"
when = [{ field = "amount_usd", op = ">", value = 100 }]
why = "Refunds of more than $100 need a person."
[approvals]
two_people = "calls"
"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine (Debian: apt install chromium)."),
]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    PICTURES.mkdir(parents=True, exist_ok=True)


async def _picture(what: Locator, name: str) -> None:
    """Take a picture; what is drawn anew in that very moment is looked for again."""
    for _ in range(5):
        with suppress(Error):
            await what.screenshot(path=PICTURES / name)
            return
    await what.screenshot(path=PICTURES / name)


@dataclass
class Screen:
    """The staff channel on somebody's screen."""

    desk: Desk
    page: Page
    claude: Claude

    async def become(self, name: str) -> None:
        option = self.page.get_by_test_id("person").locator("option", has_text=name)
        await self.page.get_by_test_id("person").select_option(await option.first.get_attribute("value"))
        await self.page.get_by_test_id("channel-C0STAFF").click()

    def card(self, words: str) -> Locator:
        """The last message in the channel with these words."""
        return self.page.get_by_test_id("message").filter(has_text=words).last

    async def press(self, card: Locator, action: str) -> None:
        """Press a button; Approve asks once more."""
        await card.locator(f'[data-action-id="{action}"]').click()
        if action == "esc_approve":
            await self.page.get_by_test_id("confirm-ok").click()

    async def shows(self, card: Locator, name: str, *words: str) -> None:
        """Wait for the words and take the card's picture."""
        for expected in words:
            await expect(card).to_contain_text(expected)
        await self.desk.settled()  # nothing is drawn anew meanwhile
        await _picture(card, f"{name}.png")

    async def fill(self, name: str, **values: str) -> None:
        """Fill the open form, take its picture, and send it."""
        modal = self.page.get_by_test_id("modal")
        for action, value in values.items():
            await modal.locator(f'[data-action-id="{action}"]').fill(value)
        await _picture(modal, f"form-{name}.png")
        await self.page.get_by_test_id("modal-submit").click()

    async def draft(self) -> Card:
        self.claude.will(escalate(DRAFT), text("I have asked a colleague to check this."))
        await (await self.desk.customer().asks("You charged me twice, I want my money back")).answer()
        return await self.desk.card(number=len(self.desk.cards()))

    async def refund(self) -> None:
        call = {"customer_email": ANA, "amount_usd": 252, "reason": "INV-2026-15477 was charged twice in November"}
        self.claude.will(tool("issue_refund", call), text("A colleague has to approve this refund first."))
        await (await self.desk.customer().asks("You charged me twice, please refund me")).answer()


@asynccontextmanager
async def opened(folder: Path, time: DeskTime) -> AsyncIterator[Screen]:
    rules = folder / "policy.toml"
    rules.write_text(POLICY, encoding="utf-8")
    async with (
        Claude() as claude,
        open_desk(folder, claude=claude, time=time, POLICY_FILE=str(rules), STAFF_CHANNELS="") as desk,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport={"width": 1180, "height": 1100})).new_page()
        page.set_default_timeout(10_000)
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        await page.goto(f"{desk.driver.server.url}/#user=U0SAM&channel=C0STAFF")
        yield Screen(desk, page, claude)
        await browser.close()
        assert broken == []


async def test_a_drafted_reply_is_asked_about_edited_and_approved(tmp_path: Path) -> None:
    async with opened(tmp_path, DeskTime()) as screen:
        await screen.draft()
        card = screen.card("Needs a person")
        await screen.shows(card, "1-open-reply", "Proposed reply", "Can be approved until", "Ask")
        await screen.press(card, "esc_ask")
        await screen.fill("ask", text="Which of the two invoices is it?")
        await screen.shows(card, "2-asked", "asked the customer", "no answer yet")
        await screen.press(card, "esc_edit")
        await screen.fill("edit-reply", **{"part:0": "We have refunded $81. Write again if it does not come."})
        await screen.shows(card, "3-edited-reply", "Changed by")
        await card.get_by_test_id("replies").click()
        thread = screen.page.get_by_test_id("thread")
        await expect(thread).to_contain_text("changed the proposal")
        await _picture(thread, "3-edited-thread.png")
        await screen.press(card, "esc_approve")
        await screen.shows(screen.card("Approved"), "4-approved", "Sam Porter", "thread")


async def test_a_gated_call_is_edited_and_waits_for_a_second_person(tmp_path: Path) -> None:
    async with opened(tmp_path, DeskTime()) as screen:
        await screen.refund()
        card = screen.card("Needs a person")
        await screen.shows(card, "5-open-call", "issue_refund", "amount_usd: 252.00", "Approval takes two people")
        await screen.press(card, "esc_edit")
        await screen.fill("edit-call", **{"argument:amount_usd": "126"})
        await screen.shows(card, "6-edited-call", "amount_usd: 126.00", "Changed by")
        await screen.press(card, "esc_approve")
        await screen.shows(card, "7-waits-for-second", "a second person has to approve")
        await screen.become("Grace Lee")
        screen.claude.will(text("Done: RF-1001 of $126.00 was issued."))
        await screen.press(screen.card("Needs a person"), "esc_approve")
        await screen.shows(screen.card("Approved"), "8-approved-by-two", "Grace Lee", "and")


async def test_a_case_is_denied_taken_over_handed_back_and_resolved(tmp_path: Path) -> None:
    async with opened(tmp_path, DeskTime()) as screen:
        await screen.draft()
        await screen.press(screen.card("Needs a person"), "esc_deny")
        screen.claude.will(text("I'm sorry, the second charge was for a new seat."))
        await screen.fill("deny", text="The second charge was for a seat added on the 12th.")
        await screen.shows(screen.card("Denied"), "9-denied", "a seat added on the 12th")
        for name, action in (("handed-back", "esc_hand_back"), ("resolved", "esc_resolve")):
            await screen.draft()
            await screen.press(screen.card("Needs a person"), "esc_take_over")
            claimed = screen.card("A person is on it")
            await screen.shows(claimed, f"10-claimed-{name}", "Taken over", "Sam Porter")
            await screen.press(claimed, action)
            if action == "esc_hand_back":
                await expect(screen.page.get_by_test_id("modal")).to_be_visible()
                await screen.page.get_by_test_id("modal").locator("textarea").first.fill("I called Ana.")
                await _picture(screen.page.get_by_test_id("modal"), "form-hand-back.png")
                await screen.page.get_by_test_id("modal-submit").click()
            words = "Handed back" if action == "esc_hand_back" else "Resolved"
            await screen.shows(screen.card(words), f"11-{name}", "Sam Porter")


async def test_a_proposal_is_withdrawn_when_the_customer_writes_and_expires_when_nobody_looks(tmp_path: Path) -> None:
    clock = HeldClock(MONDAY)
    async with opened(tmp_path, DeskTime(clock, tick=0.02)) as screen:
        await screen.draft()
        thread = screen.page.get_by_test_id("thread")
        card = screen.card("Needs a person")
        screen.claude.will(text("Glad to hear it!"))
        root = next(m for m in await screen.desk.driver.messages() if "charged me twice" in m["text"])
        await screen.desk.driver.says("U0ANA", "@deskhand forget it, I found it", thread_ts=root["ts"])
        await expect(card).not_to_contain_text("Proposed reply")
        await screen.shows(card, "12-withdrawn", "Withdrawn: The customer wrote again")
        await card.get_by_test_id("replies").click()
        await expect(thread).to_contain_text("no longer holds")
        await _picture(thread, "12-withdrawn-thread.png")
        await screen.draft()
        clock.now += 4 * HOUR + 1
        await screen.shows(screen.card("Expired, nothing"), "13-expired", "nothing was sent or done")
        await screen.shows(screen.card("Nobody approved it in time"), "13-expired-anew", "Take over")
