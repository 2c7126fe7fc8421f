"""The app's manifest, to be pasted into Slack (api.slack.com/apps → Create New App → From a manifest)."""

import json
from typing import Any

import prompts
from bot.config import Settings
from bot.slack import names

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)
"""What the bot's token must be allowed to do; `deskhand doctor` compares."""
GROUP_SCOPES = ("mpim:history", "mpim:read", "usergroups:read")
"""For conversations of several people without a channel, and for roles by user group; the bot works without."""

RELAY_SCOPES = ("chat:write.customize", "files:write", "reactions:read")
"""For people's own names and pictures on what they write to customers, for their files, and for 🔒 on their notes; the
bot works without."""

EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "team_access_revoked",
    "tokens_revoked",
)

REDIRECT = "/slack/oauth_redirect"
"""Where Slack sends a browser back to after a consent."""
SIGN_IN_REDIRECT = "/dashboard/sign-in/slack"
"""Likewise, after a sign-in to the dashboard."""
_HOST = "https://YOUR-HOST"


def manifest(settings: Settings, *, public_url: str = _HOST) -> str:
    """The manifest as JSON: Socket Mode when an app token is set, else signed HTTP at `public_url`."""
    return json.dumps(
        manifest_of(socket_mode=settings.socket_mode, public_url=public_url), indent=2, ensure_ascii=False
    )


def manifest_of(*, socket_mode: bool, public_url: str = _HOST) -> dict[str, Any]:
    """The manifest as data; with signed HTTP it can be installed into further workspaces."""
    url = {} if socket_mode else {"url": f"{public_url.rstrip('/')}/slack/events"}
    request = {} if socket_mode else {"request_url": url["url"]}
    host = public_url.rstrip("/")
    redirect = {} if socket_mode else {"redirect_urls": [f"{host}{REDIRECT}", f"{host}{SIGN_IN_REDIRECT}"]}
    return {
        "display_information": {
            "name": "Deskhand",
            "description": "Answers support questions with sources, shows what it costs, and hands over to people.",
        },
        "features": _features(url),
        "oauth_config": {**redirect, "scopes": {"bot": [*SCOPES, *GROUP_SCOPES, *RELAY_SCOPES]}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request},
            "socket_mode_enabled": socket_mode,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def _features(url: dict[str, str]) -> dict[str, Any]:
    command = {
        "command": names.BUDGET_COMMAND,
        "description": "What the support agent costs",
        "usage_hint": "[permalink], set <scope> <usd>, pause, resume",
        "should_escape": True,
    }
    shortcut = {
        "name": "Cost of this conversation",
        "type": "message",
        "callback_id": names.COST_SHORTCUT,
        "description": "Steps, tokens and money of a thread",
    }
    return {
        "agent_view": {
            "agent_description": "Ask about the product, your account or a problem. A person is never far away.",
            "suggested_prompts": [{"title": title, "message": message} for title, message in prompts.suggested()],
        },
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "Deskhand", "always_online": True},
        "slash_commands": [{**command, **url}],
        "shortcuts": [shortcut],
    }
