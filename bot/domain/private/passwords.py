"""Passwords that somebody tells: a word for it in one of thirty languages, something between, and what is meant.

After `password:` or `my password is` a word with a digit or a sign in it is the password, and so is all that follows
when no small word shows that it goes on as a sentence (`my password is not accepted` stays). After a verb two or three
plain words say how it is with the password (`is case sensitive`). A PIN is digits.
"""

# ruff: noqa: RUF001 - letters of other languages are meant

import re
from collections.abc import Iterator

from bot.domain.private.folding import Found, fold
from bot.domain.small_words import SMALL_WORDS

_NAMES = (
    r"(?:pg|my)?pass ?word|passwd|pass-?phrase|pass ?code|pwd|psw|pw|my pass|pin(?:[ -]?(?:code|number))?|"
    r"passwort|kennwort|zugangscode|losungswort|contrasena|contrasenya|clave(?: de acceso| secreta)?|"
    r"mot de passe|mdp|code secret|parola(?: d'ordine)?|parolam|palavra-?passe|senha|wachtwoord|losenord(?:et)?|"
    r"adgangskoden?|kodeord(?:et)?|passord(?:et)?|salasana(?:ni)?|haslo|hasło|heslo|jelszo|jelszava[md]|"
    r"sifre(?:m|si|niz)?|şifre(?:m|si|niz)?|kata sandi|sandi|mat khau|mật khẩu|пароль|κωδικος(?: προσβασης)?|"
    r"συνθηματικο|رقم(?:ي)? السري|كلمة (?:المرور|السر|مروري)|סיסמ(?:ה|א|תי|ת)|पासवर्ड|비밀번호|패스워드|암호"
)
_NAMES_UNSPACED = r"パスワード|暗証番号|密码|密碼|口令|รหัสผ่าน|비밀번호|패스워드|암호"
_ABOUT = (
    r"(?: (?:for|to|of|on|fur|zu|zum|zur|von|vom|bei|para|de|del|pour|du|per|di|da|do|voor|van|для|от|к)"
    r" [^.:;=?!\n]{1,40}?)?"
)
_IS = (
    r"is|was|its|ist|war|lautet|heißt|es|era|est|etait|e|luidt|ar|er|on|to|je|jest|este|adalah|la|это|ειναι|هي|هو|היא|है"
)
_STILL = (
    r"(?:(?:still|now|currently|always|just|probably|noch|jetzt|immer|ahora|todavia|maintenant|toujours|adesso|agora|"
    r"changed to|set to|сейчас|теперь) ){0,2}"
)
_LINK = rf"""["'`*]{{0,2}}(?:\s?(?:=>|->|[:=→])|\s-|\s(?:{_IS})(?:\s?[:=])?(?=\s))\s{{0,3}}{_STILL}"""
_NAME = rf"(?<![^\W_])(?:{_NAMES})(?! hidden\])"
_TOLD = re.compile(fold(rf"{_NAME}{_ABOUT}{_LINK}").text, re.IGNORECASE)
_BESIDE = re.compile(fold(rf"{_NAME}\s(?=[!-~]{{0,60}}\d)(?=[!-~]{{0,60}}[a-z])([!-~]{{6,100}})").text, re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Z]{1,10}[-_]?\d")
_PIN = re.compile(r"pin\b", re.IGNORECASE)
_PIN_VALUE = re.compile(r"[*`\"']{0,2}(\d{4,12})(?!\w)", re.ASCII)
_COLON = re.compile(r"[:=→>]")
_BESIDE_UNSPACED = re.compile(fold(rf"(?:{_NAMES_UNSPACED})\s(?=[!-~]{{0,60}}\d)([!-~]{{6,100}})").text)
_TOLD_UNSPACED = re.compile(
    fold(rf"(?:{_NAMES_UNSPACED})[^\n!-~]{{0,8}}?\s?(?:は|が|是|为|為|는|은|คือ|[:=→])\s{{0,2}}").text
)
_ASCII_WORD = re.compile(r"[!-~]{3,100}")
_UNSPACED_WORD = re.compile(r"[^\s、。，「」]{0,40}?[!-~]{1,100}(?![!-~])")
_ENDS_THERE = re.compile(fold(r"です|だ|で、|。|、|，|,|\s|\Z|입니다|이에요|예요|이고|ครับ|ค่ะ").text)
_QUOTED = re.compile(r"""(["'`“„«「『‹‘])([^\n"'`”“»」』›’]{1,100})["'`”“»」』›’]""")
_WORD = re.compile(r"\S{1,200}")
_CLAUSE = re.compile(r"[^\n.,;:!?()]{1,80}")
_TRAILING = ".,;:)]}>\"'`”»*"
_HIDDEN = re.compile(r"\[[^\[\]\n]{1,60} hidden\]")
_ADDRESS = re.compile(r"<?(?:https?://|mailto:|www\.)", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"[*•.x_-]{3,}(?!\w)|\[?(?:hidden|redacted|removed|filtered|masked)\b|(?:null|none|nil|undefined|true|false|blank)\b|"
    r"(?:<|&lt;)[a-z]{2,12}[ _-][^<>\n]{1,40}(?:>|&gt;)|\{\{|[$%]\{|={1,2}\s|(?:process\.env|os\.environ|this|self)\b|"
    r"[a-z_]\w{0,40}(?:\.\w{1,40}){1,5}[(\[]|\d{1,2} ?(?:文字|桁|位|자)",
    re.IGNORECASE,
)
"""What stands for a password in a log, a form, a piece of code or a rule."""
_SIGN = re.compile(r"\d|[a-z][A-Z]|[@#$%^&*+=~<>{}|\\_!?](?=\w)")
_SHORTEST = 4
_MOST_WORDS = 5
_MOST_OF_STATE = 3
"""What says how it is with a password is no longer than so many words."""
_PARTICIPLE = re.compile(r"[a-z]{2,}(?:ed|ad[oa]|id[oa]|iert|able|ible)\Z")
_STATE = re.compile(
    r"(?:in)?correct|wrong|expired|invalid|valid|reject|accept|refused|denied|los[te]|forg[oe]t|missing|block|lock|reset|"
    r"work|broken|fail|required|optional|chang|sent|needed|unknown|empty|too|secure|weak|strong|safe|hidden|protect|"
    r"compromised|leaked|stolen|hacked|case|unique|same|different|at least|min|max|field|policy|link|page|email|"
    r"screen|\d+-?(?:char|digit|letter|step|zeichen|stell)|\d{1,2}\Z|char|digit|letters|zeichen|caract|caratter|"
    r"abgelaufen|falsch|richtig|korrekt|vergessen|ungultig|gesperrt|weg|verloren|unbekannt|geandert|zuruck|leer|sicher|"
    r"incorrec|caduc|expir|olvid|perdid|bloque|equivoc|invalid|cambi|oubli|perdu|refus|erron|mauvais|valide|chang|"
    r"scadut|errat|sbagliat|dimenticat|errad|esquec|verlopen|onjuist|fout|kwijt|vergeten|неверн|не$|забы|истек|"
    r"never|nothing|nowhere|ignor|cort[oa]\Z|nieprawid|niepopraw|vaara\Z|virheel|fel\Z|forkert|feil\Z|yanlis|gecersiz",
    re.IGNORECASE,
)  # fmt: skip
_PROSE = frozenset(fold(" ".join(SMALL_WORDS.values())).text.lower().split())


