"""Keys and tokens: the shapes that vendors gave them, and what is called a key or a token and looks like one.

The shapes are those that their vendors publish for secret scanners; there is no library that only knows them (those
there are search source code, file by file).
"""

import re
from collections.abc import Iterator

from bot.domain.private.folding import Found

_SHAPES = (
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"),
    ("GitLab token", r"gl(?:pat|dt|rt|cbt|ptt|ft)-[\w-]{20,255}"),
    ("AWS key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("Slack token", r"xox[abceoprs]-[A-Za-z0-9.-]{10,255}|xapp-[A-Za-z0-9-]{10,255}"),
    ("Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{10,255}"),
    ("Stripe key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9+/=]{16,255}"),
    ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{10,255}"),
    ("OpenAI key", r"sk-(?:(?:proj-|svcacct-|admin-|None-)[A-Za-z0-9_-]{20,255}|[A-Za-z0-9]{20,255})"),
    ("Google key", r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,64}"),
    ("Google token", r"ya29\.[A-Za-z0-9_-]{20,2048}|1//0[A-Za-z0-9_-]{20,512}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{50,1024}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{30,64}"),
    ("SendGrid key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}"),
    ("Twilio key", r"SK[0-9a-f]{32}"),
    ("Shopify token", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    ("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}"),
    ("Telegram token", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    ("Linear key", r"lin_api_[A-Za-z0-9]{32,64}"),
    ("Notion token", r"(?:secret_|ntn_)[A-Za-z0-9]{40,64}"),
    ("HubSpot token", r"pat-(?:na|eu)\d-[0-9a-f-]{36}"),
    ("JSON web token", r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}(?:\.[A-Za-z0-9_-]{0,4096}){0,3}"),
)  # fmt: skip
_SHAPE = re.compile(
    "(?<![A-Za-z0-9])(?:" + "|".join(f"(?P<s{n}>{shape})" for n, (_, shape) in enumerate(_SHAPES)) + ")", re.ASCII
)
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_BEARER = re.compile(
    r"\b(?:bearer|authorization[\"']?\s?[:=]\s?[\"']?(?:basic|token|apikey|digest)?)\s([A-Za-z0-9._~+/=-]{16,4096})",
    re.IGNORECASE | re.ASCII,
)
_IN_ADDRESS = re.compile(r"(?<=://)([^\s/?#:@<>\"']{0,200}:[^\s/?#@<>\"']{1,200})(?=@)")
_CALLED = re.compile(
    r"(?:api[ _-]?(?:key|token|secret)|secret(?:[ _-]?(?:access[ _-]?)?key)?|(?:access|auth|refresh|bot|app|bearer|"
    r"personal)[ _-]?token|client[ _-]?secret|signing[ _-]?secret|private[ _-]?key|account[ _-]?key|apischlussel|"
    r"clave (?:de )?api|cle (?:d')?api)"
    r"[\"'`]?(?:\s?[:=]|\s(?:is|ist|es|est|e)\s?:?)\s{0,3}[\"'`]?([A-Za-z0-9_.+/=~-]{12,512})",
    re.IGNORECASE | re.ASCII,
)
_MIXED = re.compile(r"(?=[^0-9]*\d)(?=[^A-Za-z]*[A-Za-z])", re.ASCII)
_NAMES_OF_SECRETS = re.compile(
    r"(?:\w{0,40}[_-])?(?:pass(?:word|wd|phrase|code)|pwd|secret|client[_-]?secret|api[_-]?key|access[_-]?token|auth[_-]?token|"
    r"refresh[_-]?token|private[_-]?key|cvc2?|cvv2?)",
    re.IGNORECASE | re.ASCII,
)


def find_secrets(text: str) -> Iterator[Found]:
    """Keys and tokens; of an address with a user and password in it only these."""
    for shape in _SHAPE.finditer(text):
        yield Found(shape.start(), shape.end(), _SHAPES[int((shape.lastgroup or "s0")[1:])][0])
    yield from _private_keys(text)
    for pattern, label in ((_BEARER, "token"), (_CALLED, "secret"), (_IN_ADDRESS, "user and password")):
        for one in pattern.finditer(text):
            if pattern is _IN_ADDRESS or _MIXED.match(one[1]):
                yield Found(one.start(1), one.end(1), label)


def is_name_of_secret(name: str) -> bool:
    """Whether what stands under this name in a record is one, whatever it looks like."""
    return _NAMES_OF_SECRETS.fullmatch(name) is not None


def _private_keys(text: str) -> Iterator[Found]:
    """From head to foot, or to the end of a text that was cut."""
    place = 0
    while begin := _KEY_BEGIN.search(text, place):
        end = _KEY_END.search(text, begin.end())
        place = end.end() if end else len(text)
        yield Found(begin.start(), place, "private key")
