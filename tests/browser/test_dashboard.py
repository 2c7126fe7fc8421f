"""The dashboard in a real browser: every page, light and dark, on a desk and on a phone, by mouse, keyboard and ear."""

import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.domain.gaps import GapCause
from bot.store.engine import create_engine
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_people import Person, Thread
from tools.knowledge_base.tables import gaps

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = Path("screenshots")
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
NASTY = "I want a human <img src=x onerror=\"document.title='broken'\"> \u202egnp.exe "
SEEN = {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable", "landmark-unique"]}
"""Rules of axe that may find something else on another screen."""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine (Debian: apt install chromium)."),
]


@dataclass
class Visitor:
    """A browser that is signed in, and everything it complained about."""

    browser: Browser
    base: str
    cookies: list[Mapping[str, object]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    async def opens(self, size: Mapping[str, int], scheme: str) -> Page:
        context = await self.browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        await context.add_cookies(self.cookies)  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.broken.append(str(error)))
        page.on("console", lambda line: self.broken.append(line.text) if line.type in ("error", "warning") else None)
        return page


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with open_desk(tmp_path) as opened:
        yield opened


async def test_every_page_works_for_everybody(desk: Desk) -> None:
    expect.set_options(timeout=30_000)
    thread = await tell_a_story(desk)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        visitor = Visitor(browser, desk.bot.address.dashboard)  # type: ignore[union-attr]  # it runs
        await sign_in(visitor, desk)
        pages = await find_conversations(visitor)
        await look_at(visitor, pages)
        await walk_by_keyboard(visitor)
        await read_a_conversation(visitor, pages["conversation"], desk.customer(), thread)
        await browser.close()
    assert visitor.broken == []


async def tell_a_story(desk: Desk) -> Thread:
    """Ana is answered, then asks for a person (in the thread that is returned); Grace sets a limit."""
    ana, grace = desk.customer(), desk.staff("U0GRACE")
    first = await ana.asks("How do I invite a guest to a board?")
    await first.answer()
    second = await ana.asks(NASTY + "and " * 100)
    await second.answer()
    await desk.card()
    await grace.types("set workspace 20 per day")
    await grace.hears("at most $20.00 per day")
    await desk.settled()
    await ask_in_vain(desk)
    return second


async def ask_in_vain(desk: Desk) -> None:
    """One question that shows in every way that the articles do not answer it."""
    engine = create_engine(f"sqlite:///{desk.database}")
    asked = [
        {"id": cause, "conversation_id": f"T0FERNWAY:C1:{cause}", "band": cause, "terms": "x", "query": "wide " * 60}
        for cause in GapCause
    ]
    async with engine.begin() as connection:
        await connection.execute(sa.insert(gaps), [{**one, "at": time.time()} for one in asked])
    await engine.dispose()


async def sign_in(visitor: Visitor, desk: Desk) -> None:
    """By the link of /agent-budget, as somebody of staff does."""
    grace = desk.staff("U0GRACE")
    await grace.types("")
    told = await grace.hears("/dashboard/enter/")
    address = re.search(r"http://[^\s|>\"]+/dashboard/enter/[\w-]+", told.everything)
    assert address is not None
    page = await visitor.opens(DESK, "light")
    await page.goto(address[0])
    await page.get_by_role("main").get_by_role("button").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    visitor.cookies = [dict(cookie) for cookie in await page.context.cookies()]
    await page.context.close()


async def find_conversations(visitor: Visitor) -> dict[str, str]:
    """Every page by its name, with those of one conversation and one prompt."""
    page = await visitor.opens(DESK, "light")
    await page.goto(f"{visitor.base}conversations")
    row = page.get_by_role("row").filter(has_text="I want a human")
    conversation = await row.get_by_role("link").get_attribute("href") or ""
    await page.goto(f"{visitor.base}prompts")
    prompt = await page.locator("thead a").first.get_attribute("href") or ""
    await page.context.close()
    names = ("conversations", "escalations", "tools", "knowledge", "budgets", "prompts")
    return {
        "overview": "",
        **{name: name for name in names},
        "nothing": "conversations?q=nobody-said-this&state=closed",
        "conversation": conversation.removeprefix("/dashboard/"),
        "prompt": prompt.removeprefix("/dashboard/"),
    }


async def look_at(visitor: Visitor, pages: Mapping[str, str]) -> None:
    """Light on a desk, dark on a phone: nothing is wider than the screen, nothing is hidden from screen readers."""
    page = await visitor.opens(DESK, "light")
    for name, path in pages.items():
        answer = await page.goto(visitor.base + path)
        assert answer is not None
        assert answer.status == 200, name
        await fits(page, f"{name}-desk-light")
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a dict of its fields
        await page.emulate_media(color_scheme="dark")
        await fits(page, f"{name}-phone-dark", runOnly=SEEN)
        await page.set_viewport_size(DESK)  # type: ignore[arg-type]  # likewise
        await page.emulate_media(color_scheme="light")
    await page.context.close()


async def fits(page: Page, name: str, **options: object) -> None:
    await page.screenshot(path=PICTURES / f"dashboard-{name}.png")
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    found = await Axe().run(page, options={"resultTypes": ["violations"], **options})
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"


async def walk_by_keyboard(visitor: Visitor) -> None:
    """Past the navigation by the skip link, through it by Tab, and a search by Enter."""
    page = await visitor.opens(DESK, "light")
    await page.goto(f"{visitor.base}conversations")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    box = page.get_by_role("searchbox")
    await expect(box).to_be_focused()
    await page.keyboard.type("human")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("table")).to_contain_text("I want a human")
    await expect(page.get_by_role("table")).not_to_contain_text("invite a guest")
    await page.get_by_role("link", name="Escalations").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Escalations")
    await expect(page.get_by_role("table").first).to_contain_text("Ana Ruiz")
    await page.goto(f"{visitor.base}knowledge")
    await expect(page.get_by_role("table", name="Articles by the number of answers")).to_contain_text("guest")
    gap = page.get_by_role("table", name="What to write next").get_by_role("row").filter(has_text="wide")
    await expect(gap).to_contain_text("nothing found (1); found, yet handed over (1); found, yet answered without a")
    await page.context.close()


async def read_a_conversation(visitor: Visitor, path: str, ana: Person, thread: Thread) -> None:
    """What a customer wrote is text, hidden letters are gone, the steps unfold, and what comes is shown by itself."""
    page = await visitor.opens(DESK, "light")
    await page.goto(visitor.base + path)
    talk = page.get_by_role("list").filter(has_text="<img src=x onerror=")
    await expect(talk).to_contain_text("gnp.exe")
    assert "\u202e" not in await page.content()
    assert await page.title() != "broken"
    await talk.get_by_text("show all").click()
    call = page.get_by_role("row").filter(has_text="Arguments and result of escalate_to_human")
    await call.first.get_by_text("Arguments and result").click()
    await expect(call.first).to_contain_text('"reason"')
    await ana.says("Are you still there?", thread)
    await expect(page.get_by_role("listitem").filter(has_text="Are you still there?")).to_be_visible()
    await page.context.close()
