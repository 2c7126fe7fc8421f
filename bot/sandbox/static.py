"""The page's own files and the files people attached."""

import mimetypes
import re
from importlib.resources import files as package_files
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.config import SandboxConfig
from bot.sandbox.files import Files, StoredFile
from bot.sandbox.grants import Grants
from bot.sandbox.wire import SlackError

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
_SIGN_IN = "<!doctype html><title>Slack</title><p>Sign in to see this file.</p>"


class Static:
    """Serves `/`, links to messages, `/ui/static/*`, `/ui/files/*` (the page), `/files/*`, `/upload/*` (the app)."""

    def __init__(self, config: SandboxConfig, stored: Files, grants: Grants) -> None:
        self._config = config
        self._files = stored
        self._grants = grants

    def routes(self) -> list[web.RouteDef]:
        """The routes, written out."""
        return [
            web.get("/", self._index),
            web.get("/archives/{channel}/{message}", self._index),
            web.get("/ui/static/{name}", self._asset),
            web.get("/ui/files/{id}/{name}", self._shown_file),
            web.get("/files/{id}/{name}", self._private_file),
            web.post("/upload/v1/{id}", self._upload),
        ]

    async def _index(self, _request: web.Request) -> web.Response:
        return _page_file("index.html")

    async def _asset(self, request: web.Request) -> web.Response:
        return _page_file(request.match_info["name"])

    async def _shown_file(self, request: web.Request) -> web.Response:
        return _file_response(self._find(request), sandboxed=True)

    async def _private_file(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self._grants.allows(token) or "files:read" not in self._config.scopes:
            # Slack answers 200 with its sign-in page here; apps must look at the content type.
            return web.Response(text=_SIGN_IN, content_type="text/html")
        return _file_response(self._find(request), sandboxed=False)

    async def _upload(self, request: web.Request) -> web.Response:
        content = await _uploaded(request)
        if not self._files.receive(request.match_info["id"], content):
            return web.Response(status=400, text="This upload is unknown or has another length than announced.")
        return web.Response(text=f"OK - {len(content)}")

    def _find(self, request: web.Request) -> StoredFile:
        try:
            return self._files.get(request.match_info["id"])
        except SlackError:
            raise web.HTTPNotFound(text="There is no such file in this workspace.") from None


def _page_file(name: str) -> web.Response:
    found = package_files("bot.sandbox").joinpath("page", name)
    if not _NAME.fullmatch(name) or not found.is_file():
        raise web.HTTPNotFound(text=f"The workspace's page has no file named {name[:80]!r}.")
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return web.Response(body=found.read_bytes(), content_type=kind, headers={"Cache-Control": "no-cache"})


def _file_response(stored: StoredFile, *, sandboxed: bool) -> web.Response:
    kind = stored.meta["mimetype"]
    headers = {}
    if kind not in _SHOWN:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.meta['name'])}"
    if sandboxed:
        headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return web.Response(body=stored.content, headers={**headers, "Content-Type": kind})


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
    return b""
