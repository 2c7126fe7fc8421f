"""What `--compare BASE` means: an evaluation there is, or a folder of prompts that is played first."""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bot.app import open_store
from bot.config import Settings, SettingsError
from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.money import ZERO
from bot.evals.prompt_folder import check_folder, command, in_place_of_ours


@dataclass(frozen=True, slots=True)
class Base:
    """What is compared with."""

    evaluation: Evaluation
    results: list[CaseResult]
    cost: Decimal = ZERO
    """USD that were spent on it just now."""


def plays_base(arguments: argparse.Namespace) -> bool:
    """Whether the base has to be played first, because it is a folder; SettingsError when that holds no prompts."""
    folder = Path(arguments.compare or "")
    if not arguments.compare or not folder.is_dir():
        return False
    check_folder(folder)
    return True


async def find_base(arguments: argparse.Namespace, settings: Settings, most: Decimal) -> Base:
    """The base that was named; SettingsError when there is none. `most`: USD, if it is played first."""
    if not plays_base(arguments):
        return await _read(settings, arguments.compare, arguments.what)
    base = await _read(settings, await _play(arguments, settings, most))
    return replace(base, cost=base.evaluation.cost)


async def _read(settings: Settings, name: str, set_name: str = "") -> Base:
    """By its id, else the last one of a prompt version over this set."""
    async with open_store(settings) as store, store.read() as tx:
        found = await tx.evaluations.get(name)
        if found is None:
            of_version = await tx.evaluations.recent(1, prompt_version=name, set_name=set_name)
            found = of_version[0] if of_version else None
        if found is None:
            hint = "`deskhand eval list` shows those there are; a folder of prompts is played first"
            raise SettingsError([f"--compare: there is no evaluation, prompt version or folder {name!r}. {hint}."])
        return Base(found, await tx.evaluations.results(found.id))


async def _play(arguments: argparse.Namespace, settings: Settings, most: Decimal) -> str:
    """Play the same cases with other prompts, in a process of its own; the evaluation's id."""
    folder = Path(arguments.compare)
    words = ["eval", arguments.what, "--json", "--floor", "0", "--epochs", str(arguments.epochs)]
    words += ["--output", str(arguments.output), "--max-usd", str(most)]
    words += ["--at-once", str(arguments.at_once)]
    for option in ("model", "judge", "database"):
        words += [f"--{option}", getattr(arguments, option)] if getattr(arguments, option) else []
    for option in ("case", "family"):
        words += [word for name in getattr(arguments, option) for word in (f"--{option}", name)]
    print(f"First the prompts in {folder}.", file=sys.stderr, flush=True)
    with in_place_of_ours(folder, settings.environment) as environment:
        child = await asyncio.create_subprocess_exec(*command(words), env=environment, stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
    try:
        return str(json.loads(said)["id"])
    except (ValueError, KeyError):
        raise SettingsError([f"--compare: the prompts in {folder} could not be played; see above."]) from None
