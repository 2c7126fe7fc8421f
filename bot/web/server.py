"""Listens on a port and serves an application there."""

import errno
import socket

from aiohttp import web

from bot.config import SettingsError

CLOSE_SECONDS = 2.0
"""How long requests under way may go on after `close` began."""


class WebServer:
    """One application on one address; `port` 0 takes any free one."""

    def __init__(self, app: web.Application, *, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=CLOSE_SECONDS)
        self._host = host
        self._port = port

    @property
    def host(self) -> str:
        """The host it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port it really listens on, once started."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Begin to listen; SettingsError when the address cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError([_explain(error, self._host, self._port)]) from error
        self._port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and let requests under way finish; may be called twice."""
        await self._runner.cleanup()


def _explain(error: OSError, host: str, port: int) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"HTTP_HOST: this machine has no address {host}. Use 127.0.0.1, or 0.0.0.0 to be reached from outside."
    if error.errno == errno.EACCES:
        return f"HTTP_PORT: the system does not let this user listen on port {port}. Use one above 1023."
    return f"HTTP_PORT: port {port} on {host} is taken by another program. Set another port."
