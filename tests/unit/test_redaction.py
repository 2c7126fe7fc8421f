"""What people should not have written is hidden, and nothing else is."""

# ruff: noqa: RUF001 - letters and digits of other scripts are meant

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redaction import Kind, Redactor, Redactors, redactor_of

HIDE = Redactor()
GITHUB = "ghp_" + "a1" * 18
SLACK = "xox" + "b-123456789012-abcdefGHIJ"
ANTHROPIC = "sk-" + "ant-api03-" + "x9" * 20
STRIPE = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "number",
    [
        "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "4242424242424242", "42424242 42424242",
        "4242  4242\n4242 4242", "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "4242/4242/4242/4242",
        "4242 4242 4242 4242 12/27 123",
        "5555 5555 5555 4444", "2223 0031 2200 3222", "3782 822463 10005", "3056 930902 5904", "3530 1113 3330 0000",
        "6011 1111 1111 1117", "6200 0000 0000 0005", "2200 0000 0000 0004", "6759649826438453",
        "４２４２ ４２４２ ４２４２ ４２４２", "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢", "४२४२ ४२४२ ४२४२ ४२४२",
        "4️⃣2️⃣4️⃣2️⃣ 4242 4242 4242",
        "4\u200b242 4242\u200d 4242 \u20604242", "4̶2̶4̶2̶ 4242 4242 4242", "𝟒𝟐𝟒𝟐 𝟒𝟐𝟒𝟐 𝟒𝟐𝟒𝟐 𝟒𝟐𝟒𝟐",
        "4242–4242–4242–4242", "4242 4242\n> 4242 4242",
        "4242:4242:4242:4242", "3782+822463+10005",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["My card is {}, please.", "カード番号は{}です", "karta:{}", "بطاقتي {} شكرا", "{}"])
def test_a_card_number_is_hidden_however_it_is_written(number: str, around: str) -> None:
    shown = HIDE.redact(around.format(number))
    before, after = around.split("{}")
    assert shown.startswith(f"{before}[card number ending ")
    assert shown.endswith(f" hidden]{after}")


@pytest.mark.parametrize(
    "number",
    ["*4242* 4242 4242 4242", "`4242` `4242` `4242` `4242`", "~4242 4242~ 4242 4242", "*DE89* 3704 0044 0532 0130 00"],
)
def test_what_slack_makes_bold_or_code_hides_nothing_from_us(number: str) -> None:
    shown = HIDE.redact(number)
    assert " hidden]" in shown
    assert sum(map(str.isdigit, shown)) == 4


