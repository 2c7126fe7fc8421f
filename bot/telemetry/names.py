"""Names of attributes: OpenTelemetry's conventions for generative AI (opentelemetry.io/docs/specs/semconv/gen-ai), and
what they leave to us."""

import re

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
"""All of the prompt, cached or not."""
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - no password
AGENT = "gen_ai.agent.name"
AGENT_VERSION = "gen_ai.agent.version"
CONVERSATION = "gen_ai.conversation.id"
TOOL = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
ERROR_TYPE = "error.type"
SYSTEM = "messaging.system"

CHAT, INVOKE_AGENT, EXECUTE_TOOL = "chat", "invoke_agent", "execute_tool"
"""Operations."""

RUN, OUTCOME, STEPS, STEP, CALL = (
    "deskhand.run.id",
    "deskhand.outcome",
    "deskhand.run.steps",
    "deskhand.step",
    "deskhand.call",
)
COST = "deskhand.cost.usd"
ATTEMPT = "deskhand.attempt"
PENDING = "deskhand.tool.pending"
BACKEND = "deskhand.backend"
EFFECT = "deskhand.delivery.kind"
DECISION = "deskhand.decision"
ORIGIN = "deskhand.escalation"
EPOCH = "deskhand.epoch"
WORKSPACE = "deskhand.workspace"

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/+-]{0,79}(?: \(fallback\))?")


def plain(name: str, other: str = "other") -> str:
    """A name as it may stand in a span or a label; `other` for what does not look like one."""
    return name if _PLAIN.fullmatch(name) else other


def provider_of(model: str) -> str:
    """Who answers under a model's name."""
    return "deskhand" if model == "offline" else "anthropic"
