"""What a model call costs: five explicit prices per exact model id, by size of the prompt."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bot.domain.errors import PermanentError
from bot.domain.exchange import Usage

_MILLION = Decimal(1_000_000)


def _exact(value: object) -> object:
    """Text and floats are refused: TOML's numbers are read as decimals, so anything else is a slip."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("write a plain number, USD per million tokens")  # noqa: TRY004 — pydantic wants ValueError
    return Decimal(value)


_Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=10_000)]


class Rates(BaseModel):
    """USD per million tokens of each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Price
    output: _Price
    cache_write_5m: _Price
    cache_write_1h: _Price
    cache_read: _Price

    def cost(self, usage: Usage) -> Decimal:
        """USD of these tokens."""
        total = (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_write_5m * self.cache_write_5m
            + usage.cache_write_1h * self.cache_write_1h
            + usage.cache_read * self.cache_read
        )
        return total / _MILLION

    @property
    def dearest_input(self) -> Decimal:
        """Of the kinds a request of ours can turn into."""
        return max(self.input, self.cache_write_5m, self.cache_write_1h, self.cache_read)


class LargePromptRates(Rates):
    """Rates of a whole call whose prompt has more than `prompt` tokens."""

    prompt: Annotated[int, Field(gt=0)]


class ModelRates(Rates):
    """One model's row."""

    checked: date
    above: tuple[LargePromptRates, ...] = ()

    def at(self, prompt: int) -> Rates:
        """The rates that hold for a prompt of this many tokens."""
        reached = [tier for tier in self.above if prompt > tier.prompt]
        return max(reached, key=lambda tier: tier.prompt, default=self)

    def worst_case(self, prompt: int, output: int) -> Decimal:
        """USD of the dearest call whose prompt has at most this many tokens."""
        tops: list[tuple[int, Rates]] = [(min(prompt, tier.prompt), self.at(tier.prompt)) for tier in self.above]
        tops.append((prompt, self.at(prompt)))
        return max(tokens * rates.dearest_input + output * rates.output for tokens, rates in tops) / _MILLION


_ROWS = TypeAdapter(dict[str, ModelRates])


class PricesError(PermanentError):
    """Prices are missing or wrong; the message is a sentence for the operator."""


class PriceFileError(PricesError):
    """A price file cannot be used."""


class UnknownPriceError(PricesError):
    """A model without a price; money cannot be counted, so it must not be called."""

    def __init__(self, *models: str) -> None:
        super().__init__(
            f"No price is known for {' and '.join(models)}. Put its row into a TOML file of the form of"
            " bot/model/prices.toml and set MODEL_PRICES=path/to/that.toml, or choose a model with a known price."
        )
        self.models = models


class PriceTable:
    """Prices by exact model id; a sibling's price is never borrowed."""

    def __init__(self, rows: Mapping[str, ModelRates]) -> None:
        self._rows = dict(rows)

    @property
    def models(self) -> tuple[str, ...]:
        """The ids that have a price."""
        return tuple(self._rows)

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Exact USD of a finished call; UnknownPriceError."""
        return self._row(model).at(usage.prompt).cost(usage)

    def worst_case(self, model: str, *, prompt_tokens: int, max_tokens: int) -> Decimal:
        """USD that a call of at most this size can cost at most; UnknownPriceError."""
        return self._row(model).worst_case(prompt_tokens, max_tokens)

    def check_prices(self, models: Iterable[str]) -> None:
        """UnknownPriceError naming every one of these models that has no price."""
        if missing := [model for model in dict.fromkeys(models) if model not in self._rows]:
            raise UnknownPriceError(*missing)

    def _row(self, model: str) -> ModelRates:
        if model not in self._rows:
            raise UnknownPriceError(model)
        return self._rows[model]


def load_prices(extra_path: str | Path | None = None) -> PriceTable:
    """The shipped prices, rows of the extra file (if one is named) added or put in their place; PriceFileError."""
    rows = _parse(files("bot.model").joinpath("prices.toml").read_text(encoding="utf-8"), "prices.toml")
    if extra_path:
        rows |= _parse(_read(Path(extra_path)), str(extra_path))
    return PriceTable(rows)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceFileError(f"MODEL_PRICES: {path} cannot be read ({type(error).__name__}).") from error


def _parse(text: str, name: str) -> dict[str, ModelRates]:
    try:
        return _ROWS.validate_python(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError(f"MODEL_PRICES: {name} is not TOML: {error}.") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise PriceFileError(f"MODEL_PRICES: {name}: {faults}.") from error