def test_what_is_hidden_stays_readable() -> None:
    told = "Charge 4242 4242 4242 4242 (cvc 123), IBAN DE89 3704 0044 0532 0130 00, my password is hunter2!"
    assert HIDE.redact(told) == (
        "Charge [card number ending 4242 hidden] (cvc [card security code hidden]), IBAN [IBAN ending 3000 hidden], "
        "my password is [password hidden]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Order 4242424242424243", "INV-4242424242424242", "ch_4242424242424242",
        "Invoice INV-2041 and ticket TICKET-1042",
        "550e8400-e29b-41d4-a716-446655440000", "ts 1700000000.123456", "EAN 4006381333931", "+49 30 901820 12345",
        "IMEI 356938035643809", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14",
        "2026-11-21 12:00:00 2026-11-22 12:00:00",
        "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7 5 5 1 2 3 4 9 8", "DE89 3704 0044 0532 0130 01", "See section AB12 3456",
        "My password is not working", "password is expired", "mein Passwort ist abgelaufen",
        "mi contraseña es incorrecta",
        "I forgot my password, how do I reset it?", "Password: how do I change it?", "パスワードをresetしたい",
        "Reset your password: https://app.example.com/reset", "reset my password INV-1042", "the token is invalid",
        "password is too short", "Use the page token: next", "le mot de passe est expiré", "Please pin the message",
        "ana@example.com +4930901820",
        "Order number 4242424242424242", "Bestellnummer: 4242424242424242", "request id 6011000990139424",
        "30.11.2026 12:00:00 to 30.11.2026 12:30:00", "Is Basic subscription-2026-annual-plan cheaper?",
        "Where is the sk-something-else-entirely-different task?", "bearer token missing",
        "How do I reset my password: it says invalid", 'The password is "required"', "my password is 8 chars",
        "The password is case sensitive", "My password is 12 characters long", "I typed password - nothing",
        "PIN: never arrived", "Please pin: board 7", "pin to C0123ABC", "password: forgotten", "password is null",
        "TypeError: password is undefined", "const password = form.get('x')", "if (password === confirm) {}",
        "PASSWORD=${DB_PASSWORD}", "password: {{password}}", "password: <your password>", "password: ******",
        "password: [FILTERED]", "Password: process.env.PASSWORD",
        "Wie setze ich mein Passwort zurück: es sagt ungültig", "Das Passwort ist 12-stellig",
        "¿Cómo restablezco mi contraseña: dice inválida?", "Mi contraseña es rechazada",
        "La contraseña es demasiado corta", "Mon mot de passe est trop court", "mot de passe : oublié",
        "パスワードは無効です", "パスワード：リセットできません", "パスワードは8文字以上ですか",
        "パスワードがABCと表示されます", "hasło jest nieprawidłowe",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert HIDE.redact(text) == text


@pytest.mark.parametrize(
    "iban",
    ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "gb82 west 1234 5698 7654 32",
     "FR14 2004 1010 0505 0001 3M02 606",
     "NO93-8601-1117-947", "MT84MALT011000012345MTLCAST001S", "ＤＥ８９３７０４００４４０５３２０１３０００",
     "PL61109010140000071219812874", "DE89 3704\n> 0044 0532 0130 00",
     "DE 89 3704 0044 0532 0130 00"],
)  # fmt: skip
def test_an_account_number_is_hidden_in_any_country(iban: str) -> None:
    assert HIDE.redact(f"Send it to {iban}, thanks").startswith("Send it to [IBAN ending ")
    assert HIDE.redact(f"IBAN{iban} is mine").endswith(" hidden] is mine")


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("my password is hunter2.", "hunter2"), ("Password: correct horse battery staple", "battery"),
        ("pwd: Kitty!9", "Kitty"), ("pw hunter22", "hunter22"), ("the password for the portal is abc!23", "abc!23"),
        ("my password is still abc123", "abc123"), ('my password is "all small words of it"', "small"),
        ("PIN is 4711", "4711"),
        ("my pass: Hunter2!", "Hunter2"), ("my password is sunshine", "sunshine"),
        ("パスワードは「hunter2」です", "hunter2"),
        ("パスワードはさくら1234です", "1234"), ("パスワード\nhunter2", "hunter2"),
        ("login ana, password=s3cr3t&next=1", "s3cr3t"), ("DB_PASSWORD=s3cr3t", "s3cr3t"),
        ("mein Passwort ist Käsekuchen77!", "Käsekuchen"), ("Kennwort: geheim", "geheim"),
        ("Mein Passwort lautet Ab12cd", "Ab12cd"), ("mi contraseña es gatito99", "gatito"),
        ("contrasen\u0303a: gato9x", "gato9x"), ("mi clave es 1234", "1234"), ("mot de passe : chat-noir!", "chat"),
        ("le mot de passe est Soleil12", "Soleil"), ("mdp = tournesol8", "tournesol"),
        ("パスワードはhunter2です", "hunter2"), ("パスワード：ねこneko88", "neko88"), ("パスワードはhunterです。",
        "hunter"),
        ("ﾊﾟｽﾜｰﾄﾞ: neko88x", "neko88x"), ("密码是abc123", "abc123"), ("비밀번호는 abc123입니다", "abc123"),
        ("пароль: qwerty123", "qwerty"), ("la mia password è gattino9", "gattino9"), ("minha senha é gato77x",
        "gato77x"),
        ("wachtwoord is welkom01", "welkom01"), ("hasło to kotek12", "kotek12"), ("şifrem: kedi123", "kedi123"),
        ("คือรหัสผ่าน: meow123", "meow123"), ("كلمة المرور: qitta123", "qitta123"), ("lösenord: katt99", "katt99"),
    ],
)  # fmt: skip
def test_a_password_that_is_told_is_hidden_in_many_languages(told: str, word: str) -> None:
    shown = HIDE.redact(told)
    assert word not in shown
    assert "[password hidden]" in shown


@pytest.mark.parametrize(
    "secret",
    [GITHUB, SLACK, ANTHROPIC, STRIPE, JWT, PEM, "github_pat_" + "b2" * 20, "AKIA" + "Q7" * 8, "AIza" + "d" * 35,
     "sk-proj-" + "k" * 40, "xapp-1-A0123-456-abcdef", "glpat-" + "z" * 20, "hf_" + "h" * 34, "npm_" + "n" * 36],
)  # fmt: skip
def test_keys_and_tokens_of_known_shapes_are_hidden(secret: str) -> None:
    shown = HIDE.redact(f"here: {secret} is it")
    assert secret[-6:] not in shown
    assert shown.endswith("hidden] is it")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("curl -H 'Authorization: Bearer abcdef0123456789abcd'", "curl -H 'Authorization: Bearer [token hidden]'"),
        ("postgres://ana:p4ss@db.example/x", "postgres://[user and password hidden]@db.example/x"),
        ("api key is abcd1234efgh5678", "api key is [secret hidden]"),
        ("client_secret=abcd1234efgh5678", "client_secret=[secret hidden]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow and the rest is cut", "[private key hidden]"),
    ],
)
def test_secrets_are_found_by_what_stands_around_them(told: str, shown: str) -> None:
    assert HIDE.redact(told) == shown


