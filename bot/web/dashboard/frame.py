"""What all pages have in common: templates, what a browser may load for them, and how numbers are written.

A handler ends with `return render(request, "tools.html", rows=rows)`. Templates extend `base.html`; inside they find
`viewer` (None before the sign-in), `zone`, `csrf` (for forms that change something) and `link("/tools")`. Values are
escaped. Nothing inline is allowed (no `style=`, no `<style>`, no `onclick`): give classes to `static/desk.css`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bot.domain.viewer import Viewer
from bot.web.dashboard import charts, lists, words
from bot.web.dashboard.assets import Assets

PREFIX = "/dashboard"
VIEWER = web.RequestKey("viewer", Viewer)
"""Who looks; set for every page behind the sign-in."""
CSRF = web.RequestKey("csrf", str)
"""What a form that changes something must send back in its field `csrf`."""
ZONE = web.RequestKey("zone", tzinfo)
"""Whose days and hours the page shows."""
_NAV = (
    ("/", "Overview"),
    ("/conversations", "Conversations"),
    ("/escalations", "Escalations"),
    ("/tools", "Tools"),
    ("/knowledge", "Knowledge"),
    ("/budgets", "Budgets"),
    ("/prompts", "Prompts"),
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action {form}; base-uri 'none'; frame-ancestors 'none'"
)


def headers(form: str = "'self'") -> dict[str, str]:
    """What a browser is told about a page; `form`: where its forms may lead."""
    return {"Content-Security-Policy": _POLICY.format(form=form), "Referrer-Policy": "same-origin"}


@dataclass
class Frame:
    """Renders pages."""

    assets: Assets = field(default_factory=Assets)
    is_sandbox: bool = False
    """Whether everybody on this machine may look."""
    pages: Collection[str] = ()
    """Paths there are; the navigation shows those."""

    def __post_init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("bot.web.dashboard"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {"link": link, "asset": self._asset, "charts": charts, "words": words}
        self._templates.filters |= {**words.FILTERS, **lists.FILTERS}

    def render(self, request: web.Request, name: str, **values: object) -> str:
        """The HTML of a page."""
        template = self._templates.get_template(name)
        return template.render(
            viewer=request.get(VIEWER),
            csrf=request.get(CSRF, ""),
            zone=request.get(ZONE, UTC),
            nav=[(path, title) for path, title in _NAV if path in self.pages],
            here=_here(request),
            is_sandbox=self.is_sandbox,
            **values,
        )

    def _asset(self, name: str) -> str:
        return link(f"/static/{self.assets.address(name)}")


FRAME = web.AppKey("frame", Frame)


def render(
    request: web.Request, name: str, *, status: int = 200, form: str = "'self'", **values: object
) -> web.Response:
    """A page."""
    text = request.app[FRAME].render(request, name, **values)
    return web.Response(text=_squeezed(text), status=status, content_type="text/html", headers=headers(form))


def link(path: str) -> str:
    """The address of a page of the dashboard."""
    return f"{PREFIX}{path}"


def _here(request: web.Request) -> str:
    """The first part of the path inside the dashboard: `/tools` for `/dashboard/tools/x`."""
    inside = request.path.removeprefix(PREFIX).strip("/")
    return f"/{inside.partition('/')[0]}"


def _squeezed(text: str) -> str:
    """Without the blank lines that templates leave behind."""
    return re.sub(r"\n\s*\n+", "\n", text)
