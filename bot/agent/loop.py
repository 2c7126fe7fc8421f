"""The agent loop: ask the model, run the tools it wants, until the turn ends in an outcome.

Inside a run what the model said is replayed verbatim; every step is journaled before the next begins, so that a crash
resumes at the step. Only a reply that stopped for `tool_use` has its tools run: any other may carry a cut-off call.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from bot.agent.calls import Known, ModelCalls, ModelsExhaustedError, Purse
from bot.agent.links import Polish, unpolished
from bot.agent.toolbox import Evidence, Toolbox, shown
from bot.domain.answer import Outcome
from bot.domain.budget import Shortfall
from bot.domain.errors import BudgetExceededError, TokensExceededError
from bot.domain.exchange import (
    Citation,
    Message,
    ModelReply,
    ModelRequest,
    StopReason,
    Text,
    ToolResult,
    ToolSpec,
    ToolUse,
    UserMessage,
)
from tools.base import ToolContext

PATIENCE = 2
"""Empty answers and pauses of one run; each is a paid step."""
_NUDGE = UserMessage((Text("Please write your answer to the customer now."),))


@dataclass(frozen=True, slots=True)
class Assignment:
    """One turn, ready to be worked on."""

    system: str
    messages: tuple[Message, ...]
    specs: tuple[ToolSpec, ...]
    """The tools as the model sees them, pinned per conversation."""
    toolbox: Toolbox
    context: ToolContext
    purse: Purse
    models: tuple[str, ...]
    """First choice, then the second model."""
    effort: str
    max_steps: int
    max_tokens: int
    """Of one reply."""
    user_ref: str
    still_ours: Callable[[str], Awaitable[bool]]
    """False when a person took over or pressed Stop; asked before each step, by its name in the journal."""
    progress: Callable[[int, str], None]
    """Told the step and what is being done, in words."""
    prefix: str = "m"
    """Of the journal names of this pass."""
    evidence: tuple[Evidence, ...] = ()
    """What was done for this turn before it began (a call that a person approved)."""
    stumbled: Callable[[], None] = lambda: None
    """Told when what is being done came to nothing."""
    objection: "Callable[[RunResult], Awaitable[str]] | None" = None
    """Asked about the first answer: what the model is told to make better, empty when it may stand."""
    polish: Polish = unpolished
    """Makes the text of an answer fit to be read, before anybody weighs it."""


class Halt(StrEnum):
    """What ended a run from outside the model."""

    NONE = "none"
    STEPS = "steps"
    """All steps were used."""
    MODELS = "models"
    """No model answered."""
    SWITCHED_OFF = "switched_off"
    """An admin paused the bot."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How the loop ended."""

    outcome: Outcome
    steps: int
    text: str = ""
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    """For staff: what ended it, when that was not an answer."""
    halt: Halt = Halt.NONE
    shortfall: Shortfall | None = None
    """What the next call would have needed, when money ended it."""


@dataclass(slots=True)
class _Talk:
    """What was said so far in this run."""

    messages: tuple[Message, ...]
    max_tokens: int
    evidence: tuple[Evidence, ...] = ()
    patience: int = PATIENCE
    """Empty answers and pauses that are still put up with."""
    rejected: RunResult | None = None
    """An answer that was sent back; the run ends with it when no better one comes."""
    known: Known | None = None
    """Size of the last prompt, as the vendor counted it."""

    def add(self, reply: ModelReply, *results: ToolResult) -> None:
        """Append a reply, verbatim, and what its tools returned."""
        self.known = Known(reply.model, reply.usage.prompt, len(self.messages))
        self.messages = (*self.messages, reply.as_message())
        if results:
            self.messages = (*self.messages, UserMessage(results))
            by_id = {result.tool_use_id: result for result in results}
            pairs = ((use, by_id[use.id]) for use in reply.tool_uses if use.id in by_id)
            self.evidence = (*self.evidence, *(_evidence(use, got) for use, got in pairs))

    def end(
        self, outcome: Outcome, step: int, *, reply: ModelReply | None = None, why: str = "", halt: Halt = Halt.NONE
    ) -> RunResult:
        """Close the run; a reply's text goes along even when it is only a part of an answer."""
        text, citations = (reply.text.strip(), reply.citations) if reply else ("", ())
        return RunResult(outcome, step, text, citations, self.evidence, why, halt)


