"""`deskhand traces replay`: a run again, with another prompt or model, and what is different."""

import argparse
import json
import logging
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pydantic import ValidationError

from bot.agent.calls import ModelCalls
from bot.agent.comparison import compare
from bot.agent.discretion import Discretion
from bot.agent.profile import Profile, parse_profile
from bot.agent.record import NoRecordError, Record, read_record
from bot.agent.replay import Replayed, Variant, replay
from bot.app import open_store
from bot.cli.database import check_database
from bot.cli.replay_report import as_fields, describe, notes_on
from bot.config import Settings, SettingsError
from bot.domain.errors import PermanentError
from bot.ports.clock import system_clock
from bot.ports.model import Model
from bot.store.run_list import SqlRunList
from bot.store.scratch import scratch_store
from bot.workspaces.plan import Plan

_FENCE = "---"
"""How a file with front matter begins."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was typed."""

    run: str
    """Id of a run, or of a conversation: then its last run."""
    max_usd: Decimal
    prompt: str = ""
    """Text of a file."""
    profile: str = ""
    model: str = ""

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Wishes":
        """SettingsError for a file that cannot be read, or an amount that is none."""
        try:
            usd = Decimal(arguments.max_usd.removeprefix("$"))
            prompt = Path(arguments.prompt).read_text("utf-8") if arguments.prompt else ""
        except InvalidOperation as error:
            raise SettingsError([f"--max-usd: {arguments.max_usd!r} is no amount of money."]) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"--prompt: {arguments.prompt} cannot be read ({type(error).__name__})."]) from error
        if not usd.is_finite() or usd <= 0:
            raise SettingsError([f"--max-usd: {arguments.max_usd!r} is no amount of money."])
        return cls(arguments.id, usd, prompt, arguments.profile or "", arguments.model)


async def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Replay and print; 1 when the run cannot be read again."""
    wishes = Wishes.of(arguments)
    logging.getLogger("bot").setLevel(logging.ERROR)
    plan = Plan.check(settings)
    model = plan.model(settings)
    try:
        record, again = await replayed(settings, wishes, plan, model)
    except NoRecordError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        await model.close()
    comparison = compare(record, again)
    notes = list(notes_on(record, again, comparison, has_key=not settings.offline))
    if arguments.json:
        print(json.dumps(as_fields(record, again, comparison, notes), indent=2, ensure_ascii=False))
    else:
        print("\n".join(describe(record, again, comparison, notes, steps=arguments.steps)))
    return 0


async def replayed(settings: Settings, wishes: Wishes, plan: Plan, model: Model) -> tuple[Record, Replayed]:
    """The run as it was, and as it is now; NoRecordError when it cannot be read again."""
    await check_database(settings.database_url)
    async with open_store(settings) as store:
        async with store.read() as tx:
            run_id = await SqlRunList(tx.connection).newest_of(wishes.run) or wishes.run
        record = await read_record(store, run_id)
    variant = variant_of(record, wishes, plan)
    try:
        plan.prices.check_prices({*variant.models})
    except PermanentError as error:
        raise SettingsError([f"--model: {error}"]) from error
    async with scratch_store(system_clock) as scratch:
        calls = ModelCalls(model, plan.prices, scratch, system_clock, discretion=Discretion(settings.redactor))
        return record, await replay(record, variant, calls, scratch, system_clock, wishes.max_usd)


def variant_of(record: Record, wishes: Wishes, plan: Plan) -> Variant:
    """What the run is done again with; SettingsError for a profile that there is not, or that is wrong."""
    own = plan.profiles.get(record.conversation.profile) or plan.profiles["support"]
    profile, system = _profile(wishes, plan, own)
    models = (wishes.model,) if wishes.model else plan.models.of(profile)
    return Variant.of(record, profile, models, system=system)


def _profile(wishes: Wishes, plan: Plan, own: Profile) -> tuple[Profile, str]:
    """(settings, prompt); an empty prompt is the recorded one."""
    if wishes.profile:
        if wishes.profile not in plan.profiles:
            known = ", ".join(sorted(plan.profiles))
            raise SettingsError([f"--profile: there is no {wishes.profile!r}; there are: {known}."])
        profile = plan.profiles[wishes.profile]
        return profile, profile.prompt
    if wishes.prompt.startswith(_FENCE):
        try:
            profile = parse_profile(wishes.prompt)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise SettingsError([f"--prompt: {wrong}"]) from error
        return profile, profile.prompt
    return own, wishes.prompt.strip()
