"""Checks whether the bot can run, one sentence a check, with the remedy where one fails. Looks, and changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import prompts
from bot.agent.breakers import REMEDIES
from bot.agent.policy import Policy, PolicyError, load_policy
from bot.agent.profile import ProfileError, UnknownProfileError, load_profile
from bot.config import Settings, SettingsError, check_ready_to_run
from bot.domain.errors import DeskhandError, ModelDownError, TransientError
from bot.domain.service import Priority, Service
from bot.library import why_no_reranker
from bot.store.vault import Vault
from bot.workspaces.service_file import ServiceError, load_service
from tools.catalogue import ARGUMENTS
from tools.knowledge_base.embedder import EmbedderUnavailableError, vector_of
from tools.knowledge_base.embedders import open_embedder
from tools.knowledge_base.store import SAMPLE
from tools.tickets.doubts import SHOWN_DAYS, Doubt

OFFICIAL_MODEL_URL = "https://api.anthropic.com"
_DOUBTS = 5
"""Orders that are told one by one."""


class Verdict(StrEnum):
    """How a check went; the value is the sign people see."""

    GOOD = "✓"
    ODD = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    verdict: Verdict
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.verdict} {self.text}" + (f"\n    → {self.remedy}" if self.remedy else "")


class Schema(StrEnum):
    """In what state the database is."""

    CURRENT = "current"
    OLD = "old"
    NEW = "new"
    """It does not exist or has no tables yet."""


class SlackProbe(Protocol):
    """Asks Slack with the tokens of the settings."""

    async def connection(self) -> list[Finding]:
        """Token, scopes, staff channels, app token; only the token when that is refused."""
        ...

    async def user_name(self, user_id: str) -> str:
        """The name people see; TransientError, or PermanentError with Slack's own word for the reason."""
        ...

    async def group_size(self, group_id: str) -> int:
        """How many people are in a user group; errors as for a name."""
        ...


class ModelProbe(Protocol):
    """Asks for the model and its price; spends nothing."""

    async def reach(self, model: str) -> None:
        """ModelBusyError or ModelDownError when this model does not answer for us."""
        ...

    def check_price(self, model: str) -> None:
        """PermanentError, a sentence, when the model has no price."""
        ...


class DatabaseProbe(Protocol):
    """Looks at the database without changing it."""

    async def schema(self) -> Schema:
        """Its state; PermanentError, a sentence, when it cannot be written."""
        ...

    async def left_alone(self) -> Mapping[str, str]:
        """What running bots do not ask at the moment, by name (`model:…`, `tool:…`), and the class of the failure."""
        ...

    async def doubts(self) -> Sequence[Doubt]:
        """Orders of tickets whose outcome nobody knows; none before the first start."""
        ...

    async def articles(self) -> Mapping[str, int]:
        """How many articles came from which source; none before the first start."""
        ...


class ConnectionsProbe(Protocol):
    """Tries the services that stand in for our own database."""

    def findings(self) -> AsyncIterator[Finding]:
        """One for each; none when there are none."""
        ...


