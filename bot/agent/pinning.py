"""Prompt and tools a conversation was opened with; a deploy with new ones does not change a running talk."""

import json

from pydantic import BaseModel, ConfigDict

from bot.agent.profile import Profile
from bot.domain.conversation import Conversation
from bot.domain.exchange import ToolSpec
from bot.ports.store import Transaction


class Pinned(BaseModel):
    """The stable, cached prefix of every call of a conversation."""

    model_config = ConfigDict(frozen=True)

    system: str
    tools: tuple[ToolSpec, ...]


async def pin(tx: Transaction, conversation: Conversation, profile: Profile, specs: tuple[ToolSpec, ...]) -> Pinned:
    """What the conversation is pinned to; the first run pins what is current."""
    if conversation.prompt_version:
        body = await tx.conversations.prompt(conversation.prompt_version)
        if body is not None:
            return Pinned.model_validate(json.loads(body))
    current, version = Pinned(system=profile.prompt, tools=specs), profile.version(specs)
    await tx.conversations.keep_prompt(version, current.model_dump_json())
    await tx.conversations.pin(conversation.id, version)
    return current
