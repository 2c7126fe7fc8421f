"""`deskhand eval judge`: how far the judge agrees with people."""

import argparse

from bot.cli.progress import Progress
from bot.config import Settings, SettingsError
from bot.evals.agreement import Agreement, describe, labelled, measure_agreement
from bot.evals.choosing import claude
from bot.evals.judge import Judge
from bot.evals.loading import CasesError
from bot.model.pricing import load_prices

LEAST_KAPPA = 0.6
"""Below it the judge is not to be believed (0.6 to 0.8 is called substantial agreement)."""
FAILED = 1


async def measure(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask the judge about every labelled answer; 1 when it agrees too little."""
    if settings.offline:
        raise SettingsError(["deskhand eval judge: a judge is a model, and needs ANTHROPIC_API_KEY."])
    name = arguments.judge or settings.model
    prices = load_prices(settings.model_prices or None)
    prices.check_prices({name})
    try:
        answers = labelled()
    except CasesError as error:
        raise SettingsError(error.lines) from error
    judge = Judge(claude(settings), name, prices)
    progress = Progress()
    try:
        found = await measure_agreement(
            judge, answers, limit=arguments.max_usd, at_once=arguments.at_once,
            told=lambda done, of: progress.show("judged", done, of),
        )  # fmt: skip
    finally:
        progress.clear()
        await judge.model.close()
    print("\n".join(describe(found, judge)))
    return _exit_code(found)


def _exit_code(found: Agreement) -> int:
    return 0 if found.kappa >= LEAST_KAPPA and not found.unanswered else FAILED
