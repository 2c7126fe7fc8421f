"""Notion's API: search and data source queries by cursor, pages, their enhanced Markdown, and blocks."""

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
        self.blocks: dict[str, list[Json]] = {}
        """What lies in a page or block, by its id."""
        self.renders = True
        """False: an older interface, without Markdown."""
        self.broken: set[str] = set()
        """Pages that take Notion too long."""

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

    def put(self, inside: str, number: str, kind: str, **content: object) -> str:
        """A block; text is written `text="…"`. Its id."""
        if "text" in content:
            content["rich_text"] = [{"type": "text", "plain_text": content.pop("text"), "href": None}]
        block = {
            "object": "block", "id": number, "parent": {"type": "block_id", "block_id": inside}, "archived": False,
            "in_trash": False, "type": kind, kind: content,
        }  # fmt: skip
        self.blocks.setdefault(inside, []).append(block)
        return number

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/users/me", self._me),
            web.post("/v1/search", self._search),
            web.post("/v1/data_sources/{id}/query", self._query),
            web.get("/v1/pages/{id}", self._page),
            web.get("/v1/pages/{id}/markdown", self._markdown),
            web.get("/v1/blocks/{id}", self._block),
            web.get("/v1/blocks/{id}/children", self._children),
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
        if not self.renders:
            told = {"object": "error", "status": 400, "code": "invalid_request_url", "message": "Invalid request URL."}
            return web.json_response(told, status=400)
        if request.match_info["id"] in self.broken:
            return web.Response(status=504, text="<html>")
        text = self.texts.get(request.match_info["id"])
        return web.json_response(text) if text else _not_found()

    async def _block(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        found = next((one for inside in self.blocks.values() for one in inside if one["id"] == number), None)
        return web.json_response(self._opened(found)) if found else _not_found()

    async def _children(self, request: web.Request) -> web.Response:
        inside = request.match_info["id"]
        if inside not in self.blocks:
            return _not_found()
        shown, onward = cut(self.blocks[inside], request.query.get("start_cursor", ""), _MOST)
        told = {"object": "list", "type": "block", "block": {}, "results": [self._opened(one) for one in shown]}
        return web.json_response({**told, "has_more": bool(onward), "next_cursor": onward or None})

    def _opened(self, block: Json) -> Json:
        """As Notion says whether there is more in it; of a copy, whether there is in its original."""
        original = (block.get("synced_block") or {}).get("synced_from")
        return {**block, "has_children": bool(original) or block["id"] in self.blocks}


def _not_found() -> web.Response:
    told = {"object": "error", "status": 404, "code": "object_not_found", "message": "Could not find it."}
    return web.json_response(told, status=404)