class Doctor:
    """All checks, in the order in which people set things up."""

    def __init__(
        self,
        settings: Settings,
        *,
        slack: SlackProbe,
        model: ModelProbe,
        database: DatabaseProbe,
        connections: ConnectionsProbe | None = None,
    ) -> None:
        self._settings = settings
        self._slack = slack
        self._model = model
        self._database = database
        self._connections = connections

    async def examine(self) -> AsyncIterator[Finding]:
        """One finding after the other, as soon as it is known."""
        inside = self._check_data, self._check_search, self._check_connections
        for checks in (self._check_settings, self._check_slack, self._check_model, *inside):
            async for finding in checks():
                yield finding

    async def _check_settings(self) -> AsyncIterator[Finding]:
        try:
            check_ready_to_run(self._settings)
        except SettingsError as error:
            for line in error.lines:
                yield Finding(Verdict.BAD, *_sentence_and_remedy(line))
        else:
            yield Finding(Verdict.GOOD, "Settings: complete.")

    async def _check_slack(self) -> AsyncIterator[Finding]:
        for finding in self._installing():
            yield finding
        if not self._settings.slack_bot_token.get_secret_value():
            return
        findings = await self._slack.connection()
        for finding in findings:
            yield finding
        if not self._settings.socket_mode:
            yield Finding(
                Verdict.ODD,
                "Events: by signed HTTP at /slack/events; from here nobody can tell whether Slack reaches it.",
                "Request URLs of the app must be https://<your address>/slack/events (`deskhand manifest --http`).",
            )
        if findings[0].verdict is Verdict.GOOD:
            async for finding in self._check_admins():
                yield finding

    def _installing(self) -> Iterator[Finding]:
        """What can be said of installations into further workspaces without asking anybody."""
        if not self._settings.takes_installations:
            return
        try:
            Vault(self._settings.keys)
        except ValueError as error:
            yield Finding(Verdict.BAD, f"TOKEN_KEYS: {error}.")
        address = f"{self._settings.public_url}/slack"
        yield Finding(
            Verdict.ODD,
            f"Installations: at {address}/install; only Slack can tell whether it knows {address}/oauth_redirect.",
            "It must stand under OAuth & Permissions → Redirect URLs (`deskhand manifest --http` lists it).",
        )

    async def _check_admins(self) -> AsyncIterator[Finding]:
        if not self._settings.admins:
            yield Finding(Verdict.ODD, "ADMIN_USERS: nobody may change budgets.", "Set the user ids of your admins.")
        for user_id in sorted(self._settings.admins):
            yield await self._admin(user_id)

    async def _admin(self, user_id: str) -> Finding:
        async def look() -> Finding:
            return Finding(Verdict.GOOD, f"ADMIN_USERS: {user_id} is {await self._slack.user_name(user_id)}.")

        remedy = "Copy the member id from the person's profile (⋮ → Copy member ID)."
        return await _attempt(look, f"ADMIN_USERS: {user_id}", remedy)

    async def _check_model(self) -> AsyncIterator[Finding]:
        for model in dict.fromkeys((self._settings.model, self._settings.helper_model)):
            try:
                self._model.check_price(model)
            except DeskhandError as error:
                yield Finding(Verdict.BAD, f"Price: {error}")
            else:
                yield Finding(Verdict.GOOD, f"Price: known for {model}.")
            if not self._settings.offline:
                yield await self._reach(model)
        if self._settings.offline:
            yield Finding(
                Verdict.ODD,
                "Model: none, the offline model answers with quotations from the knowledge base.",
                "Set ANTHROPIC_API_KEY to answer with Claude.",
            )

    async def _reach(self, model: str) -> Finding:
        try:
            await self._model.reach(model)
        except ModelDownError as error:
            if error.kind == "not_found" and self._settings.anthropic_base_url.rstrip("/") != OFFICIAL_MODEL_URL:
                return Finding(Verdict.ODD, f"Model: the gateway does not tell whether it has {model}.")
            setting = "MODEL or HELPER_MODEL" if error.kind == "not_found" else "ANTHROPIC_API_KEY"
            return Finding(Verdict.BAD, f"Model: {model} refuses ({error.kind}).", f"Check {setting}.")
        except TransientError as error:
            return Finding(Verdict.BAD, f"Model: {error}", "Check ANTHROPIC_BASE_URL and the network, or try again.")
        return Finding(Verdict.GOOD, f"Model: {model} is there.")

    async def _check_data(self) -> AsyncIterator[Finding]:
        async def look() -> Finding:
            return _SCHEMAS[await self._database.schema()]

        state = await _attempt(look, "Database", "Check DATABASE_URL, and that this user may write there.")
        yield state
        if state.verdict is Verdict.GOOD:
            for name, kind in (await self._database.left_alone()).items():
                text = f"Circuit breaker: {name} failed ({kind}) and is left alone by the running bot for a while."
                yield Finding(Verdict.ODD, text, REMEDIES.get(kind, "It is tried again by itself; nothing to do."))
            for finding in _doubtful(await self._database.doubts()):
                yield finding
        for finding in _profiles(self._settings):
            yield finding
        async for finding in self._check_policy():
            yield finding
        async for finding in self._check_service():
            yield finding
        held = await self._database.articles() if state.verdict is Verdict.GOOD else {}
        yield _knowledge(self._settings.knowledge_dir, held)

    async def _check_search(self) -> AsyncIterator[Finding]:
        yield await asyncio.to_thread(_search, self._settings)
        if self._settings.reranker:
            why = await asyncio.to_thread(why_no_reranker, self._settings)
            told = f"Reranker: {why or f'{self._settings.reranker} answers.'}"
            yield Finding(Verdict.BAD, told, "Or leave RERANKER empty.") if why else Finding(Verdict.GOOD, told)

    async def _check_connections(self) -> AsyncIterator[Finding]:
        if self._connections is not None:
            async for finding in self._connections.findings():
                yield finding

    async def _check_policy(self) -> AsyncIterator[Finding]:
        try:
            policy = load_policy(self._settings.policy_file, ARGUMENTS)
        except PolicyError as error:
            for line in error.lines:
                yield Finding(Verdict.BAD, f"Policy: {line}", "The bot does not start with it.")
            return
        yield _gates(policy, self._settings.policy_file or "prompts/policy.toml")
        if self._settings.slack_bot_token.get_secret_value():
            for name, role in policy.file.roles.items():
                for group_id in role.groups:
                    yield await self._role_group(name, group_id)

    async def _role_group(self, role: str, group_id: str) -> Finding:
        """A group that Slack does not show holds nobody: the bot runs, but refuses whoever has the role by it."""
        subject = f"Role {role}: user group {group_id}"
        remedy = "Add the scope usergroups:read and reinstall the app, or correct the id in POLICY_FILE."
        try:
            size = await self._slack.group_size(group_id)
        except DeskhandError as error:
            return Finding(Verdict.ODD, f"{subject} holds nobody for us: {error}.".replace("..", "."), remedy)
        if not size:
            return Finding(Verdict.ODD, f"{subject} is empty.", "Nobody has the role by it.")
        return Finding(Verdict.GOOD, f"{subject} has {size} {'member' if size == 1 else 'members'}.")

    async def _check_service(self) -> AsyncIterator[Finding]:
        try:
            service = load_service(self._settings.service_file)
        except ServiceError as error:
            yield Finding(Verdict.BAD, f"Service: {error}", "The bot does not start with it; see SERVICE_FILE.")
            return
        yield Finding(Verdict.GOOD, _promises(service, self._settings.pager))
        if self._settings.slack_bot_token.get_secret_value():
            for user_id in sorted(service.people):
                yield await self._on_duty(user_id)

    async def _on_duty(self, user_id: str) -> Finding:
        async def look() -> Finding:
            return Finding(Verdict.GOOD, f"Rota: {user_id} is {await self._slack.user_name(user_id)}.")

        return await _attempt(look, f"Rota: {user_id}", "Correct the id in SERVICE_FILE.")


