"""Tickets in any system that takes a signed webhook, in the form of the Standard Webhooks specification.

The receiver gets `POST <url>` with `webhook-id`, `webhook-timestamp` and `webhook-signature`, and answers 2xx, best
with `{"id": "…"}`, the ticket's number. It must treat `webhook-id` as the idempotency key: the same id again is the
same ticket. With `status_url` it also tells what became of a ticket; without, tickets count as open.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from tools.connector_settings import Connector, SecretFromEnv, ServiceUrl, Wires
from tools.http import HttpBackend
from tools.http_answer import Answer
from tools.side_by_side import all_of
from tools.tickets.desk import Priority, TicketCategory
from tools.tickets.vendor import FOR_EVER, LIMITS, OPEN, PENDING, SOLVED, Order, Ref, Standing, presentable

_PREFIX = "whsec_"
_SHORTEST = 24
"""Bytes of a secret (by the specification)."""
_ANSWERS = range(200, 500)


def _with_id(url: str) -> str:
    if url and "{id}" not in url:
        raise ValueError("write {id} where the ticket's id belongs")
    return url


class WebhookTicketSettings(Connector):
    """`[tickets] kind = "webhook"`."""

    kind: Literal["webhook"]
    url: ServiceUrl
    secret: SecretFromEnv = Field(alias="secret_env")
    """`whsec_` and base64, or any text of at least 24 characters."""
    status_url: Annotated[str, AfterValidator(_with_id)] = ""
    """On the same host, `https://…/tickets/{id}`: GET answers `{"status": "open" | "pending" | "solved"}`, or 404."""
    priorities: Mapping[Priority, str] = {}
    categories: Mapping[TicketCategory, str] = {}
    """Other words for ours."""

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        try:
            long_enough = len(_key(self.secret.get_secret_value())) >= _SHORTEST
        except binascii.Error:
            raise ValueError("secret_env: what follows whsec_ is not base64") from None
        if not long_enough:
            raise ValueError(f"secret_env: use a secret of at least {_SHORTEST} bytes")
        return self

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if self.status_url and urlsplit(self.status_url)[:2] != urlsplit(self.url)[:2]:
            raise ValueError("status_url: must be on the same host as url")
        return self

    def open(self, wires: Wires) -> "WebhookTickets":
        """The adapter."""
        return WebhookTickets(self, HttpBackend(wires.session, self.url, name="The webhook", limits=LIMITS), wires)


class WebhookTickets:
    """tools.tickets.vendor.TicketVendor by webhook."""

    repeatable_seconds = FOR_EVER
    settle_seconds = 0.0

    def __init__(self, settings: WebhookTicketSettings, http: HttpBackend, wires: Wires) -> None:
        self._settings = settings
        self._http = http
        self._clock = wires.clock

    @property
    def name(self) -> str:
        """Stands in logs, where the rest of the address, which may hold a token, does not belong."""
        place = urlsplit(self._settings.url)
        return f"webhook:{place.hostname}/{hashlib.sha256(f'{place.netloc}{place.path}'.encode()).hexdigest()[:8]}"

    async def create(self, order: Order) -> str:
        asked, settings = order.ticket, self._settings
        event = {
            "type": "ticket.created",
            "timestamp": datetime.fromtimestamp(order.created_at, UTC).isoformat(),
            "data": {
                "id": order.mark,
                "customer_email": asked.customer_email,
                "subject": asked.subject,
                "body": asked.body,
                "priority": settings.priorities.get(asked.priority, asked.priority),
                "category": settings.categories.get(asked.category, asked.category),
                "workspace": order.workspace,
            },
        }
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", **self._signed(order.mark, body)}
        return _told_id(await self._http.send("POST", "", body=body, headers=headers)) or _reference(order.mark)

    async def find(self, order: Order) -> None:  # noqa: ARG002 - the receiver knows a repeated order itself
        return None

    async def standings(self, tickets: Sequence[Ref]) -> Collection[Standing]:
        if not self._settings.status_url:
            return [Standing(ticket.id, OPEN) for ticket in tickets]
        return [one for one in await all_of(map(self._standing, tickets)) if one]

    async def of_customer(self, email: str) -> None:  # noqa: ARG002 - there is nobody to ask
        return None

    async def check(self) -> str:
        """Nothing is sent that could become a ticket."""
        answer = await self._http.send("HEAD", "", expect=_ANSWERS)
        return f"somebody answers (HTTP {answer.status}); the first ticket will show whether the signature fits"

    async def _standing(self, ticket: Ref) -> Standing | None:
        if ticket.id == _reference(ticket.mark):
            return Standing(ticket.id, OPEN)  # they know it by another id, which they did not tell or nobody can show
        url = self._settings.status_url.replace("{id}", quote(ticket.id, safe=""))
        gone = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
        answer = await self._http.get(url, headers=self._signed(ticket.mark, b""), expect=gone)
        if answer.status in gone:
            return None
        status = answer.read(_Told).status
        return Standing(ticket.id, status if status in (PENDING, SOLVED) else OPEN)

    def _signed(self, mark: str, body: bytes) -> dict[str, str]:
        at = str(int(self._clock()))
        signed = hmac.digest(_key(self._settings.secret.get_secret_value()), f"{mark}.{at}.".encode() + body, "sha256")
        signature = f"v1,{base64.b64encode(signed).decode()}"
        return {"webhook-id": mark, "webhook-timestamp": at, "webhook-signature": signature}


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def _reference(mark: str) -> str:
    """For a receiver that tells no id."""
    return f"REF-{hashlib.sha256(mark.encode()).hexdigest()[:8].upper()}"


def _told_id(answer: Answer) -> str:
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    return presentable(told.get("id")) if isinstance(told, dict) else ""


class _Told(BaseModel):
    status: str = ""
