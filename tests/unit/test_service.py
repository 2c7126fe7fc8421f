"""Rules of service: how they are read, and which way a case takes while nobody answers."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.escalation import Escalation, Origin, State, Team
from bot.domain.service import Priority, StageKind
from bot.workspaces.service_file import ServiceError, load_service

FILE = """
time_zone = "Europe/Berlin"
holidays = ["2026-11-23"]
rota = ["U0SAM", "U0LEO", "S0TEAM"]
backup_channel = "C0BACKUP"
urgent_words = ["Outage"]
[hours]
monday = ["09:00-17:00"]
tuesday = ["13:00-17:00", "09:00-12:00"]
[first_answer]
normal = 60
urgent = 10
[teams.billing]
first_answer = { normal = 120 }
rota = []
"""


def write(folder: Path, text: str) -> str:
    path = folder / "service.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def case(reason: str = "wants a refund", team: Team | None = None, opened_at: float = 0.0) -> Escalation:
    return Escalation(
        "esc-1", "T1:C1:1.0", Origin.TOOL, reason, "", team, None, "U1", "T1", State.OPEN, opened_at, "C0STAFF"
    )


def test_the_file_that_is_shipped_can_be_read_and_promises_nothing_about_hours() -> None:
    service = load_service()
    assert service.hours.is_always
    assert service.first_answer(case()) == 3600


def test_a_file_of_one_s_own_is_read(tmp_path: Path) -> None:
    service = load_service(write(tmp_path, FILE))
    tuesday = datetime(2026, 11, 24, 12, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert not service.hours.is_open(tuesday)
    assert service.hours.is_open(tuesday + 1800)
    assert service.priority(case("Total outage, please help")) is Priority.URGENT
    assert service.first_answer(case("Total outage!")) == 600
    assert service.first_answer(case(team=Team.BILLING)) == 7200
    assert service.of(Team.ENGINEERING).rota == ("U0SAM", "U0LEO", "S0TEAM")


@pytest.mark.parametrize(
    ("reason", "is_urgent"),
    [
        ("Data  loss: three boards are gone", True),
        ("DOWN!", True),
        ("A non-urgent wish", False),
        ("The download of data; loss of time", False),
        ("It is urgent.", True),
    ],
)
def test_urgent_words_may_be_several_and_count_only_whole(reason: str, is_urgent: bool, tmp_path: Path) -> None:
    service = load_service(write(tmp_path, 'urgent_words = ["data loss", "down", "Urgent", " "]'))
    assert (service.priority(case(reason)) is Priority.URGENT) is is_urgent


def test_a_case_goes_from_one_to_the_next_and_in_the_end_to_the_backup(tmp_path: Path) -> None:
    service = load_service(write(tmp_path, FILE))
    assert [(s.share, s.kind, s.responder) for s in service.stages(None)] == [
        (0.5, StageKind.REMINDER, "U0SAM"),
        (0.75, StageKind.REMINDER, "U0SAM"),
        (1.0, StageKind.NEXT, "U0LEO"),
        (1.5, StageKind.NEXT, "S0TEAM"),
        (2.0, StageKind.BACKUP, "S0TEAM"),
    ]
    assert [(s.share, s.kind, s.responder) for s in service.stages(Team.BILLING)] == [
        (0.5, StageKind.REMINDER, ""),
        (0.75, StageKind.REMINDER, ""),
        (1.0, StageKind.BACKUP, ""),
    ]


def test_the_deadline_counts_business_time_and_names_whose_turn_it_is(tmp_path: Path) -> None:
    service = load_service(write(tmp_path, FILE))
    berlin = ZoneInfo("Europe/Berlin")
    monday_on_holiday = datetime(2026, 11, 23, 10, tzinfo=berlin).timestamp()
    opened = case(opened_at=monday_on_holiday)
    due = datetime(2026, 11, 24, 10, tzinfo=berlin).timestamp()
    assert service.deadline(opened, monday_on_holiday + 3600).used == 0
    half = service.deadline(opened, due - 1800)
    assert (half.due_at, half.used, half.responder) == (due, 0.5, "U0SAM")
    assert service.reached(opened, due - 1800) == 1
    over = service.deadline(opened, due)
    assert (over.used, over.responder) == (1.0, "U0LEO")
    assert service.stage_at(opened, 5) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('time_zone = "Berlin"', "time_zone: there is no such time zone. Use a name such as Europe/Berlin."),
        ('rota = ["sam"]', r"rota.0: Use ids of users \(U…\) or user groups \(S…\), not names."),
        ('backup_channel = "#help"', r"backup_channel: Use the id of a channel"),
        ('[hours]\nmonday = ["9-17"]', r"hours: '9-17' is no span of hours. Write \"09:00-17:00\""),
        ('[hours]\nmonday = ["22:00-06:00"]', "a night is the end of one day"),
        ('[hours]\nmonday = ["09:00-13:00", "12:00-17:00"]', "hours: two spans of a day overlap"),
        ("[hours]\nfunday = []", "hours.funday"),
        ("[first_answer]\nnormal = 0", "first_answer.normal: Input should be greater than 0"),
        ("[teams.sales]", "teams.sales"),
        ("sla = 5", "sla: there is no such setting. Compare it with prompts/service.toml."),
        ("rota = [", "it is not TOML"),
    ],
)
def test_a_fault_names_the_place_and_the_remedy(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=says):
        load_service(write(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"cannot be read \(FileNotFoundError\)"):
        load_service(str(tmp_path / "none.toml"))
