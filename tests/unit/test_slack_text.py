"""Cutting, escaping and taming text on its way to Slack."""

import itertools
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.slack.render.text import (
    FENCE,
    escape,
    literal,
    neutralise,
    no_broadcast,
    shorten,
    split_text,
    spoken,
    to_mrkdwn,
    unescape,
)

LINEAR_SECONDS = 0.5
"""Of computing; a search that takes time squared needs several."""
PIECES = st.sampled_from(
    [
        "word ",
        "\n\n",
        "\n",
        "```",
        "```python\n",
        "`x`",
        "<https://example.com/a|b> ",
        "&amp;",
        "a" * 70,
        "日本語",
        "😀",
        " ",
    ]
)
TEXTS = st.one_of(st.text(max_size=600), st.lists(PIECES, max_size=80).map("".join))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@settings(deadline=None)  # the machine may be busy
@given(TEXTS, st.integers(80, 300))
@example("```\n" + "x\n" * 200 + "```", 80)
@example("`" * 500, 80)
def test_parts_fit_and_lose_nothing(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    if FENCE not in text:
        assert squeezed("".join(parts)) == squeezed(text)
    else:
        assert squeezed("".join(parts)).count("word") >= squeezed(text).count("word")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Paragraphs and code blocks whose words are numbered."""
    number = itertools.count()
    paragraphs = []
    for size, language in draw(
        st.lists(st.tuples(st.integers(1, 60), st.sampled_from([None, "", "python"])), max_size=12)
    ):
        words = [f"w{next(number)}." + "x" * draw(st.integers(0, 9)) for _ in range(size)]
        prose = " ".join(words)
        paragraphs.append(prose if language is None else f"{FENCE}{language}\n" + "\n".join(words) + f"\n{FENCE}")
    return "\n\n".join(paragraphs)


@settings(deadline=None)  # the machine may be busy
@given(documents(), st.integers(80, 400))
def test_all_parts_together_say_everything_once_and_in_order(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert re.findall(r"w\d+\.x*", "\n".join(parts)) == re.findall(r"w\d+\.x*", text)
    assert all(len(part) <= limit and part.count(FENCE) % 2 == 0 for part in parts)


@settings(deadline=None)  # the machine may be busy
@given(documents())
def test_what_is_code_stays_code_and_what_is_prose_stays_prose(text: str) -> None:
    def code(words: str) -> list[str]:
        return [word for block in words.split(FENCE)[1::2] for word in re.findall(r"w\d+\.x*", block)]

    assert code("\n".join(split_text(text, 150))) == code(text)


@settings(deadline=None)  # the machine may be busy
@given(TEXTS)
def test_every_part_closes_the_fences_it_opens(text: str) -> None:
    assert all(part.count(FENCE) % 2 == 0 for part in split_text(text, 120))


def test_a_short_text_stays_as_it_is() -> None:
    assert split_text("One.\n\nTwo.", 100) == ["One.\n\nTwo."]
    assert split_text("  \n ", 100) == []


def test_cuts_fall_on_paragraph_ends() -> None:
    first, second = "a " * 30, "b " * 30
    assert split_text(f"{first.strip()}\n\n{second.strip()}", 100) == [first.strip(), second.strip()]


def test_a_code_block_goes_on_in_the_next_part_with_its_language() -> None:
    code = "\n".join(f"line {n}" for n in range(40))
    parts = split_text(f"```python\n{code}\n```", 120)
    assert len(parts) > 2
    assert all(part.startswith("```python\n") and part.endswith("\n```") for part in parts)
    assert "\n".join(part.removeprefix("```python\n").removesuffix("\n```") for part in parts) == code


@pytest.mark.parametrize("before", [90, 60, 10])
def test_no_cut_goes_through_code_on_a_line(before: int) -> None:
    """What is code is not looked at for links: half of it would be prose."""
    code = "`see https://evil.example/p?q=1 and more of it`"
    assert any(code in part for part in split_text("`x` " + "w " * (before // 2) + code + " w" * 60, 100))


def test_no_cut_goes_through_a_link_or_an_entity() -> None:
    text = "x" * 90 + "<https://example.com/very/long/path|label>"
    assert split_text(text, 100)[1] == "<https://example.com/very/long/path|label>"
    assert shorten("a" * 96 + "&amp;bcd", 100) == "a" * 96 + "…"


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape(escape(text)) == text


@pytest.mark.parametrize(
    "text",
    ["<!channel>", "<!here|here>", "<!everyone>", "@here", "@Channel now", "<!subteam^S0SUPPORT|@support>", "<@U0ANA>",
     "<!<!date^1|channel>>", "<!<!date^1|<!date^1|here>>>", "<@<!date^1|U0ANA>>",
     "<!channel|<@U0BO>>", "<!channel|<@<!date^1|U0BO>>>"],
)  # fmt: skip
def test_nothing_a_model_writes_wakes_people(text: str) -> None:
    for tamed in (neutralise(text), literal(text), to_mrkdwn(text), no_broadcast(text) if "U0" not in text else ""):
        assert not re.search(r"<[!@]\w|@(?:here|channel|everyone)\b", tamed, re.IGNORECASE)


def test_what_only_looks_like_a_mark_of_slacks_stays() -> None:
    text = "Put `<!DOCTYPE html>` first, then `<!-- begin -->`"
    assert neutralise(text) == text


def test_the_asker_may_be_named() -> None:
    assert neutralise("Hi <@U0ANA>, ask <@U0BO|bo>", {"U0ANA"}) == "Hi <@U0ANA>, ask @bo"
    assert no_broadcast("<@U0SAM> is with you <!here>") == "<@U0SAM> is with you @\u2060here"


def test_markdown_becomes_slacks_dialect() -> None:
    markdown = "# Title\n- **bold** and *soft*\n- [docs](https://x.example/a?b=1&c=2)\n`a * b < c`\n> quote"
    assert to_mrkdwn(markdown) == (
        "*Title*\n• *bold* and _soft_\n• docs (https://x.example/a?b=1&amp;c=2)\n`a * b &lt; c`\n&gt; quote"
    )


def test_notifications_are_readable() -> None:
    assert spoken("See <https://x.example|the docs>, <@U0SAM|Sam> &amp; co.") == "See the docs, @Sam & co."


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("## Title ##", "*Title*"),
        ("# C#", "*C*"),
        ("# a # b \t", "*a # b*"),
        ("# ##", "# ##"),
        ("#no heading", "#no heading"),
        ("**a** and __b__", "*a* and *b*"),
        ("files__read beside *files__write*", "files__read beside _files__write_"),
        ("__files__read__ and __init__.py", "*files__read* and *init*.py"),
        ("**2 ** 3 = 8**", "*2 ** 3 = 8*"),
        ("** no ** bold **", "** no ** bold **"),
        ("**a **b**", "**a *b*"),
        ("**a\nb**", "**a\nb**"),
        ("# **both**", "*both*"),
    ],
)
def test_headings_and_bold(markdown: str, shown: str) -> None:
    assert to_mrkdwn(markdown) == shown


@pytest.mark.parametrize(
    "text",
    ["# a" + " " * 40_000 + "b", "# a" + "#" * 40_000 + "b", "**a " * 10_000, "__a " * 10_000, "*a " * 13_000,
     "** " * 13_000, "**a ** " * 6_000, "*" * 40_000, "_" * 40_000, "[" * 40_000, "<@U0|" * 8_000, "`" * 40_000,
     "[a](http://a" * 3_000, "- \t" * 13_000],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_no_text_of_forty_thousand_characters_takes_long(text: str) -> None:
    began = time.thread_time()
    to_mrkdwn(text)
    spoken(text)
    assert time.thread_time() - began < LINEAR_SECONDS


def test_p8_words_that_are_carried_to_a_customer_name_channels_without_ids() -> None:
    words = "<@U0GRACE> wrote in <#C0STAFF|staff-room> and <#C0CASES|> and <#G0OLD>: 1 < 2"
    assert literal(words) == "@someone wrote in #staff-room and #channel and #channel: 1 &lt; 2"


def test_a_block_of_code_that_loses_its_indent_at_a_cut_still_ends_where_it_ended() -> None:
    block = "    ```\n    a = 1\n    ```\n`evil.com`\n```\nx\n```"
    assert split_text(block, 100) == ["```\n    a = 1\n```\n`evil.com`\n```\nx\n```"]
    steps = "    step one\n" * 10
    long = f"- Run:\n\n    ```sh\n{steps}    ```\nThen `evil.com`."
    *_, last = split_text(long, 100)
    assert last.startswith("```sh\n    step one")
    assert last.endswith("\n```\nThen `evil.com`.")


def test_an_address_is_cut_nowhere() -> None:
    text = f"{'x' * 70}https://help.acme.example/articles/guests"
    assert split_text(text, 100) == ["x" * 70, "https://help.acme.example/articles/guests"]
