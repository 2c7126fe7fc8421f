"""Where the articles lie: an answer's links may lead to these hosts, a customer's only to those of public articles.

Read from the database, once after each change of the articles; what was read last stands while it does not answer.
"""

from bot.domain.links import hosts_of
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.store import ArticleStore


class ArticleHosts:
    """The hosts of one or more shelves of articles."""

    def __init__(self, *stores: ArticleStore) -> None:
        self._stores = stores
        self._revisions: tuple[int, ...] = ()
        self._public: frozenset[str] = frozenset()
        self._all: frozenset[str] = frozenset()

    async def __call__(self, *, internal: bool) -> frozenset[str]:
        """As they are now; hosts that belong to everybody are left out. `internal`: only staff read the answer."""
        try:
            revisions = tuple([await store.revision() for store in self._stores])
            if revisions != self._revisions:
                known = [one for store in self._stores for one in await store.urls()]
                self._public = hosts_of(url for url, audience in known if audience is Audience.PUBLIC)
                self._all = hosts_of(url for url, _ in known)
                self._revisions = revisions
        except ToolUnavailableError:
            pass  # a search says so, and offers less
        return self._all if internal else self._public
