"""The money desk's forms and its Home tab at Slack's edge: who gets them, and what is told when something is amiss."""

import pytest

from bot.domain.effects import Outgoing, Place, ShowHome
from bot.domain.errors import PermanentError
from bot.domain.reports import Asker, BudgetReport, Field, FilledIn, FormAnswer, HomePage
from bot.ports.slack import Target
from bot.slack.delivery import SlackMessenger
from tests.fakes.desk_people import words_of_view
from tests.fakes.sandbox_driver import Json, SandboxDriver, eventually
from tests.fakes.slack_desk import RememberingDesk, bot_client, on_socket

HOME = Outgoing("home:T0FERNWAY:U0ANA:1", ShowHome(Place("T0FERNWAY", ""), "U0ANA"), "home:T0FERNWAY:U0ANA")


@pytest.fixture
def desk() -> RememberingDesk:
    return RememberingDesk(reply=BudgetReport((), may_change=True))


async def open_form(sandbox: SandboxDriver, user: str, action_id: str) -> Json:
    """The window that a button of the report opens."""
    answer = await sandbox.call("command", user=user, channel="C0SUPPORT", command="/agent-budget", text="")
    where = {"user": user, "channel": "C0SUPPORT", "ts": answer["response"]["ts"]}
    assert (await sandbox.call("press", **where, action_id=action_id))["acked"]
    [view] = await eventually(lambda: sandbox.views(user))
    found: Json = view
    return found


async def test_an_admin_fills_in_the_form_and_reads_what_became_of_it(
    sandbox: SandboxDriver, desk: RememberingDesk
) -> None:
    desk.form_answer = FormAnswer(told="Set: at most $5.00 per day for every user.")
    async with bot_client(sandbox) as client, on_socket(client, desk):
        view = await open_form(sandbox, "U0GRACE", "money_set")
        values = {"money_scope": "user", "money_person": "U0ANA", "money_amount": " 5 ", "money_period": "day"}
        sent = await sandbox.call("view/submit", user="U0GRACE", view_id=view["id"], values=values)
        assert sent["result"] == "updated"
        [window] = await sandbox.views("U0GRACE")
        assert "at most $5.00 per day" in words_of_view(window)
    filled = {Field.SCOPE: "user", Field.PERSON: "U0ANA", Field.AMOUNT: "5", Field.PERIOD: "day"}
    assert desk.forms == [FilledIn("T0FERNWAY", Asker("T0FERNWAY", "U0GRACE"), filled)]


@pytest.mark.parametrize("action_id", ["money_set", "money_pause"])
async def test_whoever_is_no_admin_gets_a_sentence_instead_of_the_form(
    sandbox: SandboxDriver, desk: RememberingDesk, action_id: str
) -> None:
    async with bot_client(sandbox) as client, on_socket(client, desk):
        view = await open_form(sandbox, "U0SAM", action_id)
    assert "Only admins can do that" in words_of_view(view)
    assert view["submit"] is None


async def test_what_is_wrong_with_a_form_stands_beside_its_field(sandbox: SandboxDriver, desk: RememberingDesk) -> None:
    desk.form_answer = FormAnswer(problems={Field.REASON: "At most 300 characters, please."})
    async with bot_client(sandbox) as client, on_socket(client, desk):
        view = await open_form(sandbox, "U0GRACE", "money_pause")
        sent = await sandbox.call("view/submit", user="U0GRACE", view_id=view["id"], values={"money_reason": "x"})
    assert sent["errors"] == {"money_reason": "At most 300 characters, please."}


async def test_an_app_without_a_home_tab_is_left_in_peace(sandbox: SandboxDriver) -> None:
    async with bot_client(sandbox) as client:
        messenger = SlackMessenger(client, None, homes=_nobody)  # type: ignore[arg-type]  # no cards here
        await sandbox.call("fault", method="views.publish", kind="error", error="not_enabled")
        assert await messenger.deliver(HOME, Target()) is None
        await sandbox.call("fault", method="views.publish", kind="error", error="view_too_large")
        with pytest.raises(PermanentError, match="view_too_large"):
            await messenger.deliver(HOME, Target())
        await messenger.deliver(HOME, Target())
    home = (await sandbox.look("state", user="U0ANA"))["home"]
    assert "Your conversations" in words_of_view(home)


async def _nobody(_user_id: str) -> HomePage:
    return HomePage()
