"""Which workspace a request names, and what its departure looks like. Pure."""

from typing import Any

import pytest
from slack_bolt.context.async_context import AsyncBoltContext

from bot.slack.listeners.routing import departure_of, origin_of
from bot.slack.workspace import Departure, Origin

OURS, THEIRS = "T0OURS", "T0THEIRS"


def context(team: str | None = OURS, enterprise: str | None = None) -> AsyncBoltContext:
    return AsyncBoltContext({"team_id": team, "enterprise_id": enterprise})


def event(kind: str, *, of_org: bool = False, **more: Any) -> dict[str, Any]:
    grants = [{"team_id": None if of_org else OURS, "enterprise_id": "E1", "is_enterprise_install": of_org}]
    body = {"type": "event_callback", "team_id": OURS, "event_time": 1_800_000_000, "authorizations": grants}
    return {**body, "event": {"type": kind, **more}}


def test_an_event_belongs_to_the_installation_it_was_delivered_to() -> None:
    """In a shared channel `team_id` may name the other side."""
    body = {"type": "event_callback", "team_id": THEIRS}
    assert origin_of(body, context(OURS)).team_ids == (OURS,)


def test_an_event_that_names_no_installation_belongs_to_the_workspace_it_came_from() -> None:
    assert origin_of({"type": "event_callback", "team_id": OURS}, context(None)).team_ids == (OURS,)


def test_a_question_about_another_workspaces_bots_message_belongs_to_whoever_asks() -> None:
    """Otherwise people of a shared channel could ask what the other side's conversation cost."""
    message = {"bot_id": "B1", "team": THEIRS, "bot_profile": {"team_id": THEIRS}}
    body = {"type": "message_action", "team": {"id": OURS}, "message": message}
    assert origin_of(body, context(OURS)).team_ids == (OURS,)


def test_the_organisation_of_the_presser_is_not_that_of_another_workspaces_message() -> None:
    """Otherwise a press in a shared channel would move the other workspace into the presser's organisation."""
    body = {"type": "block_actions", "team": {"id": OURS}, "message": {"bot_id": "B1", "team": THEIRS}}
    assert origin_of(body, context(OURS, "E1")) == Origin("", (THEIRS, OURS))
    assert origin_of({**body, "message": {}}, context(OURS, "E1")) == Origin("E1", (OURS,))


def test_a_press_belongs_to_the_workspace_whose_bot_wrote_the_message_whoever_pressed() -> None:
    message = {"bot_id": "B1", "team": OURS, "bot_profile": {"team_id": OURS}}
    body = {"type": "block_actions", "team": {"id": THEIRS}, "message": message}
    assert origin_of(body, context(THEIRS)).team_ids[0] == OURS


def test_a_persons_message_does_not_say_whose_bot_is_meant() -> None:
    body = {"type": "message_action", "team": {"id": OURS}, "message": {"user": "U1", "team": THEIRS}}
    assert origin_of(body, context(OURS)) == Origin("", (OURS,))


def test_a_form_belongs_to_where_it_was_opened() -> None:
    body = {"type": "view_submission", "team": {"id": THEIRS}, "view": {"app_installed_team_id": OURS}}
    assert origin_of(body, context(OURS)).team_ids == (OURS,)


@pytest.mark.parametrize("body", [{}, {"message": 1, "view": []}, {"team_id": 5}])
def test_a_request_that_names_nothing_names_nothing(body: dict[str, Any]) -> None:
    assert origin_of(body, context(None)) == Origin("", ())


def test_removal_and_revocation_are_departures() -> None:
    for body in (event("app_uninstalled"), event("tokens_revoked", tokens={"bot": ["U0BOT"], "oauth": []})):
        assert departure_of(body, Origin("E1", (OURS,))) == Departure("E1", OURS, 1_800_000_000.0)


def test_an_organisation_leaves_as_a_whole() -> None:
    assert departure_of(event("app_uninstalled", of_org=True), Origin("E1", (OURS,))) == Departure(
        "E1", "", 1_800_000_000.0
    )


@pytest.mark.parametrize("team", ["", "E1"])
def test_a_departure_that_names_only_the_organisation_is_the_organisations(team: str) -> None:
    body = {**event("app_uninstalled"), "authorizations": []}
    assert departure_of(body, Origin("E1", (team,) if team else ())) == Departure("E1", "", 1_800_000_000.0)


def test_an_organisation_may_take_single_workspaces_away() -> None:
    body = {**event("team_access_revoked", team_ids=["T1", "T2", ""]), "enterprise_id": "E1", "team_id": ""}
    assert departure_of(body, Origin("E1", ())) == Departure("E1", "", 1_800_000_000.0, ("T1", "T2"))


@pytest.mark.parametrize("teams", [None, [], "T1", [""], [{}]])
def test_a_withdrawal_that_names_no_workspace_is_none(teams: object) -> None:
    assert departure_of(event("team_access_revoked", team_ids=teams), Origin("E1", ())) is None


def test_a_persons_own_token_that_is_revoked_is_no_departure() -> None:
    body = event("tokens_revoked", tokens={"oauth": ["U1"], "bot": []})
    assert departure_of(body, Origin("", (OURS,))) is None


def test_nothing_else_is_a_departure() -> None:
    for body in (event("message"), {"type": "block_actions", "event": {"type": "app_uninstalled"}}, {}):
        assert departure_of(body, Origin("", (OURS,))) is None
