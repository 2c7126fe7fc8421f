"""What calls cost."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.exchange import Usage
from bot.model.pricing import PriceFileError, UnknownPriceError, load_prices

PRICES = load_prices()
ROW = """
["local-llama"]
input = 0
output = 0
cache_write_5m = 0
cache_write_1h = 0
cache_read = 0
checked = 2026-11-21
"""


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        # 1,000 in at $2, 500 out at $10, 4,000 read at $0.10, 2,000 written at $2.50, 3,000 written at $4, per million
        ("claude-sonnet-5-5", Usage(1_000, 500, 4_000, 2_000, 3_000), "0.0244"),
        ("claude-opus-5-5", Usage(input=1_000_000, output=1_000_000), "24"),
        ("claude-haiku-5-5", Usage(input=100_000, output=1_000), "0.0105"),
        # one token more and the whole call costs five times as much
        ("claude-haiku-5-5", Usage(input=1, output=1_000, cache_read=100_000), "0.0075005"),
        ("claude-fable-5-1", Usage(cache_read=1_000_000), "0.25"),
        ("offline", Usage(9, 9, 9, 9, 9), "0"),
    ],
)
def test_a_call_costs_what_the_price_list_says(model: str, usage: Usage, usd: str) -> None:
    assert PRICES.cost(model, usage) == Decimal(usd)


def test_the_worst_case_writes_the_whole_prompt_to_the_dearest_cache() -> None:
    worst = PRICES.worst_case("claude-sonnet-5-5", prompt_tokens=10_000, max_tokens=2_000)

    assert worst == Decimal("0.06")  # 10,000 at $4 and 2,000 at $10, per million


def test_a_large_prompt_is_bounded_by_the_rates_of_large_prompts() -> None:
    assert PRICES.worst_case("claude-haiku-5-5", prompt_tokens=100_000, max_tokens=0) == Decimal("0.02")
    assert PRICES.worst_case("claude-haiku-5-5", prompt_tokens=100_001, max_tokens=0) == Decimal("0.100001")


tokens = st.integers(0, 300_000)


@settings(deadline=None)  # a busy machine is not a fault
@given(st.sampled_from(PRICES.models), tokens, tokens, tokens, tokens, tokens, tokens)
def test_no_call_costs_more_than_its_worst_case(
    model: str, i: int, output: int, read: int, w5: int, w1: int, slack: int
) -> None:
    usage = Usage(i, output, read, w5, w1)

    worst = PRICES.worst_case(model, prompt_tokens=usage.prompt + slack, max_tokens=output)

    assert PRICES.cost(model, usage) <= worst


@pytest.mark.parametrize("model", ["claude-sonnet-5-5-20260928", "claude-sonnet", "Claude-Sonnet-5-5", ""])
def test_a_sibling_lends_no_price(model: str) -> None:
    with pytest.raises(UnknownPriceError, match="MODEL_PRICES=path"):
        PRICES.cost(model, Usage(1))


def test_the_start_names_every_model_without_a_price() -> None:
    PRICES.check_prices(["claude-sonnet-5-5", "offline"])
    with pytest.raises(UnknownPriceError, match="gpt-9 and llama-7"):
        PRICES.check_prices(["gpt-9", "claude-sonnet-5-5", "llama-7", "gpt-9"])


def test_an_operator_adds_and_corrects_rows(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(ROW + ROW.replace("local-llama", "claude-sonnet-5-5").replace("input = 0", "input = 1.5"))

    prices = load_prices(file)

    assert prices.cost("local-llama", Usage(5, 5)) == 0
    assert prices.cost("claude-sonnet-5-5", Usage(input=2_000_000)) == 3
    assert prices.cost("claude-haiku-5-5", Usage(input=1_000_000 // 10)) == Decimal("0.01")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = ", "is not TOML"),
        (ROW.replace("output = 0", 'output = "free"'), "local-llama.output: .*plain number"),
        (ROW.replace("cache_read = 0", ""), "local-llama.cache_read: Field required"),
        (ROW.replace("input = 0", "input = -1"), "local-llama.input"),
        (ROW.replace("input = 0", "input = nan"), "local-llama.input"),
        (ROW + "discount = 3", "local-llama.discount: Extra"),
    ],
)
def test_a_wrong_price_file_is_told_in_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)

    with pytest.raises(PriceFileError, match=fault):
        load_prices(file)


def test_a_missing_price_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"nowhere\.toml cannot be read"):
        load_prices(tmp_path / "nowhere.toml")
