"""The bot's Home tab as a person of a story sees and uses it."""

from dataclasses import dataclass

from tests.fakes.desk_people import Person, seen, words_of_view
from tests.fakes.sandbox_driver import Json


@dataclass(frozen=True)
class HomeTab:
    """What the bot published for one person."""

    person: Person

    @classmethod
    async def opened_by(cls, person: Person) -> "HomeTab":
        """Open the tab; it is there once the bot has published it."""
        home = cls(person)
        before = home._view()
        await person.driver.call("home", user=person.user)
        await seen(person.driver, lambda: (now := home._view()) is not None and now != before)
        return home

    @property
    def words(self) -> str:
        """All words in it."""
        return words_of_view(self._view() or {})

    @property
    def buttons(self) -> dict[str, str]:
        """Label → action id."""
        blocks = (self._view() or {}).get("blocks", [])
        elements = [e for block in blocks for e in [*block.get("elements", []), block.get("accessory", {})]]
        return {e["text"]["text"]: e["action_id"] for e in elements if e.get("type") == "button"}

    async def says(self, words: str) -> None:
        """Wait until it shows these words."""
        await seen(self.person.driver, lambda: words in self.words)

    async def presses(self, label: str) -> None:
        """Press a button in it."""
        view, action = self._view() or {}, self.buttons[label]
        wish = {"user": self.person.user, "view_id": view["id"], "action_id": action}
        assert (await self.person.driver.call("view/press", **wish))["acked"]

    def _view(self) -> Json | None:
        return self.person.driver.server._views.homes.get(self.person.user)
