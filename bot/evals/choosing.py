"""Which sets, which model and which judge an evaluation has, from what was typed and what is set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.config import Settings, SettingsError
from bot.domain.lesson import Lesson
from bot.evals.cases import Case, Family
from bot.evals.hostile import HostileModel
from bot.evals.judge import Judge
from bot.evals.learned import learned
from bot.evals.loading import OWN_SETS, SET_NAMES, SETS, CasesError, load_set
from bot.evals.purse import Rates
from bot.evals.world import OFFLINE, Brain
from bot.model.claude import ClaudeModel
from bot.model.pricing import PriceTable, load_prices
from bot.ports.model import Model

HOSTILE = "hostile"
OFFLINE_SETS = "offline"
NOBODY = "none"
SETS_BY_WORD = {
    **{name: (name,) for name in SET_NAMES},
    HOSTILE: ("golden", "adversarial"),
    "all": SET_NAMES,
    OFFLINE_SETS: SET_NAMES,
}
"""What each word of the command line plays; `offline` without cases of one's own, since CI knows none of them."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that has to be known before anything is played."""

    families: tuple[Family, ...]
    brain: Brain
    judge: Judge | None
    rates: Rates | None
    """None: nothing costs anything."""
    player: Model | None = None
    """Plays simulated customers."""

    @property
    def cases(self) -> list[Case]:
        return [case for family in self.families for case in family.case]

    async def close(self) -> None:
        """Give back what was opened for the judge and the player."""
        for model in (self.judge.model if self.judge else None, self.player):
            if model is not None:
                await model.close()


def choose_families(
    word: str, *, cases: Sequence[str] = (), families: Sequence[str] = (), lessons: Sequence[Lesson] = ()
) -> tuple[Family, ...]:
    """The families of the sets, narrowed to what was named; SettingsError when a name is unknown or a set is broken.

    `lessons`: what people made test cases; they belong to the golden set.
    """
    try:
        folders = (SETS,) if word == OFFLINE_SETS else (SETS, OWN_SETS)
        found = [family for name in SETS_BY_WORD[word] for family in load_set(name, folders)]
    except CasesError as error:
        raise SettingsError(error.lines) from error
    own = learned(lessons) if "golden" in SETS_BY_WORD[word] and word != OFFLINE_SETS else None
    found += [own] if own else []
    _check_single(found)
    _check_known("--family", families, [family.name for family in found])
    _check_known("--case", cases, [case.id for family in found for case in family.case])
    narrowed = [family for family in found if not families or family.name in families]
    if cases:
        narrowed = [_only(family, cases) for family in narrowed if any(case.id in cases for case in family.case)]
    if not narrowed:
        raise SettingsError(["There is no such case in such a family, so there is nothing to play."])
    return tuple(narrowed)


def choose_brain(name: str | None, word: str, settings: Settings) -> Brain:
    """The model that plays: what was named, else the set's own, else Claude when there is a key."""
    if name == HOSTILE or (name is None and word == HOSTILE):
        return Brain(HOSTILE, {"ANTHROPIC_API_KEY": "sk-none", "MODEL_SECONDS": "30"}, HostileModel(_SEED))
    if name == OFFLINE.name or word == OFFLINE_SETS or (name is None and settings.offline):
        return OFFLINE
    if settings.offline:
        raise SettingsError([f"--model {name}: a real model needs ANTHROPIC_API_KEY. Without it: --model offline."])
    return Brain(name or settings.model, {"MODEL": name or settings.model}, is_real=True)


def choose_judge(name: str | None, brain: Brain, settings: Settings, prices: PriceTable) -> Judge | None:
    """A judge when a real model plays (or one is named), unless nobody is to judge; by default the main model."""
    if name == NOBODY or (name is None and not brain.is_real):
        return None
    if settings.offline:
        raise SettingsError(["--judge: a judge is a model, and needs ANTHROPIC_API_KEY."])
    chosen = name or settings.model
    prices.check_prices({chosen})
    return Judge(claude(settings), chosen, prices)


def claude(settings: Settings) -> ClaudeModel:
    """The vendor's models, beside those that the bot opens for itself."""
    key = settings.anthropic_api_key.get_secret_value()
    return ClaudeModel(api_key=key, base_url=settings.anthropic_base_url, total_deadline=settings.model_seconds)


def choose(
    word: str,
    settings: Settings,
    *,
    model: str | None = None,
    judge: str | None = None,
    cases: Sequence[str] = (),
    families: Sequence[str] = (),
    lessons: Sequence[Lesson] = (),
) -> Choice:
    """Everything together; SettingsError or PricesError says what is wrong before anything costs money."""
    prices = load_prices(settings.model_prices or None)
    brain = choose_brain(model, word, settings)
    if brain.is_real:
        prices.check_prices({brain.name, settings.helper_model})
    chosen = choose_judge(judge, brain, settings, prices)
    judged_by = chosen.name if chosen else ""
    rates = Rates(prices, brain.name, settings.helper_model, judged_by) if brain.is_real else None
    found = choose_families(word, cases=cases, families=families, lessons=lessons)
    has_players = brain.is_real and any(case.simulated for family in found for case in family.case)
    return Choice(found, brain, chosen, rates, claude(settings) if has_players else None)


def _only(family: Family, wanted: Sequence[str]) -> Family:
    return family.model_copy(update={"case": tuple(case for case in family.case if case.id in wanted)})


def _check_single(families: Sequence[Family]) -> None:
    """Within a set it was checked when it was read; here over all sets that are played together."""
    counts = Counter(case.id for family in families for case in family.case)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise SettingsError([f"There are {counts[name]} cases {name!r} in these sets." for name in twice])


def _check_known(option: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            near = [one for one in known if name in one][:5]
            hint = f" Like it: {', '.join(near)}." if near else ""
            raise SettingsError([f"{option}: there is no {name!r} in this set.{hint}"])
