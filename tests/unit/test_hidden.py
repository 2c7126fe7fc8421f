"""Characters nobody sees, and those that a script or an emoji needs."""

# ruff: noqa: RUF001 - letters that look like others are meant

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.hidden import one_line, visible


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("pay\u200bpal \u202egnp.exe\u202c", "paypal gnp.exe"),
        ("Hi\U000e0049\U000e0067nore", "Hinore"),
        ("a\u00adb\u2060c\ufeffd\u3164e\u2800f", "abcdef"),
        ("one\r\ntwo\u2028three\x00", "one\ntwo\nthree"),
        ("e\u200dvil ev\u200cil", "evil evil"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 6),
        ("x\ufe0f\ufe01", "x"),
        ("日\ufe0f本\ufe0eé\ufe0f", "日本é"),
    ],
)
def test_what_nobody_sees_goes(written: str, read: str) -> None:
    assert visible(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "👩‍💻 ❤️ 1️⃣ 🏳️‍🌈 ℹ️ ©️ ㊗️ ☎︎",
        "می‌خواهم",
        "क्‍ष",
        "tab\tand\nline",
        "שלום\u200f!",
        "日本語、한국어",
        "Ünïcødé",
        "don’t – “quote” …",
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert visible(text) == text


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_twice_is_the_same_as_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_name_is_one_short_line() -> None:
    assert one_line("in\nvoice\u202e.pdf " + "x" * 99, 20) == "in voice.pdf xxxxxx…"


@pytest.mark.parametrize(
    "text", ["\u200c\ufe0f", "\u200d\u200b", "a\u0301\u0301", "é\u200d\ufe0f", "\u200e", "\r", "a"]
)
def test_no_text_of_forty_thousand_characters_takes_long(text: str) -> None:
    began = time.thread_time()
    visible(text * (40_000 // len(text)))
    assert time.thread_time() - began < 1.0
