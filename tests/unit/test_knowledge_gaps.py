"""What is kept of a question that nothing was found for."""

import pytest

from tools.knowledge_base.gaps import key_of, redacted


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("Why is ana.b+c@mail.example.com locked out?", "Why is [e-mail] locked out?"),
        ("Call me at +43 (0) 660 123-45-67 please", "Call me at [number] please"),
        ("Card 4111 1111 1111 1111 was declined", "Card [number] was declined"),
        ("Invoice 20261234567 is wrong", "Invoice [number] is wrong"),
        ("See https://x.example/reset?token=abc for it", "See [link] for it"),
        ("My key sk-ant-a1b2c3d4e5f6g7h8 fails", "My key [code] fails"),
        ("What does FW-1201 mean, and error 404 in 2026?", "What does FW-1201 mean, and error 404 in 2026?"),
        ("Why $60.97 and not 1,200 seats?", "Why $60.97 and not 1,200 seats?"),
        ("Ruf 0660\u2011123\u201145\u201167 an", "Ruf [number] an"),
        ("Was [card number ending 4242 hidden] charged twice?", "Was [hidden] charged twice?"),
        ("Card 4111\u200b1111\u200b1111\u200b1111 \x1b[2Jfails", "Card [number] [2Jfails"),
        ("  two\n lines ", "two lines"),
    ],
)
def test_addresses_links_keys_and_long_numbers_are_not_kept(asked: str, kept: str) -> None:
    assert redacted(asked) == kept


def test_a_question_is_kept_to_a_reasonable_length() -> None:
    assert len(redacted("word " * 1000)) <= 300


def test_the_same_question_in_other_words_is_the_same_gap() -> None:
    assert key_of("How do I export invoices?") == key_of("please, exporting an invoice") != key_of("import invoices")
    assert key_of("???") == "???"
    assert key_of(redacted("Was [IBAN hidden] charged?")) == key_of("was it charged?"), "whose it was does not matter"


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        ("Wie exportiere ich Rechnungen?", "Wie kann ich eine Rechnung exportieren?"),
        ("¿Cómo exporto mis facturas?", "¿Cómo puedo exportar una factura?"),
        ("Comment exporter mes factures ?", "Comment puis-je exporter une facture ?"),
    ],
)
def test_questions_are_grouped_by_the_words_of_their_language(asked: str, again: str) -> None:
    assert key_of(asked) == key_of(again)
