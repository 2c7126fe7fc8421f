"""Notion's API: search and data source queries by cursor, pages, and their enhanced Markdown."""

from aiohttp import web

from tests.fakes.article_services.base import TOKEN, ArticleService, Json, cut

_MOST = 2


class Notion(ArticleService):
    """A workspace; ids are 32 times the same digit."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Json] = {}
        self.texts: dict[str, Json] = {}
        self.unlisted: set[str] = set()
        """Pages that the search leaves out for now."""
        self.database: list[str] = []

    def add(self, digit: int, title: str, text: str, **more: object) -> str:
        number = str(digit) * 32
        self.pages[number] = {
            "object": "page", "id": number, "created_time": "2025-01-01T00:00:00.000Z",
            "last_edited_time": "2026-03-04T10:00:00.000Z", "parent": {"type": "workspace", "workspace": True},
            "archived": False, "in_trash": False, "is_locked": False, "url": f"https://www.notion.so/{number}",
            "public_url": None,
            "properties": {
                "Name": {"id": "title", "type": "title", "title": [{"type": "text", "plain_text": title}]},
                "Category": {"id": "c", "type": "select", "select": {"id": "1", "name": "Money", "color": "red"}},
            },
            **more,
        }  # fmt: skip
        self.say(number, text)
        return number

    def say(self, number: str, text: str, *missing: str) -> None:
        self.texts[number] = {
            "object": "page_markdown", "id": number, "markdown": text, "truncated": bool(missing),
            "unknown_block_ids": list(missing),
        }  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/users/me", self._me),
            web.post("/v1/search", self._search),
            web.post("/v1/data_sources/{id}/query", self._query),
            web.get("/v1/pages/{id}", self._page),
            web.get("/v1/pages/{id}/markdown", self._markdown),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {TOKEN}" and "Notion-Version" in request.headers

    async def _me(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "user", "id": "1", "type": "bot", "name": "Deskhand"})

    async def _search(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["filter"] == {"property": "object", "value": "page"}
        shown = [page for number, page in self.pages.items() if number not in self.unlisted and not page["in_trash"]]
        return self._list(shown, body)

    async def _query(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != "d" * 32:
            return _not_found()
        return self._list([self.pages[number] for number in self.database], await request.json())

    def _list(self, pages: list[Json], body: Json) -> web.Response:
        shown, onward = cut(pages, body.get("start_cursor", ""), _MOST)
        told = {"object": "list", "results": shown, "has_more": bool(onward), "next_cursor": onward or None}
        return web.json_response(told)

    async def _page(self, request: web.Request) -> web.Response:
        page = self.pages.get(request.match_info["id"])
        return web.json_response(page) if page else _not_found()

    async def _markdown(self, request: web.Request) -> web.Response:
        text = self.texts.get(request.match_info["id"])
        return web.json_response(text) if text else _not_found()


def _not_found() -> web.Response:
    told = {"object": "error", "status": 404, "code": "object_not_found", "message": "Could not find it."}
    return web.json_response(told, status=404)
