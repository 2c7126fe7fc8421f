"""Links in a text that a model wrote, made harmless before anybody reads it.

What a model writes may have been put into its mouth by an article, a ticket or a file. So a link can be followed only
where its host is one of ours; everything else is shown as what it is, an address in code, with a host in letters that
cannot be mistaken (punycode). A label that shows another host than the link leads to is replaced by the address.
Queries are cut, for they carry data out, unless exactly this address stands in an article that was found; tracking
parameters are always cut. Pictures become links. Whatever looks like a link and cannot be read is broken up.
"""

import html
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from bot.domain.code_in_text import pieces
from bot.domain.hidden import visible
from bot.domain.top_domains import is_top_domain

SHARED_HOSTS = frozenset(
    {
        "github.com", "gitlab.com", "bitbucket.org", "notion.so", "notion.site", "medium.com", "docs.google.com",
        "drive.google.com", "sites.google.com", "storage.googleapis.com", "sharepoint.com",
        "dropbox.com", "youtube.com", "youtu.be", "vimeo.com", "loom.com", "intercom.help", "githubusercontent.com",
        "script.google.com", "amazonaws.com", "linkedin.com", "facebook.com", "x.com", "reddit.com", "hackmd.io",
        "gitbook.io", "readthedocs.io", "github.io", "pages.dev", "netlify.app",
        "vercel.app", "herokuapp.com", "blogspot.com", "wordpress.com",
    }
)  # fmt: skip
"""Hosts where anybody can put something: an article there makes its own address ours, not the whole host."""
_TRACKING = re.compile(
    r"(?:utm_|mc_|pk_|piwik_|matomo_|hsa_|vero_|oly_|ga_|_hs).*|"
    r"(?:g|d|fb|ms|tt|tw|li_fat_|yc|wbra|gbra|igsh)(?:clid|id)|_ga|_gl|mkt_tok|s_cid|igshid|ref_src|trk",
    re.I,
)
_DOT = "[.\u3002\uff0e\uff61]"
_LABEL = r"(?:[^\[\]\n]|\[[^\[\]\n]{0,300}\]){0,300}"
_TARGET = r"<[^<>\n]{0,2000}>|[^\s()<>]{0,2000}(?:\([^\s()<>]{0,500}\)[^\s()<>]{0,500})?"
_TITLE = r"(?:[ \t\n]{1,3}(?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'))?"
_ADDRESS = r"[^\s<>`\"|\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff0d\uff0f-\uff60]"
_EAST = "\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Letters of scripts without blanks: a host may stand in the middle of a sentence."""
_HOST = (
    rf"(?:(?<![^\W_]|[@.-])|(?<=[^\w@.-][.-])|(?<=[0-9A-Za-z])(?=[^\x00-\x7f])|(?<=[{_EAST}])(?=[^\W_{_EAST}])|(?<=[{_EAST}][.-]))"
    rf"(?:(?:[^\W_{_EAST}][^\W{_EAST}-]{{0,62}}(?:-[^\W{_EAST}-]{{0,62}}){{0,20}}|[{_EAST}]{{1,63}})[.\uff0e\uff61]){{1,8}}"
    rf"(?:(?:[a-zA-Z]{{2,24}}|xn--[a-zA-Z0-9-]{{2,59}})(?![a-zA-Z0-9-]|_[^\W_])|"
    rf"[^\W\d_]{{2,24}}(?![^\W_]|_[^\W_]|-))"
)
_BEFORE = re.compile(rf"[{_EAST}\u3001-\u3004\uff00-\uffef]+(?=[a-zA-Z0-9])")
"""Words of a script without blanks, in front of a host."""
_FOUND = re.compile(
    rf"!?\[(?P<label>{_LABEL})\]\([ \t\n]{{0,3}}(?P<target>{_TARGET}){_TITLE}[ \t\n]{{0,3}}\)"
    r"|<(?P<slack>[a-zA-Z][\w+.-]{0,30}:[^<>\s|]{0,2000})(?:\|(?P<words>[^<>\n]{0,300}))?>"
    rf"|(?<![a-zA-Z0-9+.-])(?P<url>(?:[a-zA-Z][a-zA-Z0-9+.-]{{0,20}}:)?//{_ADDRESS}{{1,2000}})"
    r"|(?<![\w.+-])(?P<mail>[\w+-][\w.+-]{0,63}@[^\W_][\w-]{0,62}(?:\.[^\W_][\w-]{0,62}){1,8})"
    rf"|(?P<bare>{_HOST}(?:[/?#:]{_ADDRESS}{{0,2000}})?)"
)
_JOINS = re.compile(
    rf"[^\s\])}}>\"'.,;:!?*_~\u2019\u201d\u2026\u3000-\u303f\uff00-\uff60-]|{_DOT}|\S{{0,2000}}[@a-zA-Z0-9]"
)
"""What, right behind an address, some readers take for more of it: `https://ours"@evil.com` leads to evil.com."""
_STICKS = re.compile(r"[\w.@/:%-]\Z")
"""What a label, when its link is gone, could make an address with: `evil.[com](x:y)`."""
_SHOWN_HOST = re.compile(_HOST)
_BROKEN = re.compile(r"\](?=[(\[])")
_ODD = re.compile(r"[\\\s\x00-\x20`<>\"|^{}\[\]]")
_NO_HOST = re.compile(r"//(?=[^\s/]|\Z)")
_DEFINITION = re.compile(r"^([ \t>*+\d.)-]{0,20}\[[^\]\n]{1,300}\]):", re.M)
_SPECIAL = re.compile(r"<!(channel|here|everyone|group|date|subteam)\b(?:\^[^<>|\n]{0,300})?(?:\|([^<>\n]{0,300}))?>")
_NAMED = re.compile(r"<[@#][A-Z0-9]{1,30}(?:\|[^<>]{0,300})?>(?=[.@/:%-]?[^\W_])")
"""A person or channel, whose name would be read as one with what follows: `<#C1|evil>.com`."""
_OPENING = re.compile(r"<(?=[!?]|(?:script|pre|style|textarea)\b)", re.I)
"""Of marks of Slack's that were put together from pieces, and of tags that swallow code."""
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
"""A character by number or name, as readers of Markdown show it: `&period;` and `&#x202e;` hide what they are."""
_TILDES = re.compile(r"~{3,}")
_TAIL = re.compile(r"[.,;:!?'*_~]+$")
_REACHED = re.compile(r"(?:mailto:(?=.+@)|tel:(?=[+\d]))([\w.+-]{1,64}(?:@[\w.-]{1,253})?)(?:\?.*)?", re.I)
"""An address or a number that people can write to or call."""
_FRAGMENT = re.compile(r"[\w.~-]{1,80}")
_ONE = "/%+=:@&,!"
"""Signs behind which every reader takes an address to go on; others are written as percentages."""
_CLEAR = re.compile(r"https://[\w.-]+(?:[/#][\w/#-]*)?")
"""So plain that it is one address without its scheme, too."""
_EMPHASIS = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|~")
"""What could be emphasis within an address, and so begin another one."""
_PATH_SHOWN, _LONGEST_WORD = 60, 2_500


