"""What Slack sends, as it sends it."""

import copy
from typing import Any

from bot.slack.identity import Identity

Json = dict[str, Any]

ME = Identity(team_id="T0FERNWAY", bot_id="B0DESKHAND", user_id="U0DESKHAND", team="Fernway")


def event_callback(event: Json, **more: Any) -> Json:
    """The envelope of an event."""
    envelope = {
        "token": "verification",
        "team_id": "T0FERNWAY",
        "api_app_id": "A0DESKHAND",
        "event": event,
        "type": "event_callback",
        "event_id": "Ev0000001",
        "event_time": 1764000000,
        "authorizations": [{"enterprise_id": None, "team_id": "T0FERNWAY", "user_id": "U0DESKHAND", "is_bot": True}],
        "is_ext_shared_channel": False,
        "event_context": "4-abc",
    }
    return copy.deepcopy({**envelope, **more})


def message(text: str = "hello", **more: Any) -> Json:
    """A message in a public channel, as an event."""
    return {
        "type": "message",
        "user": "U0ANA",
        "ts": "1764000000.000100",
        "client_msg_id": "b6ad9e54-0000-4000-8000-000000000001",
        "text": text,
        "team": "T0FERNWAY",
        "channel": "C0SUPPORT",
        "channel_type": "channel",
        "event_ts": "1764000000.000100",
        **more,
    }


def pressed(action_id: str, value: str = "esc1", **more: Any) -> Json:
    """A press on a button of a card."""
    return {
        "type": "block_actions",
        "user": {"id": "U0SAM", "username": "sam", "team_id": "T0FERNWAY"},
        "api_app_id": "A0DESKHAND",
        "team": {"id": "T0FERNWAY", "domain": "fernway"},
        "channel": {"id": "C0STAFF", "name": "support-staff"},
        "container": {"type": "message", "message_ts": "1764000001.000100", "channel_id": "C0STAFF"},
        "message": {"type": "message", "ts": "1764000001.000100", "bot_id": "B0DESKHAND", "text": "card"},
        "trigger_id": "17640.1.abc",
        "response_url": "https://hooks.slack.com/actions/T/1/x",
        "actions": [
            {
                "type": "button",
                "action_id": action_id,
                "block_id": "b1",
                "value": value,
                "action_ts": "1764000002.000100",
            }
        ],
        **more,
    }


def submitted(callback_id: str, note: str | None, metadata: str = '{"e": "esc1", "c": "C0STAFF", "t": null}') -> Json:
    """A sent form."""
    return {
        "type": "view_submission",
        "team": {"id": "T0FERNWAY", "domain": "fernway"},
        "user": {"id": "U0SAM", "team_id": "T0FERNWAY"},
        "trigger_id": "17640.2.abc",
        "view": {
            "id": "V0001",
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": metadata,
            "state": {"values": {"note": {"text": {"type": "plain_text_input", "value": note}}}},
        },
        "response_urls": [],
    }
