"""Links in a text that a model wrote, made harmless before anybody reads it.

What a model writes may have been put into its mouth by an article, a ticket or a file. So a link can be followed only
where its host is one of ours; everything else is shown as what it is, an address in code, with a host in letters that
cannot be mistaken (punycode). A label that shows another host than the link leads to is replaced by the address.
Queries are cut, for they carry data out, unless exactly this address stands in an article that was found; tracking
parameters are always cut. Pictures become links. Whatever looks like a link and cannot be read is broken up.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from bot.domain.code_in_text import pieces
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
    rf"(?:(?<![^\W_]|[@.-])|(?<=[0-9A-Za-z])(?=[^\x00-\x7f])|(?<=[{_EAST}])(?=[a-zA-Z0-9]))"
    rf"(?:(?:[^\W_{_EAST}][^\W{_EAST}-]{{0,62}}(?:-[^\W{_EAST}-]{{0,62}}){{0,20}}|[{_EAST}]{{1,63}})[.\uff0e\uff61]){{1,8}}"
    rf"(?:(?:[a-zA-Z]{{2,24}}|xn--[a-zA-Z0-9-]{{2,59}})(?![a-zA-Z0-9-]|_\w)|[^\W\d_]{{2,24}}(?![^\W_]|_\w|-))"
)
_BEFORE = re.compile(rf"[{_EAST}\u3001-\u3004\uff00-\uffef]+(?=[a-zA-Z0-9])")
"""Words of a script without blanks, in front of a host."""
_FOUND = re.compile(
    rf"!?\[(?P<label>{_LABEL})\]\([ \t\n]{{0,3}}(?P<target>{_TARGET}){_TITLE}[ \t\n]{{0,3}}\)"
    r"|<(?P<slack>[a-zA-Z][\w+.-]{0,30}:[^<>\s|]{0,2000})(?:\|(?P<words>[^<>\n]{0,300}))?>"
    rf"|(?<![a-zA-Z0-9+.-])(?P<url>(?:[a-zA-Z][a-zA-Z0-9+.-]{{0,20}}:)?//{_ADDRESS}{{1,2000}})"
    r"|(?<![\w.+-])(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"
    rf"|(?P<bare>{_HOST}(?:[/?#:]{_ADDRESS}{{0,2000}})?)"
)
_SHOWN_HOST = re.compile(_HOST)
_BROKEN = re.compile(r"\](?=[(\[])")
_ODD = re.compile(r"[\\\s\x00-\x20`<>\"|^{}\[\]]")
_NO_HOST = re.compile(r"//(?=[^\s/])")
_DEFINITION = re.compile(r"^([ \t>*+\d.)-]{0,20}\[[^\]\n]{1,300}\]):", re.M)
_SPECIAL = re.compile(r"<!(channel|here|everyone|group|date|subteam)\b(?:\^[^<>|\n]{0,300})?(?:\|([^<>\n]{0,300}))?>")
_OPENING = re.compile(r"<(?=[!?]|(?:script|pre|style|textarea)\b)", re.I)
"""Of marks of Slack's that were put together from pieces, and of tags that swallow code."""
_TILDES = re.compile(r"~{3,}")
_TAIL = re.compile(r"[.,;:!?'*_~]+$")
_REACHED = re.compile(r"(?:mailto:(?=.+@)|tel:(?=[+\d]))([\w.+-]{1,64}(?:@[\w.-]{1,253})?)(?:\?.*)?", re.I)
"""An address or a number that people can write to or call."""
_FRAGMENT = re.compile(r"[\w.~-]{1,80}")
_PATH_SHOWN = 60


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
    text = _SPECIAL.sub(lambda found: found[2] or f"@{found[1]}", text.replace("`", "'"))
    done: list[str] = []
    at = 0
    for found in _FOUND.finditer(text):
        done += [_unlinked(text[at : found.start()]), _replaced(found, rules)]
        at = found.end()
    return _TILDES.sub("~~", _OPENING.sub("< ", _joined([*done, _unlinked(text[at:])])))


def _joined(pieces: Iterable[str]) -> str:
    """Backticks stay those of their piece: neither escaped by what stands before them nor one longer run with it."""
    done, last = [], ""
    for piece in filter(None, pieces):
        clings = piece.startswith("`") and (last in ("`", "\\", "/") or (last.isascii() and last.isalnum()))
        done += [" ", piece] if clings else [piece]
        last = piece[-1]
    return "".join(done)


def _unlinked(text: str) -> str:
    return _DEFINITION.sub(r"\1 :", _BROKEN.sub("] ", _NO_HOST.sub("/ /", text)))


def _replaced(found: re.Match[str], rules: LinkRules) -> str:
    if found["mail"]:
        who, _, host = found[0].partition("@")
        is_clear = is_top_domain(host) and not ("." in who and is_top_domain(who))
        return found[0] if is_clear else f"`{found[0]}`"
    if found["target"] is not None:
        return _link(found["label"], found["target"].strip("<>"), rules)
    if found["slack"]:
        return _link(found["words"] or "", found["slack"], rules)
    whole = found["url"] or found["bare"]
    address = _trimmed(whole)
    before = _BEFORE.match(address)
    if before is not None and not found["url"]:
        return before[0] + _prose(whole[before.end() :], rules)
    rest = whole[len(address) :]
    follows = found.string[found.end() : found.end() + 1]  # a mention, or a letter: of the host
    joins = follows.isalnum() or follows in ("|", "<") or re.match(_DOT, follows) is not None
    shown = _plain(address, rules, is_bare=not found["url"])
    return f"{shown}{rest}{' ' if joins and not shown.endswith('`') else ''}"


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
    if is_bare and not _is_host(address, known.host):
        host = re.split(r"[/?#:]", address, maxsplit=1)[0]
        return host + _prose(address[len(host) :], rules)
    url = _followed(known, rules)
    if not url:
        written = address.partition("?")[0].rstrip("/")
        return f"`{written if is_bare and address.isascii() else known.shown}`"
    return url.removeprefix("https://") if is_bare else url


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
    query = _without_tracking(address.query) if is_known else ""
    fragment = address.fragment if _FRAGMENT.fullmatch(address.fragment) else ""
    path = address.path.replace("(", "%28").replace(")", "%29")
    return f"{address.scheme}://{address.host}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"


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
