"""The fake Messages API is as strict, and counts its cache, as the documentation says."""

import subprocess
import sys
from typing import Any

import pytest

from tests.fakes.messages_cache import PromptCache, count
from tests.fakes.messages_rules import RefusedError, check_request

Json = dict[str, Any]
HOUR, FIVE = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}
USE = {"type": "tool_use", "id": "t1", "name": "old_tool", "input": {}}


def words(text: str, **more: Any) -> Json:
    return {"type": "text", "text": text, **more}


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def model(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def result(*content: Json, of: str = "t1") -> Json:
    return {"type": "tool_result", "tool_use_id": of, "content": list(content)}


def found(*, enabled: bool = True) -> Json:
    cites = {"enabled": enabled}
    return {"type": "search_result", "source": "s", "title": "t", "content": [words("p")], "citations": cites}


def asking(*messages: Json, **more: Any) -> Json:
    return {"model": "claude-sonnet-5-5", "max_tokens": 10, "messages": list(messages or [user(words("Hi"))]), **more}


def schema(**more: Any) -> Json:
    whole = {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    }
    return {**whole, **more}


def tool(**more: Any) -> Json:
    return {"name": "x", "description": "d", "input_schema": schema(**more), "strict": True}


FORMAT = {"format": {"type": "json_schema", "schema": schema()}}


@pytest.mark.parametrize(
    "body",
    [
        asking(),
        asking({"role": "user", "content": "plain"}),
        asking(user(words("Hi")), model(USE), user(result(found()), words("and"))),
        asking(tools=[tool()], output_config={"effort": "low"}),
        asking(output_config=FORMAT),
        asking(user(words("a", cache_control=FIVE)), system=[words("s", cache_control=HOUR)], cache_control=FIVE),
        asking(model="claude-haiku-5-5", thinking={"type": "disabled"}),
    ],
)
def test_what_is_right_is_accepted(body: Json) -> None:
    check_request(body, paused=set())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (asking(temperature=1.0), "temperature"),
        (asking(surprise=1), "surprise"),
        (asking(max_tokens=0), "max_tokens"),
        (asking(tool_choice={"type": "any"}), "forced"),
        (asking(thinking={"type": "disabled"}), "thinking"),
        (asking(metadata={"user_id": "ana@example.com"}), "opaque"),
        (asking(messages=[]), "at least one"),
        (asking(model(words("Hi"))), "first message"),
        (asking(user(words("a")), user(words("b"))), "alternate"),
        (asking(user()), "non-empty"),
        (asking(user(words("  "))), "non-empty"),
        (asking(user(words("Hi")), model(words("pre"))), "prefill"),
        (asking(user(words("Hi")), model(USE)), "without tool_result"),
        (asking(user(words("Hi")), model(USE), user(words("and?"))), "exactly once"),
        (asking(user(words("Hi")), model(USE), user(result(), result())), "exactly once"),
        (asking(user(result())), "exactly once"),
        (asking(user(words("Hi")), model(USE), user(words("first"), result())), "come first"),
        (asking(user(words("Hi")), model(USE), user(result(found(), words("x")))), "mixed"),
        (asking(user(words("Hi")), model(USE), user(result(found(), found(enabled=False)))), "all or none"),
        (asking(user(words("Hi")), model(USE), user(result(found())), output_config=FORMAT), "excludes citations"),
        (asking(user(words("Hi", citations=[{"type": "x"}]))), "citations"),
        (asking(tools=[tool(required=[])]), "required"),
        (asking(tools=[tool(additionalProperties=True)]), "additionalProperties"),
        (asking(tools=[tool(), tool()]), "unique"),
        (asking(user(*[words(str(i), cache_control=FIVE) for i in range(5)])), "maximum of 4"),
        (asking(user(words("a", cache_control=FIVE), words("b", cache_control=HOUR))), "1h must come before"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(body: Json, sentence: str) -> None:
    with pytest.raises(RefusedError, match=sentence):
        check_request(body, paused=set())


LONG = "word " * 1_000


def test_cached_tokens_are_written_once_and_read_afterwards() -> None:
    cache, body = PromptCache(), asking(user(words("q", cache_control=FIVE)), system=[words(LONG, cache_control=HOUR)])

    first, second = cache.bill(body, 0), cache.bill(body, 10)

    assert first.write_1h > 1_000
    assert (first.plain, first.read) == (0, 0)
    assert (second.plain, second.read, second.write_5m, second.write_1h) == (0, count(body), 0, 0)


def test_five_minutes_and_an_hour_are_kept_apart_and_renewed_by_reading() -> None:
    cache, body = PromptCache(), asking(user(words("q", cache_control=FIVE)), system=[words(LONG, cache_control=HOUR)])
    first = cache.bill(body, 0)

    assert cache.bill(body, 290).read == count(body)
    assert cache.bill(body, 580).read == count(body), "reading it renewed it"
    assert cache.bill(body, 900).read == first.write_1h, "only the hour is left"
    assert cache.bill(body, 9_000).read == 0


def test_a_short_prefix_is_not_cached_and_no_error() -> None:
    cache, body = PromptCache(), asking(user(words("q", cache_control=FIVE)))

    assert [cache.bill(body, t).plain for t in (0, 1)] == [count(body)] * 2


def test_twenty_blocks_back_is_as_far_as_a_breakpoint_looks() -> None:
    def grown(by: int) -> Json:
        more = [words(str(i)) for i in range(by)]
        more[-1:] = [words("end", cache_control=FIVE)]
        return asking(user(words(LONG), *more))

    cache = PromptCache()
    start = asking(user(words(LONG, cache_control=FIVE)))
    cache.bill(start, 0)

    assert cache.bill(grown(19), 1).read == count(start)
    assert PromptCache().bill(grown(19), 1).read == 0
    fresh = PromptCache()
    fresh.bill(start, 0)
    assert fresh.bill(grown(20), 1).read == 0


def test_another_model_effort_or_tool_reads_nothing() -> None:
    body = asking(user(words(LONG, cache_control=FIVE)))
    for change in ({"model": "claude-opus-5-5"}, {"output_config": {"effort": "low"}}, {"tools": [tool()]}):
        cache = PromptCache()
        cache.bill(body, 0)
        assert cache.bill({**body, **change}, 1).read == 0


def test_the_model_room_can_be_imported_without_the_vendors_library() -> None:
    code = "import sys, bot.model.claude, bot.model.offline, bot.model.pricing; sys.exit('anthropic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
