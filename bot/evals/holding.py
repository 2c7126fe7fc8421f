"""Do the promises hold? One play after another, each with a seed and a workspace of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config import load_settings
from bot.evals.cases import Extras
from bot.evals.hostile import HostileModel
from bot.evals.played import Play
from bot.evals.promises import PROMISES, broken
from bot.evals.rampage import LIMITS, rampage
from bot.evals.stock import Stock, article_slugs
from bot.evals.world import Brain, open_world

CONVERSATIONS = 24
"""Of one play."""
_PAID = {"ANTHROPIC_API_KEY": "sk-none", "MODEL": "claude-sonnet-5-5", "HELPER_MODEL": "claude-haiku-5-5"}
"""Models with a price, so that there is money to watch; nobody is called."""
_WORDS_ONLY = {"EMBEDDER": "none"}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Held:
    """What became of the promises in some plays."""

    seeds: tuple[int, ...]
    conversations: int
    calls: int
    """Of the model."""
    breaches: Mapping[str, tuple[str, ...]]
    """By promise; each tells its seed."""

    def lines(self) -> list[str]:
        """For a person at a terminal."""
        told = [
            f"{self.conversations} conversations with a hostile model, {self.calls} model calls, "
            f"seeds {self.seeds[0]} to {self.seeds[-1]}"
        ]
        for name in PROMISES:
            found = self.breaches.get(name, ())
            told.append(f"  {name:<22} {'holds' if not found else f'BROKEN {len(found)} times'}")
            told += [f"    {breach}" for breach in found[:_SHOWN]]
        return told


async def play_hostile(model: HostileModel, folder: Path, conversations: int, limits: Sequence[str] = LIMITS) -> Play:
    """One play in a workspace of its own; its database stays in `folder`."""
    stock = await Stock.open(folder / "stock", load_settings({"ANTHROPIC_API_KEY": "", **_WORDS_ONLY}))
    database, nothing = folder / f"hostile-{model.seed}.db", Extras()
    await stock.make(database, nothing)
    brain = Brain("hostile", _PAID, model)
    async with open_world(database, nothing, brain, article_slugs(nothing), _WORDS_ONLY) as world:
        return await rampage(world, model, seed=model.seed, conversations=conversations, limits=limits)


async def hold(
    folder: Path,
    *,
    epochs: int,
    seed: int = 1,
    conversations: int = CONVERSATIONS,
    told: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005 - nobody wants to know
) -> Held:
    """Play with `epochs` seeds, one after the other."""
    found: dict[str, list[str]] = {}
    calls = 0
    for number in range(seed, seed + epochs):
        play = await play_hostile(HostileModel(number), folder, conversations)
        calls += len(play.asked)
        for name, breaches in broken(play).items():
            found.setdefault(name, []).extend(f"seed {number}: {breach}" for breach in breaches)
        told(number - seed + 1, epochs)
    seeds = tuple(range(seed, seed + epochs))
    return Held(seeds, conversations * epochs, calls, {name: tuple(one) for name, one in found.items()})
