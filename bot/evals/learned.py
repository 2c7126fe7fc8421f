"""Cases that people made of their own answers (`bot.domain.lesson`): they are part of the golden set from then on.

They ask whether the bot finds the answer and tells it once the help centre has it. So it stands as an article, for
everybody and with an address, in the workspace of the case, whatever became of it in the real help centre.
"""

import json
import re
from collections.abc import Sequence

from bot.domain.lesson import Lesson
from bot.evals.cases import Case, Expectation, ExtraArticle, Family, Turn

NAME = "learned"
_PAGES = "https://help.fernway.example/articles/"
"""Of the sample company's help centre: what an answer cites is known by its address."""
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


def learned(lessons: Sequence[Lesson]) -> Family | None:
    """The family of these cases; None when there are none."""
    if not lessons:
        return None
    return Family(name=NAME, case=tuple(map(_case, lessons)), article=tuple(map(_article, lessons)))


def _case(lesson: Lesson) -> Case:
    """Whether the answer says the same only a judge can tell; that the article is found, everybody can."""
    slug, draft = _slug(lesson), lesson.draft
    said = f"The answer says in substance the same as a colleague did: {draft.answer}"
    return Case(
        id=slug, family=NAME, about=f"What a colleague answered: {draft.title}", turns=(Turn(says=draft.question),),
        expect=Expectation(articles_any=(slug,), escalates=False, judge=(said,)),
    )  # fmt: skip


def _article(lesson: Lesson) -> ExtraArticle:
    slug, draft = _slug(lesson), lesson.draft
    head = {"title": draft.title, "category": draft.category, "url": f"{_PAGES}{slug}"}
    front = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items())
    return ExtraArticle(slug=slug, text=f"---\n{front}\n---\n{draft.question}\n\n{draft.answer}")


def _slug(lesson: Lesson) -> str:
    return _NOT_IN_SLUGS.sub("-", lesson.id.lower()).strip("-")