def find_passwords(text: str) -> Iterator[Found]:
    """The passwords themselves, without the words about them."""
    for told in _TOLD.finditer(text):
        yield from _pin(text, told.end()) if _PIN.match(told[0]) else _value(text, told)
    for told in _TOLD_UNSPACED.finditer(text):
        yield from _unspaced_value(text, told.end())
    for pattern in (_BESIDE, _BESIDE_UNSPACED):
        for beside in pattern.finditer(text):
            if not _is_no_value(text, beside.start(1)) and not _IDENTIFIER.match(beside[1]):
                yield _found(text, beside.start(1), beside.end(1))


def _pin(text: str, place: int) -> Iterator[Found]:
    if pin := _PIN_VALUE.match(text, place):
        yield Found(pin.start(1), pin.end(1), "password")


def _value(text: str, told: re.Match[str]) -> Iterator[Found]:
    place = told.end()
    if _is_no_value(text, place):
        return
    if quoted := _QUOTED.match(text, place):
        yield from _quoted(text, quoted)
        return
    word = _WORD.match(text, place)
    if word is None:
        return
    end = text.find("&", place, word.end()) if told[0].endswith("=") else -1
    end = end if end > place else word.end()
    if _is_strong(text[place:end]):
        yield _found(text, place, end)
    elif (clause := _CLAUSE.match(text, place)) and _is_phrase(clause[0], told[0]):
        yield _found(text, place, max(clause.end(), word.end()))


def _quoted(text: str, quoted: re.Match[str]) -> Iterator[Found]:
    word = quoted[2]
    is_state = _STATE.match(word) is not None and " " not in word and _SIGN.search(word) is None
    if not is_state and not _is_no_value(text, quoted.start(2)):
        yield Found(quoted.start(2), quoted.end(2), "password")


def _unspaced_value(text: str, place: int) -> Iterator[Found]:
    """Where words have no spaces between them, only a word of ours, or one in quotation marks or with a digit."""
    if _is_no_value(text, place):
        return
    if quoted := _QUOTED.match(text, place):
        yield from _quoted(text, quoted)
        return
    word = _UNSPACED_WORD.match(text, place)
    if word and _is_strong(word[0]):
        yield _found(text, word.start(), word.end())
        return
    word = _ASCII_WORD.match(text, place)
    if word is None:
        return
    if _is_strong(word[0]) or _ENDS_THERE.match(text, word.end()):
        yield _found(text, word.start(), word.end())


def _is_no_value(text: str, place: int) -> bool:
    return any(pattern.match(text, place) for pattern in (_HIDDEN, _ADDRESS, _PLACEHOLDER))


def _is_strong(word: str) -> bool:
    """Whether a word is no word: with digits, signs or capitals inside."""
    bare = word.strip(_TRAILING)
    return len(bare) >= _SHORTEST and _SIGN.search(bare) is not None and not _STATE.match(bare)


def _is_phrase(clause: str, told: str) -> bool:
    """Whether words stand for themselves, without any that make a sentence."""
    words = clause.lower().split()
    if not _COLON.search(told) and (
        told.rstrip().endswith("-") or 1 < len(words) <= _MOST_OF_STATE or _PARTICIPLE.match(clause.strip())
    ):
        return False
    return (
        0 < len(words) <= _MOST_WORDS
        and len(clause.strip()) >= _SHORTEST
        and _PROSE.isdisjoint(words)
        and (len(words) > _MOST_OF_STATE or not any(map(_STATE.match, words)))
    )


def _found(text: str, start: int, end: int) -> Found:
    """Without the sentence's own full stop, bracket or quotation mark."""
    bare = text[start:end].rstrip().rstrip(_TRAILING)
    return Found(start, start + len(bare) if bare else end, "password")
