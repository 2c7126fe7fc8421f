"""The whole story on the page, with the real bot: ask, a human, approve, take over, reply, hand back, budget."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.fakes.desk import open_desk

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path("screenshots")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine (Debian: apt install chromium)."),
]


@pytest.fixture
async def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with open_desk(tmp_path) as desk, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = await (await browser.new_context(viewport={"width": 1280, "height": 860})).new_page()
        opened.set_default_timeout(10_000)
        broken: list[str] = []
        opened.on("pageerror", lambda error: broken.append(str(error)))
        await opened.goto(f"{desk.driver.server.url}/#user=U0ANA&channel=C0SUPPORT")
        yield opened
        await browser.close()
        assert broken == []


async def become(page: Page, name: str, channel: str) -> None:
    option = page.get_by_test_id("person").locator("option", has_text=name)
    await page.get_by_test_id("person").select_option(await option.first.get_attribute("value"))
    await page.get_by_test_id(f"channel-{channel}").click()


async def write(composer: Locator, text: str) -> None:
    await composer.fill(text)
    await composer.press("Enter")


async def picture(page: Page, name: str) -> None:
    await page.screenshot(path=PICTURES / f"{name}.png")


async def test_the_whole_story_can_be_played_on_the_page(page: Page) -> None:
    await ask(page)
    await ask_for_a_person_who_approves(page)
    await ask_again_and_sam_takes_over(page)
    await they_talk(page)
    await sam_hands_back(page)
    await grace_looks_at_the_money(page)


async def ask(page: Page) -> None:
    thread = page.get_by_test_id("thread")
    await write(page.get_by_test_id("composer"), "@deskhand how do I invite a guest to a board?")
    await page.get_by_test_id("replies").click()
    await expect(thread).to_contain_text(re.compile(r"step \d+/25 · .+ tokens · \$0\.00 of \$2\.00"))
    await expect(thread).to_contain_text("Sources")
    await expect(thread).to_contain_text("Offline mode")
    await picture(page, "1-answer")


async def ask_for_a_person_who_approves(page: Page) -> None:
    thread = page.get_by_test_id("thread")
    await write(page.get_by_test_id("thread-composer"), "Thanks, but I want to talk to a human")
    await expect(thread).to_contain_text("colleague")

    await become(page, "Sam Porter", "C0STAFF")
    card = page.get_by_test_id("message").filter(has_text="Needs a person").last
    await expect(card).to_contain_text("Ana Ruiz")
    await picture(page, "2-card")
    await card.locator('[data-action-id="esc_approve"]').click()
    await expect(page.get_by_test_id("message").filter(has_text="Approved").last).to_contain_text("Sam Porter")


async def ask_again_and_sam_takes_over(page: Page) -> None:
    thread = page.get_by_test_id("thread")
    await become(page, "Ana Ruiz", "C0SUPPORT")
    await page.get_by_test_id("replies").first.click()
    await write(page.get_by_test_id("thread-composer"), "@deskhand handoff I still need a person")
    await expect(thread).to_contain_text("I have asked a colleague to look at this.")

    await become(page, "Sam Porter", "C0STAFF")
    card = page.get_by_test_id("message").filter(has_text="Needs a person").last
    await card.locator('[data-action-id="esc_take_over"]').click()
    claimed = page.get_by_test_id("message").filter(has_text="A person is on it").last
    await expect(claimed).to_contain_text("Sam Porter")
    await claimed.get_by_test_id("replies").click()
    await write(page.get_by_test_id("thread-composer"), "Hello Ana, Sam here. What can I do?")
    await picture(page, "3-taken-over")


async def they_talk(page: Page) -> None:
    thread = page.get_by_test_id("thread")
    await become(page, "Ana Ruiz", "C0SUPPORT")
    await page.get_by_test_id("replies").first.click()
    await expect(thread).to_contain_text("Sam Porter has taken over this conversation")
    await expect(thread).to_contain_text("Hello Ana, Sam here. What can I do?")
    await write(page.get_by_test_id("thread-composer"), "All good now, thank you!")
    await picture(page, "4-relayed")


async def sam_hands_back(page: Page) -> None:
    thread = page.get_by_test_id("thread")
    await become(page, "Sam Porter", "C0STAFF")
    claimed = page.get_by_test_id("message").filter(has_text="A person is on it").last
    await claimed.get_by_test_id("replies").click()
    await expect(thread).to_contain_text("All good now, thank you!")
    await claimed.locator('[data-action-id="esc_hand_back"]').click()
    await page.get_by_test_id("modal").locator("textarea").first.fill("Explained guest access.")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_test_id("message").filter(has_text="Handed back").last).to_contain_text("Explained guest")
    await picture(page, "5-handed-back")

    await become(page, "Ana Ruiz", "C0SUPPORT")
    await page.get_by_test_id("replies").first.click()
    await expect(thread).to_contain_text("has handed this conversation back to me")


async def grace_looks_at_the_money(page: Page) -> None:
    await become(page, "Grace Lee", "C0SUPPORT")
    await write(page.get_by_test_id("composer"), "/agent-budget")
    await expect(page.get_by_test_id("ephemeral").last).to_contain_text("What the agent costs")
    await write(page.get_by_test_id("composer"), "/agent-budget set workspace 20 per day")
    await expect(page.get_by_test_id("ephemeral").last).to_contain_text("at most $20.00 per day")
    await picture(page, "6-budget")
