"""Confluence Cloud: spaces and pages of the REST API v2, restrictions by the first API's search."""

from aiohttp import web

from tests.fakes.article_services.base import BASIC, ArticleService, Json, cut

_MOST = 2


class Confluence(ArticleService):
    """A site with the spaces HELP and OPS, of which it shows those in `spaces`."""

    def __init__(self) -> None:
        super().__init__()
        self.spaces = {"HELP": "1001", "OPS": "1002"}
        self.pages: dict[str, list[Json]] = {"1001": [], "1002": []}
        self.restricted: set[str] = set()
        self.unindexed: set[str] = set()
        """Pages that the search does not find."""

    def add(self, number: int, title: str, storage: str, parent: int | None = None, **more: object) -> Json:
        page: Json = {
            "id": str(number), "status": "current", "title": title, "spaceId": "1001",
            "parentId": str(parent) if parent else None, "parentType": "page" if parent else None, "position": 1,
            "authorId": "a", "ownerId": "a", "createdAt": "2025-01-01T00:00:00.000Z",
            "version": {"createdAt": "2026-03-04T10:00:00.000Z", "message": "", "number": 3, "minorEdit": False},
            "body": {"storage": {"representation": "storage", "value": storage}},
            "_links": {"webui": f"/spaces/HELP/pages/{number}", "editui": "/e", "tinyui": "/x/a"},
            **more,
        }  # fmt: skip
        self.pages["1001"].append(page)
        return page

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/wiki/api/v2/spaces", self._spaces),
            web.get("/wiki/api/v2/spaces/{id}/pages", self._pages),
            web.get("/wiki/rest/api/content/search", self._search),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Basic {BASIC}"

    async def _spaces(self, request: web.Request) -> web.Response:
        wanted = request.query["keys"].split(",")
        shown = [
            {"id": number, "key": key, "name": key, "type": "global", "status": "current", "_links": {"webui": "/s"}}
            for key, number in self.spaces.items()
            if key in wanted
        ]
        return web.json_response({"results": shown, "_links": {"base": "https://fernway.example/wiki"}})

    async def _pages(self, request: web.Request) -> web.Response:
        shown, onward = cut(self.pages[request.match_info["id"]], request.query.get("cursor", ""), _MOST)
        if request.query.get("body-format") != "storage":
            shown = [{name: value for name, value in page.items() if name != "body"} for page in shown]
        links = {"base": "https://fernway.example/wiki"}
        if onward:
            links["next"] = str(request.rel_url.update_query(cursor=onward))
        return web.json_response({"results": shown, "_links": links})

    async def _search(self, request: web.Request) -> web.Response:
        assert request.query["cql"] == 'space="HELP" and type=page'
        found = [_found(p, is_open=p["id"] not in self.restricted) for p in self.pages["1001"]]
        shown, onward = cut([p for p in found if p["id"] not in self.unindexed], request.query.get("cursor", ""), _MOST)
        links = {"base": "https://fernway.example/wiki", "context": "/wiki", "self": "x"}
        if onward:
            links["next"] = str(request.rel_url.update_query(cursor=onward)).removeprefix("/wiki")
        return web.json_response({"results": shown, "size": len(shown), "_links": links})


def _found(page: Json, *, is_open: bool) -> Json:
    people: list[Json] = [] if is_open else [{"type": "known", "accountId": "a"}]
    readers = {"user": {"results": people, "size": len(people)}, "group": {"results": [], "size": 0}}
    restrictions = {"read": {"operation": "read", "restrictions": readers}}
    return {"id": page["id"], "type": "page", "title": page["title"], "restrictions": restrictions}
