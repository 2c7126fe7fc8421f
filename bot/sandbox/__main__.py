"""`python -m bot.sandbox`: the workspace alone, for an app started elsewhere."""

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence

from bot import memory
from bot.sandbox.config import SandboxConfig
from bot.sandbox.server import SandboxServer


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="A Slack workspace on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--request-url", default=None, help="deliver by signed HTTP to this URL instead of Socket Mode")
    parser.add_argument("--ack-seconds", type=float, default=SandboxConfig.ack_seconds)
    parser.add_argument(
        "--retry-delays", default="", help="comma-separated seconds between redeliveries, e.g. 0.1,0.2,0.5"
    )
    parser.add_argument("--rate-limits", action="store_true", help="answer 429 as Slack does")
    return parser.parse_args(words)


def _config(given: argparse.Namespace) -> SandboxConfig:
    delays = tuple(float(part) for part in given.retry_delays.split(",") if part) or SandboxConfig.retry_delays
    return SandboxConfig(
        host=given.host,
        port=given.port,
        request_url=given.request_url,
        ack_seconds=given.ack_seconds,
        retry_delays=delays,
        rate_limits=given.rate_limits,
    )


async def _serve(config: SandboxConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = SandboxServer(config)
    await server.start()
    memory.settle()
    try:
        about = {
            "url": server.url,
            "api_url": server.api_url,
            "bot_token": config.bot_token,
            "app_token": config.app_token,
            "signing_secret": config.signing_secret,
        }
        print(json.dumps(about), flush=True)  # noqa: T201 - the one line a test reads
        await stop.wait()
    finally:
        await server.close()


def main(words: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    asyncio.run(_serve(_config(_arguments(words))))


if __name__ == "__main__":
    main()