def _profiles(settings: Settings) -> Iterator[Finding]:
    """All profiles in one line, with whose tools have a patience of their own; or one for each that cannot be used."""
    told: list[str] = []
    for name in sorted({*prompts.agent_names(), *settings.profiles_by_channel.values()}):
        try:
            profile = load_profile(name)
        except (UnknownProfileError, ProfileError) as error:
            for line in error.lines if isinstance(error, ProfileError) else [f"AGENT_PROFILES: {error}"]:
                yield Finding(Verdict.BAD, f"Profile: {line}", "The bot does not start with it.")
            continue
        told.append(f"{name} (resilience of {', '.join(sorted(profile.resilience))})" if profile.resilience else name)
    if told:
        yield Finding(Verdict.GOOD, f"Profiles: {', '.join(told)}.")


def _promises(service: Service, pager: str) -> str:
    minutes = {priority: seconds / 60 for priority, seconds in service.default.first_answer.items()}
    hours = "somebody is always there" if service.hours.is_always else f"business hours in {service.hours.zone.key}"
    asked = len(service.default.rota)
    return (
        f"Service: {hours}; first answer within {minutes[Priority.NORMAL]:g} minutes (urgent: "
        f"{minutes[Priority.URGENT]:g}); {asked} in the rota; pager: {pager or 'none'}."
    )


