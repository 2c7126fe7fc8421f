"""The manifest a person pastes into Slack, and the cache that forgets."""

import json

from bot.config import Settings
from bot.slack import names
from bot.slack.cache import TtlCache
from bot.slack.manifest import EVENTS, SCOPES, manifest


def test_in_socket_mode_no_address_is_named() -> None:
    text = manifest(Settings.model_validate({"SLACK_APP_TOKEN": "xapp-1"}))
    data = json.loads(text)
    assert data["settings"]["socket_mode_enabled"] is True
    assert "url" not in text.replace("_url", "")
    assert set(SCOPES) <= set(data["oauth_config"]["scopes"]["bot"])
    assert data["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)


def test_over_http_events_interactions_and_commands_come_to_one_address() -> None:
    data = json.loads(manifest(Settings(), public_url="https://desk.example/"))
    url = "https://desk.example/slack/events"
    settings, [command] = data["settings"], data["features"]["slash_commands"]
    assert settings["event_subscriptions"]["request_url"] == url
    assert settings["interactivity"]["request_url"] == url
    assert command["url"] == url


def test_the_manifest_keeps_slacks_limits_and_our_names() -> None:
    data = json.loads(manifest(Settings()))
    features = data["features"]
    assert len(data["display_information"]["name"]) <= 35
    assert len(data["display_information"]["description"]) <= 140
    assert len(features["agent_view"]["agent_description"]) <= 300
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    assert features["slash_commands"][0]["command"] == names.BUDGET_COMMAND
    assert features["shortcuts"][0]["callback_id"] == names.COST_SHORTCUT
    assert len(features["shortcuts"][0]["description"]) <= 150


def test_a_cache_forgets_by_age_and_by_number() -> None:
    now = [0.0]
    cache: TtlCache[str, int] = TtlCache(lambda: now[0], seconds=60, size=2)
    for number, name in enumerate("abc"):
        cache.put(name, number)
    assert [cache.get(name) for name in "abc"] == [None, 1, 2]
    now[0] = 60.0
    assert cache.get("c") is None
    cache.put("d", 3)
    now[0] = 0.0  # the clock went back: nobody knows how old this is
    assert cache.get("d") is None
