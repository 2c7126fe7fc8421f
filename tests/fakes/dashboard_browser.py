"""A browser in front of the dashboard: keeps cookies, says where its forms come from, follows what it is told to."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True)
class Page:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]
    url: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.text)
        return found[1] if found else ""


@dataclass(frozen=True)
class Browser:
    """One person's."""

    http: aiohttp.ClientSession
    url: str
    """Of the bot."""

    async def opens(self, path: str, *, follow: bool = False, **headers: str) -> Page:
        async with self.http.get(self._address(path), headers=headers, allow_redirects=follow) as answer:
            return await _page(answer)

    async def heads(self, path: str) -> int:
        async with self.http.head(self._address(path), allow_redirects=False) as answer:
            return answer.status

    async def sends(self, path: str, *, origin: str | None = None, **form: str) -> Page:
        headers = {"Origin": self.url if origin is None else origin, "Sec-Fetch-Site": "same-origin"}
        if origin == "":
            headers = {}
        async with self.http.post(self._address(path), data=form, headers=headers, allow_redirects=False) as answer:
            return await _page(answer)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.http.cookie_jar}

    def _address(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.url}/dashboard{path}"


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Browser]:
    """A new one, without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(http, url)


async def _page(answer: aiohttp.ClientResponse) -> Page:
    return Page(answer.status, await answer.text(), dict(answer.headers), str(answer.url))
