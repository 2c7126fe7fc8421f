"""The knowledge base from a folder of files to a search, on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.fakes.tools import HeldClock
from tools.backends import SAMPLE_ARTICLES, Backends, open_backends
from tools.base import ToolUnavailableError
from tools.knowledge_base.importer import Report
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.tool import Question

QUESTIONS = {
    "How much is the Team plan per person?": "plans-and-prices",
    "What do I pay for ten people on Business, yearly?": "plans-and-prices",
    "We upgraded in the middle of the month, why was I charged $60.97?": "proration-explained",
    "How do I cancel my subscription?": "cancel-your-subscription",
    "Can I get my money back after three weeks?": "refund-policy",
    "My card was declined with FW-1201, when do we lose access?": "failed-payment",
    "Can we pay by bank transfer?": "payment-methods",
    "How long is the trial and can it be extended?": "free-trial",
    "Do guests cost anything, how many may we invite?": "seats-and-guests",
    "My VAT number is refused (FW-1203)": "invoices-and-vat",
    "Uptime was 99.4%, what credit do we get on Business?": "service-credits",
    "The password reset e-mail does not come": "reset-your-password",
    "How do I set up SAML and which reply URL?": "set-up-saml-sso",
    "I lost my phone and my recovery codes": "two-factor-authentication",
    "How can I export everything from our workspace?": "export-your-data",
    "Where is our data stored, EU or US?": "gdpr-and-data-protection",
    "How many API requests a minute on Business, I get 429": "api-rate-limits",
    "How do I verify a webhook signature?": "webhooks",
    "Our board with 4,000 cards is slow": "slow-boards",
    "When is support available and how quickly do you answer on Team?": "support-hours",
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")
    yield engine
    await engine.dispose()


@pytest.fixture
async def backends(engine: AsyncEngine) -> Backends:
    return await open_backends(engine, clock=HeldClock())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    write(folder, "refunds.md", "Refunds are paid within 30 days.")
    write(folder, "account/password.md", "Reset the password on the sign-in page.")
    return folder


def write(folder: Path, name: str, body: str, *, audience: str = "public") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    title = path.stem.title()
    path.write_text(f"---\ntitle: {title}\ncategory: account\naudience: {audience}\n---\n{body}\n", encoding="utf-8")


async def found(backends: Backends, query: str, *, internal: bool = False) -> list[str]:
    findings = await backends.knowledge.search(Question(query, None, internal))
    return [result.source for result in findings.results]


def counts(report: Report) -> tuple[int, int, int, int]:
    return len(report.imported), len(report.unchanged), len(report.removed), len(report.skipped)


async def test_the_sample_answers_at_least_nine_of_ten_questions_among_its_first_three(engine: AsyncEngine) -> None:
    backends = await open_backends(engine, seed_sample=True)
    missed = []
    for question, slug in QUESTIONS.items():
        first = (await found(backends, question))[:3]
        if not any(source.endswith(f"/{slug}") for source in first):
            missed.append(question)
    assert len(missed) <= len(QUESTIONS) // 10, missed


async def test_every_file_of_the_sample_is_an_article(backends: Backends) -> None:
    report = await backends.importer.import_folder(SAMPLE_ARTICLES)
    assert report.skipped == ()
    assert len(report.imported) >= 40


async def test_an_import_is_found_at_once_and_again_changes_nothing(backends: Backends, folder: Path) -> None:
    assert await found(backends, "refunds") == []
    assert counts(await backends.importer.import_folder(folder)) == (2, 0, 0, 0)
    assert await found(backends, "refunds") == ["kb://refunds"]
    assert await found(backends, "reset password") == ["kb://account/password"]
    assert counts(await backends.importer.import_folder(folder)) == (0, 2, 0, 0)


async def test_only_what_changed_is_imported_and_what_is_gone_is_removed(backends: Backends, folder: Path) -> None:
    await backends.importer.import_folder(folder)
    write(folder, "refunds.md", "Refunds are paid within 60 days.")
    (folder / "account/password.md").unlink()
    report = await backends.importer.import_folder(folder)
    assert (report.imported, report.unchanged, report.removed) == (("refunds",), (), ("account/password",))
    (refund,) = (await backends.knowledge.search(Question("refunds", None, internal=False))).results
    assert "60 days" in refund.passages[0]
    assert await found(backends, "reset password") == []


async def test_an_import_by_another_process_is_noticed(backends: Backends, engine: AsyncEngine, folder: Path) -> None:
    assert await found(backends, "refunds") == []
    other = await open_backends(engine)
    await other.importer.import_folder(folder)
    assert await found(backends, "refunds") == ["kb://refunds"]


async def test_broken_files_are_named_and_the_others_imported(backends: Backends, folder: Path) -> None:
    (folder / "empty.md").write_text("", encoding="utf-8")
    (folder / "latin.md").write_bytes(b"# T\n\nGr\xfc\xdfe")
    write(folder, "typo.md", "Text.", audience="intrenal")
    report = await backends.importer.import_folder(folder)
    assert counts(report) == (2, 0, 0, 3)
    assert {item.name for item in report.skipped} == {"empty.md", "latin.md", "typo.md"}
    assert "skipped latin.md: not UTF-8 text" in str(report)


async def test_a_file_that_broke_keeps_its_last_good_version(backends: Backends, folder: Path) -> None:
    await backends.importer.import_folder(folder)
    (folder / "refunds.md").write_text("---\ntitle: [\n---\nx", encoding="utf-8")
    report = await backends.importer.import_folder(folder)
    assert counts(report) == (0, 1, 0, 1)
    assert await found(backends, "refunds") == ["kb://refunds"]


async def test_a_public_article_that_becomes_internal_is_gone_for_customers(backends: Backends, folder: Path) -> None:
    await backends.importer.import_folder(folder)
    write(folder, "refunds.md", "Refunds are paid within 30 days.", audience="internal")
    await backends.importer.import_folder(folder)
    assert await found(backends, "refunds") == []
    assert await found(backends, "refunds", internal=True) == ["kb://refunds"]


async def test_hidden_files_links_to_elsewhere_and_twins_are_left_out(
    backends: Backends, folder: Path, tmp_path: Path
) -> None:
    write(folder, ".drafts/secret.md", "Draft of a refund.")
    write(folder, "refunds.markdown", "A twin.")
    write(tmp_path, "outside.md", "Outside refunds.")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    (folder / "notes.txt").write_text("no article", encoding="utf-8")
    report = await backends.importer.import_folder(folder)
    assert sorted(report.imported) == ["account/password", "refunds"]
    assert {item.name: item.why for item in report.skipped} == {
        "link.md": "a link to a place outside the folder",
        "refunds.md": "another file has the same name with another ending",
    }


async def test_a_wrong_folder_empties_nothing(backends: Backends, folder: Path, tmp_path: Path) -> None:
    await backends.importer.import_folder(folder)
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    (broken / "a.md").write_text("", encoding="utf-8")
    for wrong, why in ((tmp_path / "nowhere", "not a folder"), (empty, "no Markdown"), (broken, "a.md: no title")):
        with pytest.raises(SourceError, match=why):
            await backends.importer.import_folder(wrong)
    assert await found(backends, "refunds") == ["kb://refunds"]


async def test_the_sample_never_replaces_what_somebody_imported(engine: AsyncEngine, folder: Path) -> None:
    backends = await open_backends(engine, seed_sample=True)
    await backends.importer.import_folder(folder)
    again = await open_backends(engine, seed_sample=True)
    assert await found(again, "refunds") == ["kb://refunds"]


async def test_while_the_database_is_away_the_last_articles_still_answer(
    backends: Backends, engine: AsyncEngine, folder: Path
) -> None:
    await backends.importer.import_folder(folder)
    assert await found(backends, "refunds") == ["kb://refunds"]
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE kb_revision RENAME TO gone")
    question = Question("refunds", None, internal=False)
    with pytest.raises(ToolUnavailableError):
        await backends.knowledge.search(question)
    recalled = await backends.knowledge.recall(question)
    assert [result.source for result in recalled.results] == ["kb://refunds"]
