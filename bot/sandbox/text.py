"""How Slack treats what a person types: escaping, mentions, links, and the rich_text block it derives."""

import re
from collections.abc import Iterable

from bot.sandbox.records import Channel, Person
from bot.sandbox.wire import Json

_KEPT = re.compile(r"<(?:@[UWB][A-Z0-9]+(?:\|[^<>]*)?|#[CDG][A-Z0-9]+(?:\|[^<>]*)?|https?://[^<>|\s]+)>")
_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_URL = re.compile(r"https?://[^\s<>]+[^\s<>.,;:!?)\]'\"]")
_AT = re.compile(r"(?<![\w<.])@([a-z][a-z0-9._-]*[a-z0-9]|[a-z])", re.IGNORECASE)
_HASH = re.compile(r"(?<![\w<&/#])#([a-z][a-z0-9_-]*)")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_BROADCAST = {"channel", "here", "everyone"}
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)


def escape(text: str) -> str:
    """Escape the three characters Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The characters a person typed."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str, people: Iterable[Person], channels: Iterable[Channel]) -> str:
    """What Slack stores when a person types `text`: ids for @names and #channels, `<…>` around links and addresses."""
    names = {person.name.lower(): person.id for person in people}
    rooms = {channel.name: channel.id for channel in channels if channel.name}
    pieces = []
    for index, piece in enumerate(_CODE.split(text)):
        pieces.append(escape(piece) if index % 2 else _typed_plain(piece, names, rooms))
    return "".join(pieces)


def _typed_plain(text: str, names: dict[str, str], rooms: dict[str, str]) -> str:
    out, position = [], 0
    for kept in _KEPT.finditer(text):
        out.append(_link(text[position : kept.start()], names, rooms))
        out.append("<" + kept.group(0)[1:-1].replace("&", "&amp;") + ">")
        position = kept.end()
    out.append(_link(text[position:], names, rooms))
    return "".join(out)


def _link(text: str, names: dict[str, str], rooms: dict[str, str]) -> str:
    out, position = [], 0
    for url in _URL.finditer(text):
        out.append(_mention(escape(text[position : url.start()]), names, rooms))
        out.append(f"<{url.group(0).replace('&', '&amp;')}>")
        position = url.end()
    out.append(_mention(escape(text[position:]), names, rooms))
    return "".join(out)


def _mention(text: str, names: dict[str, str], rooms: dict[str, str], *, addresses: bool = True) -> str:
    def at(found: re.Match[str]) -> str:
        name = found.group(1).lower()
        if name in _BROADCAST:
            return f"<!{name}>"
        return f"<@{names[name]}>" if name in names else found.group(0)

    def hashed(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<#{rooms[name]}|{name}>" if name in rooms else found.group(0)

    if addresses:
        text = _EMAIL.sub(lambda found: f"<mailto:{found.group(0)}|{found.group(0)}>", text)
    return _HASH.sub(hashed, _AT.sub(at, text))


def command_text(text: str, people: Iterable[Person], channels: Iterable[Channel]) -> str:
    """The text of a slash command with `should_escape`: `<@U…|name>` and `<#C…|name>`; links stay bare."""
    ids = {person.id: person.name for person in people}
    names = {name: f"{user}|{name}" for user, name in ids.items()}
    rooms = {channel.name: channel.id for channel in channels if channel.name}
    return _mention(text, names, rooms, addresses=False)


def mentions(text: str, user: str) -> bool:
    """Whether `text` names that user, as `<@U…>` or `<@U…|name>`."""
    return re.search(rf"<@{re.escape(user)}(?:\|[^<>]*)?>", text) is not None


def rich_text(text: str, block_id: str) -> Json:
    """The rich_text block Slack adds to what a person wrote (plain runs, mentions and links)."""
    elements: list[Json] = []
    position = 0
    for token in _TOKEN.finditer(text):
        _add_run(elements, text[position : token.start()])
        elements.append(_rich_token(token))
        position = token.end()
    _add_run(elements, text[position:])
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": block_id, "elements": [section]}


def _add_run(elements: list[Json], run: str) -> None:
    if run:
        elements.append({"type": "text", "text": unescape(run)})


def _rich_token(token: re.Match[str]) -> Json:
    sigil, target, label = token.groups()
    match sigil:
        case "@":
            return {"type": "user", "user_id": target}
        case "#":
            return {"type": "channel", "channel_id": target}
        case "!":
            return {"type": "broadcast", "range": target}
    link: Json = {"type": "link", "url": unescape(target)}
    return {**link, "text": unescape(label)} if label else link
