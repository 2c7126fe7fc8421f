"""Bytes of files people attached."""

from urllib.parse import urljoin, urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import PermanentError, TransientError
from bot.domain.incoming import File
from bot.slack.clients import WorkspaceClient

_HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_SERVER_ERROR = 500
_LIMITED = 429
_CHUNK = 65_536


class SlackFiles:
    """Implements `bot.ports.slack.Files`. The bot's token goes to Slack's hosts and nowhere else."""

    def __init__(self, client: AsyncWebClient) -> None:
        """`client` has the shared session, the token and the way out (proxy)."""
        if client.session is None:
            raise ValueError("the client needs a shared session")
        self._client = client
        self._session = client.session
        self._api = urlsplit(client.base_url)
        self._proxy = client.proxy

    async def download(self, file: File, *, limit: int) -> bytes:
        if file.size > limit:
            raise PermanentError(f"the file has {file.size} bytes, {limit} are allowed")
        try:
            return await self._fetch(file, limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError(f"the download broke off: {type(error).__name__}") from error

    async def _fetch(self, file: File, limit: int) -> bytes:
        url, headers = file.url, {"Authorization": f"Bearer {await _token(self._client)}"}
        for _ in range(_HOPS):
            if not self.is_slack(url):
                raise PermanentError("the file does not lie on Slack's servers")
            asking = self._session.get(url, headers=headers, allow_redirects=False, proxy=self._proxy)
            async with asking as answer:
                if answer.status not in _REDIRECTS:
                    return await _content(answer, file, limit)
                url = urljoin(url, answer.headers.get("Location", ""))
        raise PermanentError("the file's address leads in circles")

    def is_slack(self, url: str) -> bool:
        """The host of SLACK_API_URL as it is written there, or HTTPS on slack.com."""
        try:
            parts = urlsplit(url)
            same = (parts.scheme, parts.hostname, parts.port) == (self._api.scheme, self._api.hostname, self._api.port)
        except ValueError:
            return False
        host = parts.hostname or ""
        return same or (parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com")))


async def _token(client: AsyncWebClient) -> str:
    return await client.fresh_token() if isinstance(client, WorkspaceClient) else client.token or ""


async def _content(answer: aiohttp.ClientResponse, file: File, limit: int) -> bytes:
    """The body if it is the file; a login page instead of it means that a scope is missing."""
    if answer.status >= _SERVER_ERROR or answer.status == _LIMITED:
        raise TransientError(f"Slack failed (HTTP {answer.status})")
    if answer.status != _OK:
        raise PermanentError(f"the file is not there (HTTP {answer.status})")
    if answer.content_type == "text/html" and file.media_type != "text/html":
        raise PermanentError("Slack shows a login page instead of the file (scope files:read?)")
    content = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise PermanentError(f"the file has more than {limit} bytes")
    return bytes(content)