_SCHEMAS = {
    Schema.CURRENT: Finding(Verdict.GOOD, "Database: can be written, tables are up to date."),
    Schema.OLD: Finding(Verdict.ODD, "Database: tables are of another version.", "The next start upgrades them."),
    Schema.NEW: Finding(
        Verdict.ODD, "Database: has no tables yet.", "The first start (or `deskhand migrate`) makes them."
    ),
}


async def _attempt(check: Callable[[], Awaitable[Finding]], subject: str, remedy: str) -> Finding:
    """The finding of a check, or that it could not be made."""
    try:
        return await check()
    except TransientError as error:
        return Finding(Verdict.BAD, f"{subject}: {error}", "Check the network, or try again in a minute.")
    except DeskhandError as error:
        return Finding(Verdict.BAD, f"{subject}: {error}", remedy)


def _sentence_and_remedy(line: str) -> tuple[str, str]:
    sentence, _, remedy = line.partition(". ")
    return (f"{sentence}.", remedy) if remedy else (line, "")


def _doubtful(found: Sequence[Doubt]) -> Iterator[Finding]:
    for one in found[:_DOUBTS]:
        place = f" of {one.conversation_id}" if one.conversation_id else ""
        text = f"Tickets: nobody knows whether the order{place} at {_when(one.sent_at)} led to a ticket in {one.desk}."
        remedy = f"Search there for {one.mark}; if nothing is found, open it by hand. Told here for {SHOWN_DAYS} days."
        yield Finding(Verdict.ODD, text, remedy)
    if len(found) > _DOUBTS:
        yield Finding(Verdict.ODD, f"Tickets: {len(found) - _DOUBTS} or more older ones like these.")


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _gates(policy: Policy, path: str) -> Finding:
    count = len(policy.file.gate)
    told = f"Policy: {count} {'gate' if count == 1 else 'gates'} in {path}."
    if not count:
        return Finding(Verdict.ODD, told, "No tool call waits for a person, refunds included.")
    return Finding(Verdict.GOOD, told)


def _search(settings: Settings) -> Finding:
    """Whether meaning is searched, tried with one question. Blocks."""
    try:
        embedder = open_embedder(settings.embedder, voyage_key=settings.voyage_api_key.get_secret_value())
        if embedder is None:
            return Finding(Verdict.ODD, "Search: by words alone.", "EMBEDDER=minilm finds by meaning, too.")
        vector_of(embedder, "How do I pay?")
    except EmbedderUnavailableError as error:
        return Finding(Verdict.BAD, f"Search: by words alone. {error}", "See EMBEDDER.")
    known = "English" if embedder.languages == {"en"} else "any language it was trained for"
    return Finding(Verdict.GOOD, f"Search: by words, and by meaning in {known} ({embedder.name}).")


def _knowledge(folder: str, held: Mapping[str, int]) -> Finding:
    if not folder:
        own = ", ".join(f"{count} from {source}" for source, count in sorted(held.items()) if source != SAMPLE)
        if own:
            return Finding(Verdict.GOOD, f"Knowledge: articles: {own}.")
        return Finding(Verdict.ODD, "Knowledge: articles of the sample company.", "Set KNOWLEDGE_DIR to your articles.")
    count = sum(1 for _ in Path(folder).rglob("*.md"))
    if not count:
        return Finding(
            Verdict.BAD, f"Knowledge: no .md files in {folder}.", "Set KNOWLEDGE_DIR to a folder of articles."
        )
    return Finding(Verdict.GOOD, f"Knowledge: {count} articles in {folder}.")
