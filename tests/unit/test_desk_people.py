"""Who counts as staff."""

from bot.desk.people import People, StaffRoom
from bot.domain.effects import Place
from bot.domain.errors import MembershipUnknownError
from bot.domain.principal import Role
from bot.ports.slack import Person


class Directory:
    """Knows the members of one channel, and like Slack no others."""

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", "Grace", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        if channel_id != "C1":
            raise MembershipUnknownError(f"Slack did not tell who is in {channel_id}")
        return user_id == "U1"

    async def permalink(self, place: Place) -> str:
        raise AssertionError(place)


def people(staff_channel: str) -> People:
    return People(Directory(), StaffRoom(staff_channel, {}, frozenset({"U1"}), frozenset()), "T1")


async def test_members_of_the_staff_channel_are_staff() -> None:
    assert await people("C1").why_not_staff("U1") is None
    assert await people("C1").why_not_staff("U2")


async def test_while_cases_go_to_one_person_that_person_decides_them_and_nobody_else() -> None:
    """An organisation's installation tells no channel: cases go to whoever installed the app, by user id."""
    room = people("U1")
    assert await room.why_not_staff("U1") is None
    assert "Only members" in str(await room.why_not_staff("U2"))
    assert (await room.principal("U1", author_team="T1")).role is Role.ADMIN
    assert (await room.principal("U1", author_team="T2")).role is Role.EXTERNAL


async def test_without_a_staff_channel_nobody_decides() -> None:
    assert await people("").why_not_staff("") is not None
