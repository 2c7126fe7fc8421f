"""HubSpot (2026-09): CRM search, associations, batch read. Properties are text; the search knows second addresses."""

from datetime import UTC, datetime

from aiohttp import web

from tests.fakes.crm.base import JOINED, CrmService, Json, Person

_API = "/crm/objects/2026-09"
_COMPANY, _DEAL = 5_000, 9_000


class HubSpot(CrmService):
    """Contacts 1…, their companies 5001…, their deals 90010…."""

    kind = "hubspot"

    def __init__(self) -> None:
        super().__init__()
        self.deals: dict[str, list[Json]] = {}
        """By address: properties of deals."""
        self.lacks_scope = ""
        """A kind of things that the token may not read."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{_API}/contacts", self._contacts),
            web.post(f"{_API}/contacts/search", self._search),
            web.get(f"{_API}/contacts/{{id}}/associations/{{kind}}", self._associations),
            web.post(f"{_API}/{{kind}}/batch/read", self._batch),
        ]

    def table(self) -> str:
        return f'{super().table()}fields.plan = "plan_name"\nfields.seats = "company.seat_count"\n'

    def refuse(self) -> web.Response:
        told = "Authentication credentials not found."
        return web.json_response({"status": "error", "message": told, "category": "INVALID_AUTHENTICATION"}, status=401)

    async def _contacts(self, _: web.Request) -> web.Response:
        return web.json_response({"results": []})

    async def _search(self, request: web.Request) -> web.Response:
        body = await request.json()
        [group] = body["filterGroups"]
        [wanted] = group["filters"]
        assert (wanted["propertyName"], wanted["operator"]) == ("email", "EQ")
        found = self.matching(wanted["value"])
        found += [(n, p) for n, p in enumerate(self.people, 1) if p.more.get("second_email") == wanted["value"]]
        found.sort(key=lambda one: one[1].updated, reverse=True)
        results = [_thing(str(n), _contact(p), body["properties"]) for n, p in found[: body["limit"]]]
        return web.json_response({"total": len(found), "results": results})

    async def _associations(self, request: web.Request) -> web.Response:
        number, kind = int(request.match_info["id"]), request.match_info["kind"]
        if kind == self.lacks_scope:
            return web.json_response({"status": "error", "category": "MISSING_SCOPES"}, status=403)
        person = self.people[number - 1]
        ids = self._deals_of(number) if kind == "deals" else self._companies_of(number, person)
        start = int(request.query.get("after", 0))
        shown = ids[start : start + 1]  # one a page, whatever was asked for
        body: Json = {"results": [{"toObjectId": str(i), "associationTypes": _types(i)} for i in shown]}
        if len(ids) > start + 1:
            body["paging"] = {"next": {"after": str(start + 1), "link": "https://api.hubapi.com/…"}}
        return web.json_response(body)

    def _companies_of(self, number: int, person: Person) -> list[int]:
        return [_COMPANY + 500 + number, _COMPANY + number] if person.company else []

    def _deals_of(self, number: int) -> list[int]:
        return [_DEAL + number * 100 + i for i, _ in enumerate(self.deals.get(self.people[number - 1].email, []))]

    async def _batch(self, request: web.Request) -> web.Response:
        body = await request.json()
        kind = request.match_info["kind"]
        results = [_thing(i, self._properties(kind, int(i)), body["properties"]) for i in _ids(body)]
        return web.json_response({"status": "COMPLETE", "results": results[::-1]})

    def _properties(self, kind: str, id_: int) -> Json:
        if kind == "deals":
            number, index = divmod(id_ - _DEAL, 100)
            return self.deals[self.people[number - 1].email][index]
        if id_ > _COMPANY + 500:
            return {"name": "Some other company"}
        person = self.people[id_ - _COMPANY - 1]
        return {"name": person.company, "seat_count": str(person.seats)}


def _contact(person: Person) -> Json:
    given, _, family = person.name.partition(" ")
    return {
        "email": person.email,
        "firstname": given,
        "lastname": family or None,
        "createdate": datetime.fromtimestamp(JOINED, UTC).isoformat().replace("+00:00", ".123Z"),
        "lifecyclestage": "customer",
        "plan_name": person.plan,
    }


def _ids(body: Json) -> list[str]:
    return [one["id"] for one in body["inputs"]]


def _thing(id_: str, properties: Json, wanted: list[str]) -> Json:
    shown = {name: properties.get(name) for name in (*wanted, "hs_object_id")}
    return {"id": id_, "properties": {**shown, "hs_object_id": id_}, "archived": False}


def _types(id_: int) -> list[Json]:
    unlabeled = {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None}
    primary = {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"}
    return [unlabeled, primary] if _COMPANY < id_ <= _COMPANY + 500 else [unlabeled]
