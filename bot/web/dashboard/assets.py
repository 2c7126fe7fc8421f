"""Style sheet, script and icon: read once, served under names that change with their content, so kept for a year."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath

from aiohttp import web

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    kind: str


class Assets:
    """The files in `static/`."""

    def __init__(self) -> None:
        self._by_address: dict[str, _Asset] = {}
        self._addresses: dict[str, str] = {}
        for file in files("bot.web.dashboard").joinpath("static").iterdir():
            path = PurePosixPath(file.name)
            if path.suffix in _KINDS:
                body = file.read_bytes()
                address = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
                self._by_address[address] = _Asset(body, _KINDS[path.suffix])
                self._addresses[file.name] = address

    def address(self, name: str) -> str:
        """Under what name a file is served."""
        return self._addresses[name]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One file."""
        asset = self._by_address.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _FOR_EVER}
        return web.Response(body=asset.body, content_type=asset.kind, charset="utf-8", headers=headers)
