"""The Fernway workspace: the sample company whose people write to the bot."""

from bot.sandbox.records import AppIdentity, ChannelSeed, Command, Company, Person, Shortcut, Team, UserGroup

_CUSTOMERS = (
    Person("U0ANA", "ana", "Ana Ruiz", "ana@cobalt-studio.example", "customer", "Cobalt Studio", "#1d9bd1"),
    Person("U0BO", "bo", "Bo Lindqvist", "bo@northpine.example", "customer", "Northpine", "#2bac76"),
    Person("U0CHIDI", "chidi", "Chidi Okafor", "chidi@lagosworks.example", "customer", "Lagos Works", "#cd2553"),
    Person(
        "U0DARIA", "daria", "Daria Petrova", "daria@petrova-atelier.example", "customer", "Petrova Atelier", "#8d6708"
    ),
    Person("U0EMI", "emi", "Emi Tanaka", "emi@kumo-games.example", "customer", "Kumo Games", "#7c3aed"),
)
_STAFF = (
    Person("U0SAM", "sam", "Sam Porter", "sam@fernway.example", "staff", "Support, Fernway", "#0b7285"),
    Person("U0GRACE", "grace", "Grace Lee", "grace@fernway.example", "admin", "Head of Support, Fernway", "#c2410c"),
    Person("U0LEO", "leo", "Leo Martins", "leo@fernway.example", "staff", "Billing, Fernway", "#4d7c0f"),
)
_BOTS = (
    Person(
        "U0DESKHAND",
        "deskhand",
        "Deskhand",
        "",
        "bot",
        "Support agent",
        "#4a154b",
        bot_id="B0DESKHAND",
        app_id="A0DESKHAND",
    ),
    Person("U0PAGER", "pager", "Pager", "", "bot", "On-call alarms", "#52525b", bot_id="B0PAGER", app_id="A0PAGER"),
)
_EVERYBODY = tuple(person.id for person in (*_CUSTOMERS, *_STAFF, *_BOTS))


def fernway() -> Company:
    """The sample company, the same in every sandbox."""
    return Company(
        team=Team("T0FERNWAY", "Fernway Support", "fernway"),
        app=AppIdentity("A0DESKHAND", "B0DESKHAND", "U0DESKHAND", "deskhand", "Deskhand"),
        people=(*_CUSTOMERS, *_STAFF, *_BOTS),
        channels=(
            ChannelSeed("C0SUPPORT", "support", _EVERYBODY, "Questions about Fernway"),
            ChannelSeed(
                "C0STAFF",
                "support-staff",
                ("U0SAM", "U0GRACE", "U0LEO", "U0DESKHAND"),
                "Cases that need a person",
                is_private=True,
            ),
            ChannelSeed(
                "C0BILLING", "billing-staff", ("U0GRACE", "U0LEO", "U0DESKHAND"), "Billing cases", is_private=True
            ),
        ),
        shortcuts=(Shortcut("conversation_cost", "Cost of this conversation"),),
        commands=(
            Command(
                "/agent-budget",
                "What the support agent costs",
                "[permalink], set <scope> <usd>, pause, resume",
            ),
        ),
        usergroups=(UserGroup("S0SUPPORT", "support-team", ("U0SAM", "U0GRACE", "U0LEO")),),
    )
