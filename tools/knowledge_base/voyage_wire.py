"""One request to Voyage AI, and what may be said of its failures: never the key, never what was sent."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from urllib.parse import urlsplit

_LARGEST = 50_000_000
"""Bytes of an answer."""
_TOO_MANY, _BROKEN = 429, 500


class LaterError(Exception):
    """It is busy or away."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        """`seconds`: for which it asks to be left alone, if it says so."""
        super().__init__(why)
        self.seconds = seconds


class VoyageWire:
    """One address of the service. Threads may share it."""

    def __init__(self, url: str, key: str) -> None:
        """`key`: sent as a bearer token."""
        self._url, self._key = urlsplit(url), key

    def post(self, body: bytes, seconds: float) -> tuple[int, bytes]:
        """Status and content of an answer; blocks for `seconds`, and as long to connect. Raises LaterError."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection = self._connection(seconds)
        try:
            connection.connect()
            with _no_longer(connection.sock, seconds):
                connection.request("POST", self._url.path, body, headers)
                answer = connection.getresponse()
                content = answer.read(_LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise LaterError(f"Voyage does not answer ({type(error).__name__}).") from None
        finally:
            connection.close()
        if answer.status == _TOO_MANY or answer.status >= _BROKEN:
            raise LaterError(f"Voyage is busy (HTTP {answer.status}).", _seconds(answer.headers.get("Retry-After")))
        return answer.status, content

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        host = self._url.netloc
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, timeout=seconds)
        return http.client.HTTPSConnection(host, timeout=seconds, context=ssl.create_default_context())


@contextmanager
def _no_longer(line: socket.socket, seconds: float) -> Iterator[None]:
    """Hangs up after so long: the line's own timeout begins anew with every byte."""
    watch = Timer(seconds, _hang_up, (line,))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # below TLS, in which a thread is reading


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() and header.isascii() else None
