"""Endings by which people and programs take a word with a dot for a host: all countries, and the common other ones.

Not the whole list of the registry: it is long, changes every week, and many endings are words (`.call`, `.zone`) that
end file names and sentences without a blank. What is missing here is not made a link by Slack for a bot either; it
only is not shown as code.
"""

_COUNTRIES = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd "
    "cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge "
    "gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh "
    "ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw "
    "mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb "
    "sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk "
    "us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_OTHERS = (
    "com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post xxx app "
    "dev page web cloud online site website store shop tech space fun icu vip top xyz club live life link click "
    "work works help support email chat blog wiki news media digital agency studio design software systems "
    "solutions services network host hosting press world today rest bar cafe cam cfd sbs cyou monster quest buzz "
    "lol mom zip mov ink ltd llc gmbh inc team group company center city finance bank money pay loan credit win "
    "bid download review stream party date faith science trade account example test invalid onion"
)
_ALL = frozenset(f"{_COUNTRIES} {_OTHERS}".split())


def is_top_domain(host: str) -> bool:
    """Whether the last part of a host (in punycode) is such an ending."""
    last = host.rpartition(".")[2]
    return last in _ALL or last.startswith("xn--") or not last.isascii()
