"""What somebody reads who just started the sandbox."""

from bot.config import Settings
from bot.doors import BotAddress
from bot.sandbox.records import Person
from bot.sandbox.server import SandboxServer

_ROLES = {"customer": "Customers", "staff": "Staff", "admin": "Admin"}
_TRY = (
    "As Ana, in #support: @deskhand how do I get a refund?   (or a direct message to Deskhand)",
    "Then: I want to talk to a human",
    "As Sam, in #support-staff: Approve or Take over; answer in the thread; Hand back",
    "As Ana: @deskhand please refund me $30, then the same with $200: that one waits for a colleague's Approve",
    "Anywhere: /agent-budget",
)


def welcome(server: SandboxServer, settings: Settings | None, address: BotAddress | None = None) -> str:
    """The whole greeting; without settings only the workspace runs."""
    company = server.config.company
    lines = ["", f"  {company.team.name} is open:  {server.url}", ""]
    for role, title in _ROLES.items():
        names = ", ".join(_describe(person) for person in company.people if person.role == role)
        lines.append(f"  {title + ':':<11} {names}")
    if settings is None:
        lines += ["", "  No bot is here yet. Connect yours with", *_connection(server)]
    else:
        lines += [f"  {'Model:':<11} {_model(settings)}"]
        lines += [f"  {'Dashboard:':<11} {address.dashboard}"] if address else []
        lines += ["", "  Try this:", *(f"   {step}" for step in _TRY)]
    return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])


def _describe(person: Person) -> str:
    return f"{person.real_name} ({person.title})"


def _connection(server: SandboxServer) -> list[str]:
    config = server.config
    return [
        f"   SLACK_API_URL={server.api_url}",
        f"   SLACK_BOT_TOKEN={config.bot_token}  SLACK_APP_TOKEN={config.app_token}",
        f"   SLACK_SIGNING_SECRET={config.signing_secret}  STAFF_CHANNEL=C0STAFF",
    ]


def _model(settings: Settings) -> str:
    if settings.offline:
        return "offline (it quotes the knowledge base; set ANTHROPIC_API_KEY to talk with Claude)"
    return f"{settings.model}, and {settings.helper_model} for small judgements"
