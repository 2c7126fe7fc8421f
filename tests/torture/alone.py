"""The foretellable Claude in a process of its own: prints its address and key, answers until SIGTERM.

`python -m tests.torture.alone --pause 20` takes twenty seconds for each answer.
"""

import argparse
import asyncio
import json
import signal
from random import Random

from aiohttp import web

from tests.torture.claude import Moods, TorturedClaude


async def _serve(pause: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    moods = Moods(slowest=0.5, pause=pause, quick_faults=0, costly_faults=0, stalls=0)
    async with TorturedClaude(Random(), moods) as claude:  # noqa: S311 — only how long an answer takes

        async def about(_: web.Request) -> web.Response:
            told = {"now": claude.under_way, "most": claude.most_under_way, "refused": claude.refused[:3]}
            return web.json_response(told)

        app = web.Application()
        app.router.add_get("/", about)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        about_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        print(json.dumps({"url": claude.url, "key": claude.key, "about": about_url}), flush=True)
        await stop.wait()
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pause", type=float, default=0.0)
    asyncio.run(_serve(parser.parse_args().pause))


if __name__ == "__main__":
    main()