class Agent:
    """Works on one turn at a time; holds no state between turns."""

    def __init__(self, calls: ModelCalls) -> None:
        self._calls = calls

    async def run(self, job: Assignment) -> RunResult:
        """Work until an outcome; ANSWERED carries text that may still turn out not to be fit to be sent."""
        talk = _Talk(job.messages, job.max_tokens, job.evidence)
        result = await self._run(job, talk)
        if talk.rejected is None or result.outcome in (Outcome.ANSWERED, Outcome.STOPPED):
            return result
        return replace(talk.rejected, steps=result.steps, evidence=result.evidence)

    async def _run(self, job: Assignment, talk: _Talk) -> RunResult:
        for step in range(1, job.max_steps + 1):
            if not await job.still_ours(f"{job.prefix}{step}"):
                return talk.end(Outcome.STOPPED, step - 1)
            job.progress(step, "Thinking")
            try:
                reply = await self._ask(job, step, talk)
            except BudgetExceededError as error:
                ended = talk.end(Outcome.BUDGET_EXHAUSTED, step - 1, why=str(error))
                return replace(ended, shortfall=job.purse.shortfall(error))
            except TokensExceededError as error:
                return talk.end(Outcome.BUDGET_EXHAUSTED, step - 1, why=str(error))
            except ModelsExhaustedError as error:
                return talk.end(Outcome.FAILED, step - 1, why=str(error), halt=Halt.MODELS)
            if (result := await self._react(job, step, talk, reply)) is not None:
                return result
        return talk.end(Outcome.FAILED, job.max_steps, why=f"all {job.max_steps} steps used", halt=Halt.STEPS)

    async def _react(self, job: Assignment, step: int, talk: _Talk, reply: ModelReply) -> RunResult | None:
        """Do what the stop reason asks for; a result ends the run."""
        match reply.stop_reason:
            case StopReason.TOOL_USE:
                await self._use_tools(job, step, talk, reply)
            case StopReason.END_TURN | StopReason.STOP_SEQUENCE if reply.text.strip():
                return await self._answer(job, step, talk, reply)
            case StopReason.END_TURN | StopReason.STOP_SEQUENCE if talk.patience > 0:  # empty: ask again, once or so
                talk.patience -= 1
                talk.messages = (*talk.messages, _NUDGE)
            case StopReason.PAUSE_TURN if talk.patience > 0:
                talk.patience -= 1
                talk.add(reply)
            case StopReason.MAX_TOKENS if talk.max_tokens == job.max_tokens:  # once more, with more room
                talk.max_tokens *= 2
            case StopReason.REFUSAL:
                return talk.end(Outcome.REFUSED, step, why=_why(reply))
            case (
                StopReason.END_TURN
                | StopReason.STOP_SEQUENCE
                | StopReason.PAUSE_TURN
                | StopReason.MAX_TOKENS
                | StopReason.CONTEXT_EXCEEDED
                | StopReason.UNKNOWN
            ):
                return talk.end(Outcome.FAILED, step, reply=reply, why=_why(reply))
            case _:
                assert_never(reply.stop_reason)
        return None

    @staticmethod
    async def _answer(job: Assignment, step: int, talk: _Talk, reply: ModelReply) -> RunResult | None:
        """An answer ends the run, unless it is objected to: then the model writes another, once."""
        result = talk.end(Outcome.ANSWERED, step, reply=reply)
        result = replace(result, text=job.polish(result.text, result.evidence))
        if job.objection is None or talk.rejected is not None or step == job.max_steps:
            return result
        job.progress(step, "Checking")
        objection = await job.objection(result)
        if not objection:
            return result
        talk.rejected = result
        talk.add(reply)
        talk.messages = (*talk.messages, UserMessage((Text(objection),)))
        return None

    @staticmethod
    async def _use_tools(job: Assignment, step: int, talk: _Talk, reply: ModelReply) -> None:
        """Run the tools side by side and show that."""
        job.progress(step, job.toolbox.words(reply.tool_uses))
        results = await job.toolbox.run_all(reply.tool_uses, job.context, step)
        if not any(result.is_done for result in results):
            job.stumbled()
        talk.add(reply, *results)

    async def _ask(self, job: Assignment, step: int, talk: _Talk) -> ModelReply:
        """The journaled reply of this step, or a fresh one."""
        request = ModelRequest(
            job.models[0], job.system, talk.messages, talk.max_tokens, job.specs,
            effort=job.effort, user_ref=job.user_ref,
        )  # fmt: skip
        name = f"{job.prefix}{step}"
        return await self._calls.answer(name, request, job.purse, models=job.models, known=talk.known)


def _evidence(use: ToolUse, got: ToolResult) -> Evidence:
    has_articles = not isinstance(got.content, str) and bool(got.content)
    return Evidence(use.name, use.arguments, shown(got), ok=got.is_done, has_articles=has_articles)


def _why(reply: ModelReply) -> str:
    return f"{reply.stop_reason} {reply.stop_detail or ''}".strip()
