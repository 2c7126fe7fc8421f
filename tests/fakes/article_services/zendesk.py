"""Zendesk's Help Center API: articles of each locale by cursor, sections, categories, locales."""

import base64

from aiohttp import web

from tests.fakes.article_services.base import TOKEN, USER, ArticleService, Json, cut

_MOST = 2
"""Items of a page, whatever is asked, so that there are several."""


class ZendeskGuide(ArticleService):
    """A help centre; without credentials it shows what everybody may read."""

    def __init__(self) -> None:
        super().__init__()
        self.articles: dict[str, list[Json]] = {"en-us": [], "de": []}
        self.sections: list[Json] = []
        self.categories: list[Json] = []
        self.shifts = False
        """True: every page begins with the last article of the one before, as when one is put in front."""

    def add(self, number: int, title: str, body: str | None, locale: str = "en-us", **more: object) -> Json:
        article: Json = {
            "id": number, "url": f"{self.url}/api/v2/help_center/{locale}/articles/{number}.json",
            "html_url": f"https://help.fernway.example/hc/{locale}/articles/{number}", "author_id": 1,
            "comments_disabled": False, "draft": False, "promoted": False, "position": 0, "vote_sum": 0,
            "vote_count": 0, "section_id": 11, "created_at": "2025-01-01T00:00:00Z",
            "updated_at": "2026-03-05T10:00:00Z", "name": title, "title": title, "source_locale": "en-us",
            "locale": locale, "outdated": False, "outdated_locales": [], "edited_at": "2026-03-04T10:00:00Z",
            "user_segment_id": None, "permission_group_id": 2, "content_tag_ids": [], "label_names": [], "body": body,
            **more,
        }  # fmt: skip
        self.articles[locale].append(article)
        return article

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v2/help_center"
        return [
            web.get(f"{base}/locales.json", self._locales),
            web.get(f"{base}/sections.json", self._sections),
            web.get(f"{base}/categories.json", self._categories),
            web.get(base + "/{locale}/articles.json", self._articles),
        ]

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") in {None, self._basic()}

    def _basic(self) -> str:
        return f"Basic {base64.b64encode(f'{USER}/token:{TOKEN}'.encode()).decode()}"

    async def _locales(self, _: web.Request) -> web.Response:
        return web.json_response({"locales": list(self.articles), "default_locale": "en-us"})

    async def _articles(self, request: web.Request) -> web.Response:
        all_of = self.articles.get(request.match_info["locale"], [])
        if "Authorization" not in request.headers:
            all_of = [one for one in all_of if one.get("user_segment_id") is None and not one.get("draft")]
        return self._page(request, "articles", all_of)

    async def _sections(self, request: web.Request) -> web.Response:
        return self._page(request, "sections", self.sections)

    async def _categories(self, request: web.Request) -> web.Response:
        return self._page(request, "categories", self.categories)

    def _page(self, request: web.Request, name: str, items: list[Json]) -> web.Response:
        assert request.query["page[size]"] == "100"
        cursor = request.query.get("page[after]", "")
        shown, onward = cut(items, cursor, _MOST)
        if self.shifts and cursor:
            shown = [items[int(cursor) - 1], *shown]
        link = str(request.url.update_query({"page[after]": onward})) if onward else None
        meta = {"has_more": bool(onward), "after_cursor": onward or "end", "before_cursor": None}
        return web.json_response({name: shown, "meta": meta, "links": {"next": link, "prev": None}})
