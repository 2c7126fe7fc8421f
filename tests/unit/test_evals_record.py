"""No prompt is changed without playing the offline sets again, and no case falls unnoticed."""

from pathlib import Path

import pytest

from bot.cli.evaluate import run
from bot.cli.parser import build_parser
from bot.config import SettingsError
from bot.evals.choosing import choose_families
from bot.evals.loading import SET_NAMES, CasesError, cases_of, load_set, read_family
from bot.evals.prompt_folder import OWN, digest_of
from bot.evals.record import Record, complaints, read_record, write_record

RECORD = Path(__file__).parents[1] / "evals" / "record.toml"


def test_the_offline_sets_were_played_with_these_prompts_and_no_case_fell() -> None:
    cases = [case for family in choose_families("offline") for case in family.case]
    told = complaints(read_record(RECORD), digest_of(), cases)
    assert not told, "\n".join(told)


def test_a_changed_prompt_a_new_case_and_a_fallen_case_are_told_with_their_remedy(tmp_path: Path) -> None:
    cases = list(cases_of(load_set("golden", [_set(tmp_path)])))
    record = Record("old", passed=("first",), failed=("second",), floor=("first", "second"))
    assert complaints(record, "new", cases) == [
        "A file under prompts/ has changed since the offline sets were played. Run `make evals` and look at the report"
        " it names.",
        "Cases third were never played offline. Run `make evals` and look at the report it names.",
        "Cases second passed before and fail now. Mend that, or run `make evals ARGS=--accept` and say why in the"
        " change.",
    ]
    assert complaints(Record("new", ("first", "second", "third"), (), ("first",)), "new", cases) == []


def test_a_record_of_a_part_of_the_cases_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    """It would look like all there is, and the next one would have forgotten the floor of the rest."""
    database = f"sqlite:///{tmp_path}/desk.db"
    for words in (["offline", "--case", "hello"], ["golden"]):
        arguments = build_parser().parse_args(["eval", *words, "--record", "r.toml", "--database", database])
        with pytest.raises(SettingsError, match="--record: it is of all offline cases"):
            run(arguments)


def test_cases_that_are_nowhere_or_in_two_sets_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing to play"):
        choose_families("golden", cases=["hello"], families=["refunds"])
    for name in ("golden", "adversarial"):
        (tmp_path / "data" / "evals" / "sets" / name).mkdir(parents=True)
        own = tmp_path / "data" / "evals" / "sets" / name / "own.toml"
        own.write_text('[[case]]\nid = "mine"\nturns = ["hello"]\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="There are 2 cases 'mine' in these sets"):
        choose_families("all")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record("digest", ("a", "b"), ("c",), ("a", "c"))
    write_record(tmp_path / "record.toml", record)
    assert read_record(tmp_path / "record.toml") == record
    assert read_record(tmp_path / "none.toml") == Record()
    assert record.fell == ("c",)


def test_the_digest_follows_every_text_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "support.md").write_text("Be kind.\n")
    before = digest_of(tmp_path)
    (tmp_path / "code.py").write_text("x = 1")
    assert digest_of(tmp_path) == before
    (tmp_path / "agents" / "support.md").write_bytes(b"Be kind.\r\n")
    assert digest_of(tmp_path) == before
    (tmp_path / "judge.md").write_text("Judge.")
    assert digest_of(tmp_path) != before
    assert len(digest_of(OWN)) == 16


def test_a_broken_set_is_told_with_file_case_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "billing.toml"
    path.write_text('[[case]]\nid = "price"\nturns = []\n[case.expect]\ntools_all = ["search"]\n')
    with pytest.raises(CasesError) as caught:
        read_family(path)
    assert caught.value.lines[0].startswith("billing.toml: case price, turns: Tuple should have at least 1 item")
    assert "case price, expect.tools_all: there is no tool 'search'" in caught.value.lines[1]


@pytest.mark.parametrize("name", SET_NAMES)
def test_every_set_that_is_shipped_can_be_read(name: str) -> None:
    assert load_set(name)


def _set(folder: Path) -> Path:
    (folder / "golden").mkdir()
    cases = "".join(f'[[case]]\nid = "{name}"\nturns = ["hello"]\n' for name in ("first", "second", "third"))
    (folder / "golden" / "small.toml").write_text(cases)
    return folder
