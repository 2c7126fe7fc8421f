"""The only module that imports Anthropic's library: one POST, its failures in our words.

Importing the library takes over a second; import this module where a client is built, not at the top of a module.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2

from bot.domain.errors import ModelBusyError, ModelDownError
from bot.model.reply import MOST_TOKENS

_SPEND_CODES = ("spend_limit_reached", "credit_balance")
_USAGE_LIMIT_WORDS = ("usage limits", "credit balance")
"""An organisation's own spending limit has no code of its own, only this text."""
_DOWN = {401: "auth", 402: "spend_cap", 403: "auth", 404: "not_found", 413: "too_large"}
_COUNTED = ("messages", "model", "output_config", "system", "thinking", "tools")
"""What `messages.count_tokens` takes of the arguments of `messages.create`."""
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Body:
    """A successful response before it is understood."""

    text: str
    request_id: str | None


class AnthropicTransport:
    """One connection pool to one endpoint; never retries (the agent does, with the budget in hand)."""

    def __init__(self, *, api_key: str, base_url: str, connect: float, idle: float) -> None:
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=httpx2.Timeout(idle, connect=connect),
        )

    async def post(self, arguments: Mapping[str, Any]) -> Body:
        """The body of `messages.create`; ModelBusyError or ModelDownError."""
        try:
            response = await self._client.messages.with_raw_response.create(**arguments)
            return Body(await response.text(), response.request_id)
        except anthropic.APIStatusError as error:
            raise _from_status(error) from None
        except anthropic.APITimeoutError as error:
            raise _from_connection("timeout", error.__cause__) from None
        except anthropic.APIConnectionError as error:
            raise _from_connection("connection", error.__cause__) from None
        except httpx2.HTTPError as error:
            raise _from_connection("connection", error) from None
        except anthropic.AnthropicError as error:
            raise ModelBusyError(type(error).__name__, kind="malformed", maybe_billed=True) from None

    async def count(self, arguments: Mapping[str, Any]) -> int | None:
        """Tokens of the prompt as `messages.count_tokens` tells; None when it does not."""
        known = {name: value for name, value in arguments.items() if name in _COUNTED}
        try:
            told = int((await self._client.messages.count_tokens(**known)).input_tokens)
        except (anthropic.AnthropicError, httpx2.HTTPError, AttributeError, TypeError, ValueError, OverflowError):
            return None
        return told if 0 < told <= MOST_TOKENS else None

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


def _from_connection(kind: str, cause: BaseException | None) -> ModelBusyError:
    """A failure below HTTP: billed perhaps, unless the request never left."""
    name = type(cause).__name__ if cause is not None else kind
    return ModelBusyError(f"{kind}: {name}", kind=kind, maybe_billed=not isinstance(cause, _NEVER_SENT))


def _from_status(error: anthropic.APIStatusError) -> ModelBusyError | ModelDownError:
    status = error.status_code
    text = _describe(error)
    if _is_spend_cap(error):
        return ModelDownError(text, kind="spend_cap")
    retry_after = _retry_after(error.response.headers)
    if status == 429:  # noqa: PLR2004 — the number is the name everybody knows
        return ModelBusyError(text, kind="rate_limited", retry_after=retry_after, maybe_billed=False)
    if status == 529 or error.type == "overloaded_error":  # noqa: PLR2004 — likewise
        return ModelBusyError(text, kind="overloaded", retry_after=retry_after, maybe_billed=False)
    if status in (408, 409, 499) or status >= 500:  # noqa: PLR2004 — likewise
        return ModelBusyError(text, kind="server_error", retry_after=retry_after, maybe_billed=True)
    return ModelDownError(text, kind=_DOWN.get(status, "invalid_request"))


def _is_spend_cap(error: anthropic.APIStatusError) -> bool:
    code, message = error.error_code or "", (error.api_message or "").lower()
    return any(c in code for c in _SPEND_CODES) or (
        error.status_code in (400, 403, 429) and any(words in message for words in _USAGE_LIMIT_WORDS)
    )


def _describe(error: anthropic.APIStatusError) -> str:
    """Status, type, the faulty field's path, request id; the vendor's sentence may quote a customer and stays out."""
    path = re.match(r"[a-z_]+(?:\.[a-z_0-9]+)*(?=:)", error.api_message or "")
    parts = [str(error.status_code), error.type, error.error_code, path and path[0], error.request_id]
    return " ".join(str(part) for part in parts if part)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(\.\d+)?", value := headers.get(name, "").strip()):
            return float(value) * unit
    return None
