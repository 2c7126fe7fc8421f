"""Reactions, ratings, lessons and what a hand-back asks for → the desk's values. Pure; None for what is not for us."""

from bot.domain.handover import COMMENT_MAX, STARS
from bot.domain.incoming import LessonChosen, Rated, Reacted
from bot.domain.lesson import Choice
from bot.slack import names
from bot.slack.identity import Identity
from bot.slack.parse_press import note_of, read_press
from bot.slack.reading import Json, first, obj, word
from bot.slack.render.forms import FormContext


def reaction(event: Json, me: Identity, event_id: str | None) -> Reacted | None:
    """Somebody else's emoji on a message."""
    item, user, name = obj(event.get("item")), word(event.get("user")), word(event.get("reaction"))
    channel, ts = word(item.get("channel")), word(item.get("ts"))
    if item.get("type") != "message" or not (channel and ts and user and name) or user == me.user_id:
        return None
    return Reacted(me.team_id, channel, ts, user, name.split("::", maxsplit=1)[0], event_id)


def rating(body: Json, me: Identity) -> Rated | None:
    """A pressed number of stars."""
    pressed = read_press(body)
    if pressed is None or not pressed.action_id.startswith(names.RATE) or not (pressed.value and pressed.channel_id):
        return None
    stars = pressed.action_id.removeprefix(names.RATE)
    if not stars.isdecimal() or int(stars) not in STARS:
        return None
    return Rated(
        pressed.value, me.team_id, pressed.user_id, pressed.channel_id, pressed.thread_ts, pressed.press_id, int(stars)
    )


def lesson(body: Json, me: Identity) -> LessonChosen | None:
    """A button under a suggestion."""
    pressed = read_press(body)
    if pressed is None or not pressed.action_id.startswith(names.LESSON) or not (pressed.value and pressed.channel_id):
        return None
    choice = pressed.action_id.removeprefix(names.LESSON)
    if choice not in set(Choice):
        return None
    return LessonChosen(
        pressed.value, Choice(choice), me.team_id, pressed.user_id, pressed.channel_id, pressed.thread_ts,
        pressed.press_id, pressed.user_team,
    )  # fmt: skip


def comment(body: Json, me: Identity) -> Rated | None:
    """A sent comment on a rating."""
    view, user = obj(body.get("view")), word(obj(body.get("user")).get("id"))
    where, press_id = FormContext.load(view.get("private_metadata")), first(view.get("id"), body.get("trigger_id"))
    words = note_of(view)
    if view.get("callback_id") != names.COMMENT_FORM or where is None or not (user and press_id and words):
        return None
    return Rated(
        where.escalation_id, me.team_id, user, where.channel_id, where.thread_ts, press_id, comment=words[:COMMENT_MAX]
    )
