import pytest
from bot.cli.probes import SlackAnswers
from bot.config import load_settings
from bot.domain.errors import PermanentError
from bot.slack.web import slack_session
from tests.fakes.sandbox_driver import sandbox_running
from tests.fakes.slack_desk import bot_client
async def test_it():
    async with sandbox_running() as d, bot_client(d) as c, slack_session() as s:
        st = load_settings({"SLACK_BOT_TOKEN": c.token, "SLACK_API_URL": c.base_url})
        p = SlackAnswers(st, s)
        print("SIZE", await p.group_size("S0SUPPORT"))
        await d.call("fault", method="usergroups.users.list", kind="error", error="missing_scope", times=-1)
        with pytest.raises(PermanentError) as e: await p.group_size("S0SUPPORT")
        print("ERR", e.value)
