"""Telling languages apart, and in which one a customer is spoken to."""

# ruff: noqa: RUF001 - letters of other languages are meant

import pytest

from bot.agent.confidence import Case
from bot.agent.own_language import is_foreign, objection_to_language
from bot.desk.speaking import spoken
from bot.domain.conversation import Line, Speaker
from bot.domain.language import LIKELY, SURE, code_of, language_of

GERMAN = (
    "Sie können Gäste unter **Share → Invite** einladen. Geben Sie die Adresse ein und wählen Sie, ob der Gast nur "
    "lesen oder auch schreiben darf. Die Einladung gilt sieben Tage."
)
ENGLISH = (
    "You can invite guests under **Share → Invite**. Enter the address and choose whether the guest may only read or "
    "also write. The invitation is valid for seven days."
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("how do I invite a guest?", "en"),
        ("Where can I see my board's history?", "en"),
        ("Wie lade ich einen Gast ein?", "de"),
        ("Fehler 402 beim Bezahlen", "de"),
        ("Kann ich als Admin das Workspace-Billing auf yearly umstellen?", "de"),
        ("Hola, no puedo entrar", "es"),
        ("¿Cómo cambio mi plan?", "es"),
        ("quiero un reembolso", "es"),
        ("Comment inviter un invité ?", "fr"),
        ("L'export CSV ne marche pas", "fr"),
        ("Hola!", "es"),
        ("¿Reembolso?", "es"),
        ("Rechnung falsch", "de"),
        ("facture incorrecte", "fr"),
        ("je veux un remboursement", "fr"),
        ("招待する方法は", "ja"),
        ("ボードが遅いです。Slack Connectで招待できますか？", "ja"),
        ("come invito un ospite?", "it"),
        ("olá, como convido um convidado?", "pt"),
        ("hoe nodig ik een gast uit?", "nl"),
        ("Что мне делать?", "ru"),
        ("Як мені увійти?", "uk"),
        ("请问如何邀请访客", "zh"),
        ("초대하려면 어떻게 하나요?", "ko"),
        ("مرحبا، كيف أدعو ضيفًا؟", "ar"),
    ],
)
def test_the_language_of_what_customers_write(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text", ["", "ok", "FW-2041", "board slow", "no", "Ana Ruiz", "🙏", "```el código de la función```", "x" * 9_000]
)
def test_what_says_nothing_gets_no_language(text: str) -> None:
    assert language_of(text) == ""


def test_to_object_it_takes_more_than_to_greet() -> None:
    assert (language_of("danke"), language_of("danke", LIKELY), language_of("danke", SURE)) == ("de", "", "")
    assert (language_of(GERMAN, SURE), language_of(ENGLISH, SURE)) == ("de", "en")


@pytest.mark.parametrize(
    ("locale", "language"), [("de-DE", "de"), ("ja_JP", "ja"), ("en", "en"), ("", ""), ("klingon", "")]
)
def test_slacks_locale_names_a_language(locale: str, language: str) -> None:
    assert code_of(locale) == language


@pytest.mark.parametrize(
    ("words", "before", "by_slack", "language"),
    [
        ("Wie lade ich einen Gast ein?", "", "en", "de"),
        ("ok", "", "fr", "fr"),
        ("ok", "de", "en", "de"),
        ("danke", "de", "en", "de"),
        ("gracias", "en", "en", "en"),
        ("gracias", "en", "es", "es"),
        ("Now in English please: where is my invoice?", "de", "de", "en"),
        ("FW-2041", "", "", ""),
        ("¿Cómo invito a un invitado?", "en", "en", "es"),
        ("Error: the file could not be opened. ¿Qué significa?", "es", "en", "es"),
        ("動作不良", "ja", "en", "ja"),
        ("動作不良", "", "ja", "ja"),
        ("请问如何邀请访客", "", "", "zh"),
        ("请问如何在我的项目里邀请新的访客加入团队", "ja", "ja", "zh"),
    ],
)
def test_a_single_word_does_not_change_the_language_spoken(
    words: str, before: str, by_slack: str, language: str
) -> None:
    assert spoken(words, before, by_slack) == language


def test_an_answer_in_another_language_than_the_question_is_noticed() -> None:
    asked = Case("Wie lade ich einen Gast in mein Board ein?")
    assert is_foreign(ENGLISH, asked)
    assert not is_foreign(GERMAN, asked)
    assert "(German)" in objection_to_language(asked)


@pytest.mark.parametrize(
    "case",
    [
        Case("Gast einladen?"),
        Case("Wie lade ich einen Gast ein? Bitte auf Englisch antworten."),
        Case("What does „Wie lade ich einen Gast ein“ mean in English?"),
        Case("Wie lade ich ein?", (Line(Speaker.CUSTOMER, "Ana", "I only read English, sorry", 1.0),)),
        Case("ERR_402"),
        Case("動作不良"),
        Case("Was?\n(file app.log) The server is not available and it could not be restarted", words="Was?"),
        Case("A colleague has approved the refund, and it was done. Tell the customer.", words=""),
        Case("Ich verstehe diese Meldung nicht: the request could not be completed because it is not available"),
        Case(
            "It says: the request could not be completed because the server is not available",
            (Line(Speaker.CUSTOMER, "Ana", "Wie lade ich einen Gast in mein Board ein?", 1.0),),
        ),
    ],
)
def test_in_doubt_nothing_is_objected_to(case: Case) -> None:
    assert not is_foreign(ENGLISH, case)
    assert not is_foreign(GERMAN, case)


def test_words_of_chinese_signs_alone_may_be_japanese() -> None:
    japanese = "申し訳ございませんが、請求書の発行については管理者の方にお問い合わせください。" * 3
    assert not is_foreign(japanese, Case("請求書発行"))
    assert is_foreign(japanese, Case("请问如何在我的项目里邀请新的访客加入团队"))
