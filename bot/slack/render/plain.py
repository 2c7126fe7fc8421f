"""A message without blocks, for when Slack refuses them: plainer, but every word of it."""

from typing import Any

from bot.slack.render.blocks import FALLBACK_TEXT, Payload
from bot.slack.render.text import split_text, to_mrkdwn


def plain_parts(content: Payload) -> list[str]:
    """What the blocks say, in parts short enough for a message's `text`."""
    words = "\n\n".join(said for block in content["blocks"] if (said := _words(block)))
    return split_text(words, FALLBACK_TEXT) or [str(content["text"])]


def _words(block: dict[str, Any]) -> str:
    match block["type"]:
        case "markdown":
            return to_mrkdwn(block["text"])
        case "section" | "header":
            said = [block.get("text"), *block.get("fields", ())]
        case "context":
            said = block["elements"]
        case _:
            return ""
    return "\n".join(str(one["text"]) for one in said if one and "text" in one)
