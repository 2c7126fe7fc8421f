"""How Slack writes down what a person types."""

import pytest

from bot.sandbox import text
from bot.sandbox.records import Channel
from bot.sandbox.sample import fernway

COMPANY = fernway()
ROOMS = [Channel(seed.id, seed.name, set(), 0) for seed in COMPANY.channels]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("@deskhand help", "<@U0DESKHAND> help"),
        ("@Deskhand, help", "<@U0DESKHAND>, help"),
        ("<@U0DESKHAND> help", "<@U0DESKHAND> help"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<!channel> <script>", "&lt;!channel&gt; &lt;script&gt;"),
        ("@channel look", "<!channel> look"),
        ("@nobody hi", "@nobody hi"),
        ("see #support-staff!", "see <#C0STAFF|support-staff>!"),
        ("https://x.example/a?b=1&c=2.", "<https://x.example/a?b=1&amp;c=2>."),
        (
            "write to bo@northpine.example, please",
            "write to <mailto:bo@northpine.example|bo@northpine.example>, please",
        ),
        ("`@deskhand <b>`", "`@deskhand &lt;b&gt;`"),
        ("```\n@ana https://x.example\n```", "```\n@ana https://x.example\n```"),
        ("مرحبا @ana 你好", "مرحبا <@U0ANA> 你好"),
        (
            "https://other.slack.com/archives/C1/p1700000000000100?thread_ts=1.0&cid=C1",
            "<https://other.slack.com/archives/C1/p1700000000000100?thread_ts=1.0&amp;cid=C1>",
        ),
    ],
)
def test_typed_text_is_stored_as_slack_stores_it(typed: str, stored: str) -> None:
    assert text.typed(typed, COMPANY.people, ROOMS) == stored


def test_a_command_names_people_and_channels_with_labels() -> None:
    written = text.command_text("set user @ana 5 #support https://x.example", COMPANY.people, ROOMS)
    assert written == "set user <@U0ANA|ana> 5 <#C0SUPPORT|support> https://x.example"


def test_a_mention_is_found_with_and_without_label() -> None:
    assert text.mentions("hi <@U0DESKHAND>", "U0DESKHAND")
    assert text.mentions("hi <@U0DESKHAND|deskhand>", "U0DESKHAND")
    assert not text.mentions("hi <@U0DESKHANDS> U0DESKHAND", "U0DESKHAND")


def test_rich_text_holds_runs_mentions_and_links() -> None:
    block = text.rich_text("hi <@U0ANA> &amp; <https://x.example|there>", "b1")
    assert block["elements"][0]["elements"] == [
        {"type": "text", "text": "hi "},
        {"type": "user", "user_id": "U0ANA"},
        {"type": "text", "text": " & "},
        {"type": "link", "url": "https://x.example", "text": "there"},
    ]
