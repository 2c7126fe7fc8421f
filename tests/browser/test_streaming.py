"""Steps and answer of a direct message on the page, while they are streamed and afterwards."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from bot.desk import live
from tests.fakes.desk import open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, lookup, search

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path("screenshots")
WORDS = "Open the board, press **Share**, and type the guest's e-mail address.\n\nGuests are free on the Team plan."
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine (Debian: apt install chromium)."),
]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(live, "FIRST_AFTER", 0.1)
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.1)
    monkeypatch.setattr(live, "STREAM_SECONDS_MORE", 0.0)


async def test_the_steps_are_seen_and_then_the_answer_in_the_same_message(tmp_path: Path) -> None:
    async with Claude() as claude, open_desk(tmp_path, claude=claude) as desk, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 860})).new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        ana = await desk.customer().in_dm()

        def hold_on(_: object) -> object:
            claude.hold()
            return search()

        claude.will(lookup("ana@cobalt-studio.example"), hold_on, answer_from_source(WORDS))  # type: ignore[arg-type] # a brain
        thread = await ana.asks("How do I invite a guest to a board?")
        await page.goto(f"{desk.driver.server.url}/#user=U0ANA&channel={ana.channel}")
        await page.get_by_test_id("replies").first.click()
        panel = page.get_by_test_id("thread")
        await claude.is_asked(3)
        working = panel.locator(".message.streaming")
        await expect(working.locator(".plan-title")).to_contain_text("Step 3/25")
        await expect(working.locator(".task-line").nth(0)).to_contain_text("Looking up the account")
        await expect(working.locator(".task-in_progress")).to_have_count(1)
        await page.screenshot(path=PICTURES / "7-steps.png")

        claude.let_go()
        await thread.answer()
        await expect(panel.locator(".message.streaming")).to_have_count(0)
        await expect(panel).to_contain_text("Guests are free on the Team plan.")
        await expect(panel.locator(".task-in_progress")).to_have_count(0)
        await expect(panel.locator(".task-complete")).to_have_count(3)
        await expect(panel).to_contain_text("step 3/25")
        await page.screenshot(path=PICTURES / "8-streamed-answer.png")
        await browser.close()
        assert broken == []