@dataclass(frozen=True, slots=True)
class LinkRules:
    """What may be followed."""

    hosts: frozenset[str] = frozenset()
    """In lower case, punycode; their subdomains are ours as well."""
    addresses: frozenset[str] = frozenset()
    """Exactly as they stand in articles: kept with their query, on whatever host of ours or of everybody."""

    def allows(self, host: str) -> bool:
        """Whether everything on a host may be followed."""
        return any(host == ours or host.endswith(f".{ours}") for ours in self.hosts)


@dataclass(frozen=True, slots=True)
class _Address:
    """An address taken apart."""

    raw: str
    scheme: str
    host: str
    path: str
    query: str
    fragment: str
    is_plain: bool
    """False when it has a name, a password, a port or signs in it that browsers and readers read differently."""

    @property
    def shown(self) -> str:
        """For the eye alone: no scheme, no query."""
        path = self.path.rstrip("/")
        return self.host + (path if len(path) <= _PATH_SHOWN else f"{path[:_PATH_SHOWN]}…")


def tame(markdown: str, rules: LinkRules) -> str:
    """The text with its links made harmless; what is in code stays."""
    return _tamed(_tamed(markdown, rules), rules)  # what stands beside something that was replaced may read anew


def _tamed(markdown: str, rules: LinkRules) -> str:
    return _joined([piece if is_code else _prose(piece, rules) for piece, is_code in pieces(markdown)])


def addresses_in(texts: Iterable[str]) -> frozenset[str]:
    """Addresses that stand in texts, each as it is written."""
    plain = (re.sub(r"[()\[\]<>]", " ", text) for text in texts)
    written = {_trimmed(match["url"]) for text in plain for match in _FOUND.finditer(text) if match["url"]}
    return frozenset(written | {_untracked(address) for address in written})


