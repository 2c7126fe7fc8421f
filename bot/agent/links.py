"""Which links of an answer may be followed: those to hosts where our articles lie, and those the settings name."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Protocol

from bot.agent.toolbox import Evidence
from bot.domain.hidden import visible
from bot.domain.links import LinkRules, addresses_in, tame


class Hosts(Protocol):
    """Knows where articles lie now."""

    async def __call__(self, *, internal: bool) -> frozenset[str]:
        """Their hosts; `internal`: also of articles for staff."""
        ...


Polish = Callable[[str, Iterable[Evidence]], str]
"""Makes a text that a model wrote fit to be read, given what the tools of its run returned."""
_SEARCH = "search_knowledge_base"


class Links:
    """Makes texts of models harmless: hidden characters go, and links lead to us or nowhere."""

    def __init__(self, hosts: Hosts, more: Collection[str] = ()) -> None:
        """`more`: hosts that the settings name."""
        self._hosts = hosts
        self._more = frozenset(more)

    async def polish(self, *, internal: bool = False) -> Polish:
        """For the answers of one run; `internal`: only staff read them."""
        return partial(_polished, self._more | await self._hosts(internal=internal))

    async def clean(self, text: str) -> str:
        """One text that no search stands behind."""
        return (await self.polish())(text, ())


def _polished(hosts: frozenset[str], text: str, evidence: Iterable[Evidence]) -> str:
    found = (one.result for one in evidence if one.ok and one.tool == _SEARCH)
    return tame(visible(text), LinkRules(hosts, addresses_in(found)))


async def no_hosts(*, internal: bool) -> frozenset[str]:  # noqa: ARG001 - as the protocol has it
    """Where no articles are known."""
    return frozenset()


def unpolished(text: str, _: Iterable[Evidence]) -> str:
    """The text as it is."""
    return text
