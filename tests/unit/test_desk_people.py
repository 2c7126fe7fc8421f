"""Who counts as staff."""

from dataclasses import replace

from bot.desk.people import People, StaffRoom
from bot.domain.effects import Place
from bot.domain.errors import MembershipUnknownError, TransientError
from bot.domain.principal import Role
from bot.ports.slack import Person

GRACE = Person("U1", "T1", "Grace", "grace@fernway.example", is_bot=False)


class Directory:
    """Knows the members of one channel, and like Slack no others."""

    def __init__(self, somebody: Person | None) -> None:
        self._somebody = somebody

    async def person(self, user_id: str) -> Person:
        if self._somebody is None:
            raise TransientError("Slack is away")
        return replace(self._somebody, user_id=user_id)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        if channel_id != "C1":
            raise MembershipUnknownError(f"Slack did not tell who is in {channel_id}")
        return user_id == "U1"

    async def in_group(self, group_id: str, user_id: str) -> bool:
        raise AssertionError(group_id)

    async def permalink(self, place: Place) -> str:
        raise AssertionError(place)


def people(staff_channel: str, somebody: Person | None = GRACE) -> People:
    return People(Directory(somebody), StaffRoom(staff_channel, {}, frozenset({"U1"}), frozenset()), "T1")


async def test_members_of_the_staff_channel_are_staff() -> None:
    assert await people("C1").why_not_staff("T1", "U1") is None
    assert await people("C1").why_not_staff("T1", "U2")


async def test_while_cases_go_to_one_person_that_person_decides_them_and_nobody_else() -> None:
    """An organisation's installation tells no channel: cases go to whoever installed the app, by user id."""
    room = people("U1")
    assert await room.why_not_staff("T1", "U1") is None
    assert "Only members" in str(await room.why_not_staff("T1", "U2"))
    assert (await room.principal("U1", author_team="T1")).role is Role.ADMIN
    assert (await room.principal("U1", author_team="T2")).role is Role.EXTERNAL


async def test_a_member_of_the_staff_channel_from_another_workspace_is_not_staff() -> None:
    assert "Only members" in str(await people("C1").why_not_staff("T2", "U1"))
    assert not people("C1").is_admin("T2", "U1")


async def test_bots_and_guests_in_the_staff_channel_are_not_staff() -> None:
    for other in (replace(GRACE, is_bot=True), replace(GRACE, is_guest=True)):
        assert await people("C1", other).why_not_staff("T1", "U1")
    guest = await people("C1", replace(GRACE, is_guest=True)).principal("U1", author_team="T1")
    assert (guest.role, guest.email) == (Role.EXTERNAL, GRACE.email)


async def test_the_event_itself_tells_a_guest_and_another_bot() -> None:
    guest = await people("C1").principal("U1", author_team="T1", is_guest=True)
    assert guest.role is Role.EXTERNAL
    bot = await people("C1").principal("U1", author_team="T1", bot_id="B1")
    assert (bot.role, bot.email) == (Role.AGENT, None)


async def test_nobody_decides_while_slack_does_not_tell_who_they_are() -> None:
    assert "can't check" in str(await people("C1", None).why_not_staff("T1", "U1"))


async def test_without_a_staff_channel_nobody_decides() -> None:
    assert await people("").why_not_staff("T1", "") is not None