def hosts_of(addresses: Iterable[str]) -> frozenset[str]:
    """Hosts that are ours because articles lie there; those that belong to everybody are left out."""
    hosts = (known.host for address in addresses if (known := _read(address)) is not None and known.is_plain)
    return frozenset(host for host in hosts if host and not _is_shared(host))


def host_named(text: str) -> str:
    """A host as somebody writes it in settings (`help.example.com`, `https://help.example.com/`); empty when none."""
    known = _read(text.strip() if "://" in text else f"https://{text.strip()}")
    return known.host if known is not None and known.is_plain and "." in known.host else ""


def _prose(text: str, rules: LinkRules) -> str:
    """Backticks that enclose nothing would join with ours; Slack's own marks are read before links are looked for."""
    text = _ENTITY.sub(_spelt, text.replace("`", "'"))
    text = _ENTITY.sub(lambda again: again[0] if _spelt(again) == again[0] else f"&amp;{again[0][1:]}", text)
    text = _NAMED.sub(r"\g<0> ", _SPECIAL.sub(lambda found: found[2] or f"@{found[1]}", text))
    done: list[str] = []
    at = 0
    for found in _FOUND.finditer(text):
        before, shown = _unlinked(text[at : found.start()]), _replaced(found, rules)
        done += [before, " ", shown] if _sticks(before, found, shown) else [before, shown]
        at = found.end()
    return _TILDES.sub("~~", _OPENING.sub("< ", _joined([*done, _unlinked(text[at:])])))


def _spelt(entity: re.Match[str]) -> str:
    """The character itself, where it can be part of an address or is hidden; what would be a mark stays as it is."""
    meant = html.unescape(entity[0])
    is_mark = meant == entity[0] or (meant.isascii() and not meant.isalnum() and meant not in ".:/@?%-")
    return entity[0] if is_mark else visible(meant)


def _joined(pieces: Iterable[str]) -> str:
    """Backticks stay those of their piece: neither escaped by what stands before them nor one longer run with it, nor
    taken for the end of an address."""
    done, word = [], ""
    for piece in filter(None, pieces):
        clings = word[-1:] in ("`", "\\", "/") or (word[-1:].isascii() and word[-1:].isalnum()) or "://" in word
        done += [" ", piece] if word and clings and piece.startswith("`") else [piece]
        *before, last = f"x{piece}x".rsplit(maxsplit=1)
        word = last[:-1] if before else (word + piece)[-_LONGEST_WORD:]
    return "".join(done)


def _unlinked(text: str) -> str:
    return _DEFINITION.sub(r"\1 :", _BROKEN.sub("] ", _NO_HOST.sub("/ /", text)))


def _replaced(found: re.Match[str], rules: LinkRules) -> str:
    if found["mail"]:
        who, _, host = found[0].partition("@")
        is_clear = is_top_domain(host) and not ("." in who and is_top_domain(who))
        return found[0] if is_clear else f"`{found[0]}`"
    is_joined = _JOINS.match(found.string, found.end()) is not None
    if _is_labelled(found):
        target = found["slack"] if found["target"] is None else found["target"]
        shown = _link(found["label"] or found["words"] or "", target.strip("<>"), rules)
        return f"{shown} " if is_joined and not shown.endswith((")", "`")) else shown
    whole = found["url"] or found["bare"]
    address = _trimmed(whole)
    before = _BEFORE.match(address)
    if before is not None and not found["url"]:
        return before[0] + _prose(whole[before.end() :], rules)
    rest = whole[len(address) :]
    shown = _plain(address, rules, is_bare=not found["url"])
    return f"{shown}{rest}{' ' if is_joined and not shown.endswith('`') else ''}"


def _sticks(before: str, found: re.Match[str], shown: str) -> bool:
    """Whether what stands before would be read as one with what became of a link."""
    if _is_labelled(found):
        return _STICKS.search(before) is not None and not shown.startswith(("[", "`"))
    return shown.startswith("http") and (before[-1:].isalnum() or before.endswith("\\"))


def _is_labelled(found: re.Match[str]) -> bool:
    return found["target"] is not None or found["slack"] is not None


