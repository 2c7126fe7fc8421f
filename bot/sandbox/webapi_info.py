"""Web API methods that tell about the app, the team and its people."""

import hashlib

from bot.sandbox.backend import Args, Backend
from bot.sandbox.paging import page
from bot.sandbox.records import Person
from bot.sandbox.wire import Json, SlackError


def user_json(backend: Backend, person: Person) -> Json:
    """Slack's user object; the e-mail is there only with users:read.email."""
    team = person.team_id or backend.config.company.team.id
    profile: Json = {
        "title": person.title,
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "avatar_hash": hashlib.sha256(person.id.encode()).hexdigest()[:12],
        **{f"image_{size}": f"https://avatars.slack-edge.com/{person.id}_{size}.png" for size in (48, 72, 192)},
        "team": team,
    }
    if person.email and "users:read.email" in backend.config.scopes:
        profile["email"] = person.email
    if person.bot_id:
        profile.update(api_app_id=person.app_id, bot_id=person.bot_id)
    admin = person.role == "admin"
    return {
        "id": person.id,
        "team_id": team,
        "name": person.name,
        "deleted": False,
        "color": person.avatar_color.lstrip("#"),
        "real_name": person.real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        "is_admin": admin,
        "is_owner": admin,
        "is_primary_owner": False,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
        "is_bot": bool(person.bot_id),
        "is_app_user": False,
        "updated": 0,
        "is_email_confirmed": bool(person.email),
        "who_can_share_contact_card": "EVERYONE",
    }


def auth_test(backend: Backend, _args: Args) -> Json:
    """auth.test."""
    company = backend.config.company
    return {
        "ok": True,
        "url": f"https://{company.team.domain}.slack.com/",
        "team": company.team.name,
        "user": company.app.name,
        "team_id": company.team.id,
        "user_id": company.app.user_id,
        "bot_id": company.app.bot_id,
        "is_enterprise_install": False,
    }


def bots_info(backend: Backend, args: Args) -> Json:
    """bots.info."""
    bot_id = args.text("bot") or backend.config.company.app.bot_id
    owner = next((p for p in backend.workspace.people.values() if p.bot_id and p.bot_id == bot_id), None)
    if owner is None:
        raise SlackError("bot_not_found")
    bot = {
        "id": bot_id,
        "deleted": False,
        "name": owner.name,
        "updated": 0,
        "app_id": owner.app_id,
        "user_id": owner.id,
    }
    return {"ok": True, "bot": {**bot, "icons": {}}}


def team_info(backend: Backend, _args: Args) -> Json:
    """team.info."""
    team = backend.config.company.team
    address = f"https://{team.domain}.slack.com/"
    return {"ok": True, "team": {"id": team.id, "name": team.name, "domain": team.domain, "url": address, "icon": {}}}


def users_info(backend: Backend, args: Args) -> Json:
    """users.info."""
    person = backend.workspace.person(args.need("user", "user_not_found"))
    locale = {"locale": person.locale} if args.flag("include_locale") else {}
    return {"ok": True, "user": {**user_json(backend, person), **locale}}


def users_list(backend: Backend, args: Args) -> Json:
    """users.list, in pages."""
    people, cursor = page(list(backend.workspace.people.values()), args)
    return {
        "ok": True,
        "members": [user_json(backend, person) for person in people],
        "cache_ts": int(backend.workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


def users_lookup_by_email(backend: Backend, args: Args) -> Json:
    """users.lookupByEmail."""
    email = args.need("email", "users_not_found").lower()
    person = next((p for p in backend.workspace.people.values() if p.email and p.email.lower() == email), None)
    if person is None:
        raise SlackError("users_not_found")
    return {"ok": True, "user": user_json(backend, person)}


def usergroups_users_list(backend: Backend, args: Args) -> Json:
    """usergroups.users.list."""
    group = next((g for g in backend.config.company.usergroups if g.id == args.need("usergroup")), None)
    if group is None:
        raise SlackError("no_such_subteam")
    return {"ok": True, "users": list(group.users)}


def usergroups_list(backend: Backend, _args: Args) -> Json:
    """usergroups.list."""
    groups = [
        {"id": g.id, "handle": g.handle, "name": g.handle, "is_usergroup": True}
        for g in backend.config.company.usergroups
    ]
    return {"ok": True, "usergroups": groups}