def test_json_stays_json_and_keeps_its_identifiers() -> None:
    record = {
        "id": "ch_4242424242424242", "card": 4242424242424242, "ok": True, "amount": 19.5,
        "next_page_token": "abc123def456",
        "notes": ["pwd: Kitty!9", "line \"two\""], "password": "plain", "customer": {"email": "ana@example.com"},
    }  # fmt: skip
    shown = json.loads(HIDE.redact_json(json.dumps(record)))
    assert shown["card"] == "[card number ending 4242 hidden]"
    assert shown["notes"] == ["pwd: [password hidden]", 'line "two"']
    assert shown["password"] == "[secret hidden]"
    same = ("id", "ok", "amount", "next_page_token", "customer")
    assert {name: shown[name] for name in same} == {name: record[name] for name in same}
    untouched = '{"a":  1,\n "b": "INV-2041"}'
    assert HIDE.redact_json(untouched) is untouched
    assert HIDE.redact_json('{"password": "x"}', by_name=False) == '{"password": "x"}'
    assert HIDE.redact_json("{not json 4242 4242 4242 4242") == "{not json [card number ending 4242 hidden]"


def test_a_record_that_names_something_twice_hides_both() -> None:
    """Of two values under one name a reader of JSON sees the last; the first would stay."""
    shown = HIDE.redact_json('{"note": "4242 4242 4242 4242", "note": "x", "4242424242424242": 1}')
    assert "4242 4242" not in shown
    assert shown == '{"note": "[card number ending 4242 hidden]", "note": "x", "[card number ending 4242 hidden]": 1}'
    assert HIDE.redact_json('{"4242424242424242": 1}') == '{"[card number ending 4242 hidden]": 1}'


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("scan_4242424242424242.pdf", "scan_[card number ending 4242 hidden].pdf"),
        ("Card#4242424242424242", "Card#[card number ending 4242 hidden]"),
        ("4242424242424242exp12/27", "[card number ending 4242 hidden]exp12/27"),
        ("INV_4242424242424242.pdf", "INV_4242424242424242.pdf"),
    ],
)
def test_names_of_files_keep_their_numbers_unless_it_is_a_card(name: str, shown: str) -> None:
    assert HIDE.redact(name) == shown


def test_addresses_and_phones_are_hidden_on_request_but_not_the_customers_own() -> None:
    hide = redactor_of("emails, phones:DE")
    told = "ana@example.com, bo@example.com, +44 20 7946 0958 or 030/901820; order 12345678"
    assert hide.sparing("Ana@Example.com").redact(told) == (
        "ana@example.com, [e-mail address hidden], [phone number hidden] or [phone number hidden]; order 12345678"
    )


def test_a_profile_adds_to_what_is_hidden_everywhere() -> None:
    redactors = Redactors(redactor_of("cards"), {"billing": redactor_of("emails")})
    assert redactors.of("support").kinds == {Kind.CARDS}
    assert redactors.of("billing").kinds == {Kind.CARDS, Kind.EMAILS}


def test_none_hides_nothing_and_a_wrong_word_is_explained() -> None:
    assert redactor_of("none").redact("4242 4242 4242 4242") == "4242 4242 4242 4242"
    with pytest.raises(ValueError, match="use cards, ibans, passwords, secrets, emails, phones"):
        redactor_of("cards, faces")


@pytest.mark.parametrize(
    "piece",
    ["4", "4 ", "4242 ", "4242,", "*4", "&gt;4", "DE89*", "パスワードは ", "password: a.a.", "password ", "password: '",
     "password for ", "a_", "eyJa", "eyJaaaaaaaaaaaa.",
     "DE89 ",
     "-----BEGIN PRIVATE KEY-----", "://a:", " ", "bearer ", "sk-", "api key:", "a@", "a.", "xoxb-", "_",
     "4\u200b", "password: ["],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    """Four times the text takes nowhere near sixteen times as long: else the test's own limit ends it."""
    hide = redactor_of("cards,ibans,passwords,secrets,emails,phones:DE")
    hide.redact(piece * (20_000 // len(piece)))


@given(
    st.text(max_size=200),
    st.sampled_from(["4242 4242 4242 4242", GITHUB, "my password is hunter2", "DE89370400440532013000"]),
)
def test_doing_it_twice_changes_nothing_and_nothing_raises(text: str, secret: str) -> None:
    once = HIDE.redact(f"{text} {secret} {text}")
    assert HIDE.redact(once) == once
