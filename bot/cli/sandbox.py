"""`deskhand sandbox`: a Slack workspace on this machine, with the bot in it."""

import argparse
import asyncio
import errno
import json
from collections.abc import Mapping
from pathlib import Path

from bot import memory
from bot.app import run_bot
from bot.cli.parser import SANDBOX_PORT
from bot.cli.stopping import stop_on_signals
from bot.cli.welcome import welcome
from bot.config import Settings, SettingsError, load_settings
from bot.doors import BotAddress
from bot.logs import configure_logging
from bot.sandbox.config import SandboxConfig
from bot.sandbox.server import SandboxServer

DATA = Path("data/sandbox")


def run(arguments: argparse.Namespace) -> int:
    """Serve the workspace, and the bot unless told otherwise, until a signal says to stop."""
    configure_logging(_log_level(headless=arguments.headless))
    asyncio.run(_serve(arguments))
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    stop = stop_on_signals()
    server = SandboxServer(SandboxConfig(port=arguments.port))
    await _start(server, arguments.port)
    try:
        if arguments.no_bot:
            _announce(server, None, None, headless=arguments.headless)
            await stop.wait()
            return
        settings = load_settings(_overrides(server, _database(arguments.data, arguments.port)))

        def ready(address: BotAddress) -> None:
            memory.settle()
            _announce(server, settings, address, headless=arguments.headless)

        await run_bot(settings, stop=stop, ready=ready, open_dashboard=True)
    finally:
        await server.close()


async def _start(server: SandboxServer, port: int) -> None:
    try:
        await server.start()
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        line = f"--port: {port} is taken by another program; choose another, e.g. --port {port + 1}."
        raise SettingsError([line]) from error


def _database(data: Path | None, port: int) -> Path:
    """The bot's database. The workspace starts empty each time, so by default the database does, too."""
    if data is not None:
        return data / "sandbox.db"
    path = DATA / ("sandbox.db" if port == SANDBOX_PORT else f"sandbox-{port}.db")
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        kept = path.with_name(f"{path.stem}.previous{path.suffix}{suffix}")
        kept.unlink(missing_ok=True)
        if old.exists():
            old.replace(kept)
    return path


def _overrides(server: SandboxServer, database: Path) -> Mapping[str, str]:
    """Settings that make the bot a member of the sandbox; the model stays the operator's choice."""
    return {
        "SLACK_API_URL": server.api_url,
        "SLACK_BOT_TOKEN": server.config.bot_token,
        "SLACK_APP_TOKEN": server.config.app_token,
        "SLACK_SIGNING_SECRET": server.config.signing_secret,
        "STAFF_CHANNEL": "C0STAFF",
        "STAFF_CHANNELS": "billing=C0BILLING",
        "ADMIN_USERS": "U0GRACE",
        "AGENT_BOTS": "U0PAGER,B0PAGER",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "PUBLIC_URL": "",
        "DATABASE_URL": f"sqlite:///{database}",
    }


def _announce(server: SandboxServer, settings: Settings | None, address: BotAddress | None, *, headless: bool) -> None:
    if not headless:
        print(welcome(server, settings, address), flush=True)
        return
    addresses = {
        "url": server.url,
        "api_url": server.api_url,
        "bot_token": server.config.bot_token,
        "app_token": server.config.app_token,
        "signing_secret": server.config.signing_secret,
        "bot_http": address.url if address else None,
        "dashboard": address.dashboard if address else None,
    }
    print(json.dumps(addresses), flush=True)


def _log_level(*, headless: bool) -> str:
    """A person who tries the sandbox reads the page, not the log."""
    chosen = load_settings()
    return chosen.log_level if headless or "log_level" in chosen.model_fields_set else "WARNING"
