"""Token counts and prompt caching of the fake Messages API, as the vendor documents them."""

import base64
import hashlib
import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

CHARS_PER_TOKEN = 4
LOOK_BACK = 20
_TTL = {"5m": 300.0, "1h": 3600.0}
_MINIMUM = {"claude-haiku-4-5": 4096, "claude-opus-4-5": 4096, "claude-opus-4-6": 4096, "claude-opus-4-7": 2048}
_MINIMUM |= {"claude-sonnet-5": 1024, "claude-sonnet-4-6": 1024, "claude-sonnet-4-5": 1024, "claude-opus-4-8": 1024}
_DEFAULT_MINIMUM = 512


@dataclass(frozen=True)
class Position:
    """One cacheable block of a request: where it stands, what it says, whether it is a breakpoint."""

    content: str
    tokens: int
    ttl: str | None
    eligible: bool = True


@dataclass(frozen=True)
class InputUsage:
    plain: int
    read: int
    write_5m: int
    write_1h: int

    @property
    def prompt(self) -> int:
        return self.plain + self.read + self.write_5m + self.write_1h


@dataclass
class PromptCache:
    """Entries by cumulative hash; times are those of the requests' beginnings."""

    expires: dict[str, float] = field(default_factory=dict)
    lifetime: dict[str, float] = field(default_factory=dict)

    def bill(self, body: Json, now: float) -> InputUsage:
        """What this request reads and writes; entries are renewed or made as it says."""
        places = positions(body)
        hashes, sums = _cumulated(body["model"], places)
        total = sums[-1] if sums else 0
        breakpoints = [i for i, place in enumerate(places) if place.ttl]
        hit = self._longest_hit(breakpoints, hashes, now)
        floor = _MINIMUM.get(body["model"], _DEFAULT_MINIMUM)
        written = [i for i in breakpoints if i > hit and sums[i] >= floor]
        for i in written:
            self._remember(hashes[i], _TTL[places[i].ttl or "5m"], now)
        if hit >= 0:
            self._remember(hashes[hit], self.lifetime[hashes[hit]], now)
        read = sums[hit] if hit >= 0 else 0
        one_hour = max((sums[i] for i in written if places[i].ttl == "1h"), default=read)
        last = max((sums[i] for i in written), default=read)
        return InputUsage(total - last, read, last - one_hour, one_hour - read)

    def _longest_hit(self, breakpoints: list[int], hashes: list[str], now: float) -> int:
        looked_at = {i for b in breakpoints for i in range(max(0, b - LOOK_BACK + 1), b + 1)}
        return max((i for i in looked_at if self.expires.get(hashes[i], -1.0) > now), default=-1)

    def _remember(self, key: str, lifetime: float, now: float) -> None:
        self.lifetime[key] = max(lifetime, self.lifetime.get(key, 0.0))
        self.expires[key] = max(now + lifetime, self.expires.get(key, 0.0))


def count(body: Json) -> int:
    """Tokens of a request's prompt."""
    return sum(place.tokens for place in positions(body))


def count_output(blocks: list[Json]) -> int:
    return max(1, sum(_tokens({k: v for k, v in b.items() if k != "citations"}) for b in blocks))


def positions(body: Json) -> list[Position]:
    """Every block in the order of caching: tools, system, messages; the automatic breakpoint is put in its place."""
    places = [_position("tool", tool) for tool in body.get("tools", [])]
    system = body.get("system", [])
    places += [_position("system", block) for block in as_blocks(system)]
    settings = json.dumps(_settings(body), sort_keys=True)
    places += [_position(f"{settings}{role}", block) for role, block in flattened(body["messages"])]
    automatic = body.get("cache_control")
    if automatic:
        for i in reversed(range(len(places))):
            if places[i].eligible:
                places[i] = Position(places[i].content, places[i].tokens, automatic.get("ttl", "5m"))
                break
    return places


def flattened(messages: list[Json]) -> Iterator[tuple[str, Json]]:
    """Blocks of all messages with their roles; what the check of thinking blocks is bound to."""
    for message in messages:
        for block in as_blocks(message["content"]):
            yield message["role"], block


def as_blocks(content: str | list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def plain(block: Json) -> str:
    """A block without its cache mark, in one spelling."""
    return json.dumps({k: v for k, v in block.items() if k != "cache_control"}, sort_keys=True, ensure_ascii=False)


def _settings(body: Json) -> Json:
    """What, besides the blocks, a cached message prefix depends on."""
    images = any(block.get("type") == "image" for _, block in flattened(body["messages"]))
    parts = {k: body.get(k) for k in ("output_config", "tool_choice", "thinking")}
    return {**parts, "images": images}


def _position(side: str, block: Json) -> Position:
    control = block.get("cache_control")
    eligible = block.get("type") not in ("thinking", "redacted_thinking")
    return Position(f"{side}:{plain(block)}", _tokens(block), control.get("ttl", "5m") if control else None, eligible)


def _cumulated(model: str, places: list[Position]) -> tuple[list[str], list[int]]:
    digest, total = hashlib.sha256(model.encode()), 0
    hashes, sums = [], []
    for place in places:
        digest.update(place.content.encode("utf-8", "replace"))
        total += place.tokens
        hashes.append(digest.hexdigest())
        sums.append(total)
    return hashes, sums


def _tokens(block: Json) -> int:
    """A quarter of the characters; pictures by their size; PDF pages at 2,500."""
    if block.get("type") == "image":
        return _image_tokens(block["source"]["data"])
    if block.get("type") == "document":
        return 2_500 * max(1, base64.b64decode(block["source"]["data"]).count(b"/Type /Page\n"))
    if block.get("type") == "tool_result" and isinstance(block.get("content"), list):
        return 4 + sum(_tokens(part) for part in block["content"])
    said = {k: v for k, v in block.items() if k not in ("type", "cache_control", "citations", "strict")}
    return math.ceil(len(json.dumps(said, ensure_ascii=False)) / CHARS_PER_TOKEN)


def _image_tokens(data: str) -> int:
    head = base64.b64decode(data)[:24]
    if head[:4] != b"\x89PNG" or len(head) < 24:
        return 1_600
    width, height = struct.unpack(">II", head[16:24])
    return int(min(4_784, math.ceil(width / 28) * math.ceil(height / 28)))