def _link(label: str, target: str, rules: LinkRules) -> str:
    """A link with a label: kept, or the label with the address for the eye behind it."""
    words = " ".join(label.split())
    address = _read(target)
    if address is None or not address.host:
        reached = _REACHED.fullmatch(target)
        if reached is not None and reached[1] not in words:
            words = f"{words} ({reached[1]})" if words else reached[1]
        return _prose(words, rules)
    url = _followed(address, rules)
    if not url:
        shown = _prose(words, rules)
        if not words:
            return f"`{address.shown}`"
        return shown if address.shown in words else f"{shown} (`{address.shown}`)"
    if not words or _misleads(words, address.host) or re.search(r"[\[\]]|://", words):
        return url
    return f"[{words}]({url})"


def _plain(address: str, rules: LinkRules, *, is_bare: bool) -> str:
    """An address without a label; `is_bare`: a host without a scheme."""
    known = _read(f"https://{address}" if is_bare else address)
    if known is None or not known.host:
        return f"`{address.partition('?')[0][:_PATH_SHOWN]}`"
    host = re.split(r"[/?#:]", address, maxsplit=1)[0]
    if is_bare and not _is_host(address, _punycode(host)):
        return host + _prose(address[len(host) :], rules)
    url = _followed(known, rules)
    if not url:
        written = address.partition("?")[0].rstrip("/")
        return f"`{written if is_bare and address.isascii() else known.shown}`"
    return url.removeprefix("https://") if is_bare and _CLEAR.fullmatch(url) else url


def _is_host(text: str, host: str) -> bool:
    """Whether people (and programs that make links of hosts) take it for one; `node.js` and `done.Then` are none."""
    written = re.split(r"[/?#:]", text, maxsplit=1)[0]
    top = re.split(_DOT, written)[-1]
    is_one = top.islower() or written.isupper() or len(text) > len(written)
    return written.lower().startswith("www.") or (is_one and is_top_domain(host))


def _followed(address: _Address, rules: LinkRules) -> str:
    """The address as it may be followed; empty when it may not."""
    is_known = not rules.addresses.isdisjoint((address.raw, _untracked(address.raw)))
    if not address.is_plain or not (rules.allows(address.host) or (is_known and _is_shared(address.host))):
        return ""
    query = _inert(_without_tracking(address.query)) if is_known else ""
    fragment = _inert(address.fragment) if _FRAGMENT.fullmatch(address.fragment) else ""
    path = _inert(address.path)
    return f"{address.scheme}://{address.host}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"


def _inert(part: str) -> str:
    """A part of an address that every reader takes as one: nothing in it is emphasis, or begins another address."""
    return _EMPHASIS.sub(lambda mark: f"%{ord(mark[0]):02X}", quote(part, safe=_ONE))


def _read(raw: str) -> _Address | None:
    """None for what is no address of the web."""
    try:
        parts = urlsplit(raw.replace("\\", "/"))  # as browsers read it
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https"):
        return None
    readable = host.isascii() and re.fullmatch(r"[a-z0-9.-]+", host) is not None
    odd = "@" in parts.netloc or port is not None or "//" in parts.path or _ODD.search(raw) is not None
    latin = host if host.isascii() else _punycode(host)
    safe = re.sub(r"[^a-z0-9.-]", "", latin)
    path = "" if re.search(r"[`\\\s]", parts.path) else parts.path
    return _Address(raw, parts.scheme.lower(), safe, path, parts.query, parts.fragment, readable and not odd)


def _punycode(host: str) -> str:
    """How a host reads when every letter is told apart from those that look alike."""
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return "unreadable"


def _misleads(label: str, host: str) -> bool:
    """Whether a label shows another host than the link leads to."""
    shown = (_read(f"https://{match[0]}") for match in _SHOWN_HOST.finditer(label))
    named = {known.host for known in shown if known is not None and _is_host(known.host, known.host)}
    return any(host != one and not host.endswith(f".{one}") for one in named)


def _is_shared(host: str) -> bool:
    return any(host == shared or host.endswith(f".{shared}") for shared in SHARED_HOSTS)


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence it stands in."""
    while True:
        short = _TAIL.sub("", address)
        if short.endswith(")") and short.count("(") < short.count(")"):
            short = short[:-1]
        if short.endswith("]") and short.count("[") < short.count("]"):
            short = short[:-1]
        if short == address:
            return address
        address = short


def _without_tracking(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _TRACKING.fullmatch(name)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _untracked(address: str) -> str:
    whole, sign, fragment = address.partition("#")
    start, _, query = whole.partition("?")
    kept = _without_tracking(query)
    return f"{start}{'?' + kept if kept else ''}{sign}{fragment}"


def named_hosts(texts: Collection[str]) -> frozenset[str]:
    """Hosts that settings name."""
    return frozenset(host for text in texts if (host := host_named(text)))
