"""The doctor: one line a check, and what to do."""

import sys
from pathlib import Path

import pytest

import prompts
from bot.config import Settings, load_settings
from bot.doctor import Doctor, Finding, Schema, Verdict
from bot.domain.errors import ModelBusyError, ModelDownError, PermanentError, TransientError
from bot.library import own_embedder
from tools.tickets.doubts import Doubt

COMPLETE = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "STAFF_CHANNEL": "C1",
    "STAFF_CHANNELS": "billing=C2",
    "ADMIN_USERS": "U1",
    "ANTHROPIC_API_KEY": "sk-ant-1",
}


class Workspace:
    """A Slack where all is well but what a test takes away."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.users = {"U1": "Grace Lee"}
        self.groups: dict[str, int] = {}

    async def connection(self) -> list[Finding]:
        if self.faults:
            return [Finding(Verdict.BAD, fault) for fault in self.faults]
        return [Finding(Verdict.GOOD, "Slack token: connected to Fernway.")]

    async def user_name(self, user_id: str) -> str:
        if user_id == "U-OUTAGE":
            raise TransientError("Slack cannot be reached")
        if user_id not in self.users:
            raise PermanentError("Slack refused: user_not_found")
        return self.users[user_id]

    async def group_size(self, group_id: str) -> int:
        if group_id not in self.groups:
            raise PermanentError("Slack refused: missing_scope")
        return self.groups[group_id]


class Vendor:
    fault: Exception | None = None
    priced = True

    async def reach(self, model: str) -> None:
        if self.fault:
            raise self.fault

    def check_price(self, model: str) -> None:
        if not self.priced:
            raise PermanentError(f"No price is known for {model}.")


class Database:
    state = Schema.CURRENT
    fault: Exception | None = None

    def __init__(self) -> None:
        self.open: dict[str, str] = {}
        self.held = {"sample": 45}
        self.lost: list[Doubt] = []

    async def schema(self) -> Schema:
        if self.fault:
            raise self.fault
        return self.state

    async def left_alone(self) -> dict[str, str]:
        return self.open

    async def doubts(self) -> list[Doubt]:
        return self.lost

    async def articles(self) -> dict[str, int]:
        return self.held


class Clinic:
    """A doctor and the world it looks at."""

    def __init__(self, knowledge: Path) -> None:
        self.slack, self.model, self.database = Workspace(), Vendor(), Database()
        self.settings = {**COMPLETE, "KNOWLEDGE_DIR": str(knowledge)}

    async def findings(self) -> list[Finding]:
        settings = load_settings(self.settings)
        doctor = Doctor(settings, slack=self.slack, model=self.model, database=self.database)
        return [finding async for finding in doctor.examine()]

    async def only_bad(self) -> str:
        [finding] = [f for f in await self.findings() if f.verdict is Verdict.BAD]
        assert finding.remedy or "." in finding.text
        return str(finding)

    async def only_odd(self) -> str:
        findings = await self.findings()
        assert not [f for f in findings if f.verdict is Verdict.BAD]
        [finding] = [f for f in findings if f.verdict is Verdict.ODD]
        return str(finding)


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "refunds.md").write_text("# Refunds")
    return Clinic(tmp_path / "kb")


async def test_the_policy_is_counted_and_a_fault_in_it_is_named(clinic: Clinic, tmp_path: Path) -> None:
    assert "Policy: 4 gates in prompts/policy.toml." in "\n".join(map(str, await clinic.findings()))
    mine = tmp_path / "policy.toml"
    clinic.settings["POLICY_FILE"] = str(mine)
    mine.write_text('[[gate]]\ntool = "issue_refunds"\nwhy = "A person has to look at this."')
    bad = await clinic.only_bad()
    assert "gate 1 (issue_refunds): there is no tool 'issue_refunds'; there are create_ticket," in bad
    mine.write_text("")
    assert "No tool call waits for a person" in await clinic.only_odd()


async def test_profiles_are_named_with_their_patience_and_a_broken_one_by_its_key(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = prompts.read
    patience = {"triage": "resilience: {create_ticket: {attempts: 2}}", "research": "resilience: {nonsense: {}}"}

    def changed(path: str) -> str:
        name = path.removeprefix("agents/").removesuffix(".md")
        return read(path).replace("---\n", f"---\n{patience[name]}\n", 1) if name in patience else read(path)

    monkeypatch.setattr(prompts, "read", changed)
    assert "research.md: resilience: this profile has no tool 'nonsense'" in await clinic.only_bad()
    assert "✓ Profiles: support, triage (resilience of create_ticket)." in map(str, await clinic.findings())
    clinic.settings["AGENT_PROFILES"] = "C1=strict"
    patience.clear()
    assert "Profile: AGENT_PROFILES: no agent profile 'strict'" in await clinic.only_bad()


async def test_where_all_is_well_every_line_has_a_tick(clinic: Clinic) -> None:
    findings = await clinic.findings()
    assert {f.verdict for f in findings} == {Verdict.GOOD}
    told = "\n".join(map(str, findings))
    for part in ("Settings", "Fernway", "Grace Lee", "Price", "Model", "Database", "Knowledge: 1 article"):
        assert part in told


async def test_a_refused_token_is_told_and_nothing_else_is_asked_of_slack(clinic: Clinic) -> None:
    clinic.slack.faults = ["Slack token: invalid_auth."]
    clinic.settings["ADMIN_USERS"] = "U9"
    assert "invalid_auth" in await clinic.only_bad()


async def test_an_unreachable_slack_is_no_reason_to_change_a_setting(clinic: Clinic) -> None:
    clinic.settings["ADMIN_USERS"] = "U-OUTAGE"
    assert "try again" in await clinic.only_bad()


async def test_an_unknown_admin_is_told(clinic: Clinic) -> None:
    clinic.settings["ADMIN_USERS"] = "U1,U9"
    assert "U9" in await clinic.only_bad()


async def test_without_admins_nobody_may_change_budgets(clinic: Clinic) -> None:
    clinic.settings["ADMIN_USERS"] = ""
    assert "ADMIN_USERS" in await clinic.only_odd()


async def test_signed_http_cannot_be_checked_from_inside(clinic: Clinic) -> None:
    clinic.settings |= {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s"}
    assert "/slack/events" in await clinic.only_odd()


async def test_without_a_key_the_offline_model_is_announced(clinic: Clinic) -> None:
    clinic.settings["ANTHROPIC_API_KEY"] = ""
    assert "offline" in await clinic.only_odd()


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (ModelDownError("HTTP 401", kind="auth"), "ANTHROPIC_API_KEY"),
        (ModelDownError("HTTP 404", kind="not_found"), "MODEL or HELPER_MODEL"),
        (ModelBusyError("no answer", kind="connection", maybe_billed=False), "ANTHROPIC_BASE_URL"),
    ],
)
async def test_a_model_that_does_not_answer_names_the_setting(clinic: Clinic, fault: Exception, word: str) -> None:
    clinic.settings["HELPER_MODEL"] = load_settings().model
    clinic.model.fault = fault
    assert word in await clinic.only_bad()


async def test_a_gateway_that_lists_no_models_is_not_called_broken(clinic: Clinic) -> None:
    clinic.settings |= {"HELPER_MODEL": load_settings().model, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    clinic.model.fault = ModelDownError("HTTP 404", kind="not_found")
    assert "gateway" in await clinic.only_odd()


async def test_a_model_without_a_price_is_told(clinic: Clinic) -> None:
    clinic.settings["HELPER_MODEL"] = load_settings().model
    clinic.model.priced = False
    assert "No price" in await clinic.only_bad()


@pytest.mark.parametrize("state", [Schema.NEW, Schema.OLD])
async def test_a_database_that_is_not_up_to_date_is_no_fault(clinic: Clinic, state: Schema) -> None:
    clinic.database.state = state
    assert "Database" in await clinic.only_odd()


async def test_a_database_that_cannot_be_written_is_told(clinic: Clinic) -> None:
    clinic.database.fault = PermanentError("it cannot be used.")
    assert "DATABASE_URL" in await clinic.only_bad()


async def test_a_model_the_running_bot_leaves_alone_is_told_with_the_remedy(clinic: Clinic) -> None:
    clinic.database.open = {"model:claude-sonnet-5-5": "spend_cap"}
    told = await clinic.only_odd()
    assert "model:claude-sonnet-5-5" in told
    assert "raise it in the Console" in told


async def test_orders_whose_outcome_nobody_knows_are_told_with_what_to_search_for(clinic: Clinic) -> None:
    clinic.database.lost = [Doubt("github:acme/support", "0b1f4c6e", "T1:C1:1.0", 1_800_000_000.0)]
    told = await clinic.only_odd()
    assert "the order of T1:C1:1.0 at 2027-01-15 08:00 UTC led to a ticket in github:acme/support" in told
    assert "Search there for 0b1f4c6e" in told
    clinic.database.lost *= 7
    assert [str(f) for f in await clinic.findings() if "Tickets" in f.text][-1].startswith("! Tickets: 2 or more")


async def test_what_searches_the_articles_is_told_and_what_is_missing_for_it(clinic: Clinic) -> None:
    assert any("Search: by words, and by meaning in English (minilm" in str(f) for f in await clinic.findings())
    clinic.settings["EMBEDDER"] = "none"
    assert "Search: by words alone" in await clinic.only_odd()
    clinic.settings["EMBEDDER"] = "voyage:voyage-4-lite"
    assert "VOYAGE_API_KEY" in await clinic.only_bad()


async def test_without_the_runtime_words_alone_are_searched_and_the_doctor_says_so(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "Search: by words alone. onnxruntime is not installed" in await clinic.only_bad()
    assert await own_embedder(load_settings(clinic.settings)) is None


async def test_a_folder_without_articles_is_told(clinic: Clinic, tmp_path: Path) -> None:
    clinic.settings["KNOWLEDGE_DIR"] = str(tmp_path / "nowhere")
    assert "KNOWLEDGE_DIR" in await clinic.only_bad()


async def test_articles_that_were_imported_are_told_and_the_sample_is_no_help_centre(clinic: Clinic) -> None:
    clinic.settings["KNOWLEDGE_DIR"] = ""
    assert "sample company" in await clinic.only_odd()
    clinic.database.held = {"zendesk:acme": 12, "folder": 3}
    told = [str(finding) for finding in await clinic.findings()]
    assert any("Knowledge: articles: 3 from folder, 12 from zendesk:acme." in line for line in told)


async def test_missing_settings_are_told_and_the_rest_is_still_looked_at(clinic: Clinic) -> None:
    clinic.settings |= {"SLACK_BOT_TOKEN": "", "STAFF_CHANNEL": ""}
    told = [str(f) for f in await clinic.findings()]
    assert [line[0] for line in told[:2]] == ["✗", "✗"]
    assert any(line.startswith("✓ Database") for line in told)


async def test_rules_of_service_that_cannot_be_used_are_told_with_the_remedy(clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text('time_zone = "Berlin"', encoding="utf-8")
    clinic.settings["SERVICE_FILE"] = str(tmp_path / "service.toml")
    assert "Use a name such as Europe/Berlin" in await clinic.only_bad()


async def test_whoever_is_on_duty_must_be_somebody(clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text('rota = ["U0LEO", "U0GONE", "S0TEAM"]', encoding="utf-8")
    clinic.slack.users["U0LEO"] = "Leo"
    clinic.settings["SERVICE_FILE"] = str(tmp_path / "service.toml")
    assert "Rota: U0GONE" in await clinic.only_bad()


async def test_a_role_whose_user_group_slack_does_not_show_is_told_with_the_scope(
    clinic: Clinic, tmp_path: Path
) -> None:
    mine = tmp_path / "policy.toml"
    clinic.settings["POLICY_FILE"] = str(mine)
    gate = '[[gate]]\ntool = "issue_refund"\nwhy = "A person has to look at this."\n'
    mine.write_text(f'{gate}[roles.finance]\ngroups = ["S0FIN"]\n', encoding="utf-8")
    told = await clinic.only_odd()
    assert "Role finance: user group S0FIN holds nobody for us: Slack refused: missing_scope." in told
    assert "usergroups:read" in told
    clinic.slack.groups["S0FIN"] = 0
    assert "S0FIN is empty" in await clinic.only_odd()
    clinic.slack.groups["S0FIN"] = 3
    assert "✓ Role finance: user group S0FIN has 3 members." in "\n".join(map(str, await clinic.findings()))
