"""The owner epochs this process has raised itself, known without asking the database.

A look at the database ends with a few steps of the event loop after the row was read, and somebody may take over in
just that moment. What this process has committed is here before the take-over returns, and is looked at last.
"""

from collections import OrderedDict
from collections.abc import Mapping

_MOST = 10_000


class Epochs:
    """The newest epoch of conversations that changed hands here."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, int] = OrderedDict()

    def committed(self, changed: Mapping[str, int]) -> None:
        """These epochs hold from now on."""
        for conversation_id, epoch in changed.items():
            self._known[conversation_id] = max(epoch, self._known.pop(conversation_id, epoch))
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def allows(self, conversation_id: str, epoch: int) -> bool:
        """False when a later epoch is known to have begun."""
        return self._known.get(conversation_id, epoch) <= epoch
