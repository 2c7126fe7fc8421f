"""Asks whether a model would answer us, without spending anything."""

import anthropic

from bot.domain.errors import ModelBusyError, ModelDownError

_SECONDS = 10.0
_DOWN = {401: "auth", 403: "auth", 404: "not_found"}


async def reach(model: str, *, api_key: str, base_url: str) -> None:
    """Look the model up with the vendor; ModelDownError (auth, not_found) or ModelBusyError when that fails."""
    async with anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=0, timeout=_SECONDS) as client:
        try:
            await client.models.retrieve(model)
        except anthropic.APIStatusError as error:
            if error.status_code in _DOWN:
                raise ModelDownError(f"HTTP {error.status_code}", kind=_DOWN[error.status_code]) from None
            raise ModelBusyError(f"HTTP {error.status_code}", kind="server_error", maybe_billed=False) from None
        except anthropic.AnthropicError as error:
            reason = f"no answer from {base_url} ({type(error).__name__})"
            raise ModelBusyError(reason, kind="connection", maybe_billed=False) from None
