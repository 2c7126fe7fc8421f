"""`deskhand manifest`: the app manifest to paste into Slack."""

import argparse
import json

from bot.config import SettingsError
from bot.slack.manifest import manifest_of


def run(arguments: argparse.Namespace) -> int:
    """Print the manifest as JSON: Socket Mode, unless `--http` says where Slack reaches us."""
    url = arguments.http
    if url is not None and not url.startswith("https://"):
        raise SettingsError([f"--http: {url} is not an https:// address; Slack sends events to those only."])
    made = manifest_of(socket_mode=True) if url is None else manifest_of(socket_mode=False, public_url=url)
    print(json.dumps(made, indent=2, ensure_ascii=False))
    return 0
