"""What staff made a test case is in the golden set, and nowhere else."""

from dataclasses import replace

from bot.domain.lesson import Draft, Lesson
from bot.evals.choosing import choose_families
from bot.evals.learned import NAME, learned
from bot.evals.stock import article_slugs
from tools.knowledge_base.articles import Audience, parse_article

DRAFT = Draft('Print "A3": how?', "How do I print on A3?", "---\nPress Share: then *Print*.", "technical")
LESSON = Lesson("lesson-esc-0aB_9", "T1", "esc-0aB_9", "T1:C1:1.0", DRAFT, "en", "Sam", 1.0, is_case=True)
STAFF_ONLY = replace(LESSON, id="lesson-2", audience="internal")


def test_accepted_cases_are_played_with_the_golden_set_alone() -> None:
    words = {"golden": True, "hostile": True, "all": True, "adversarial": False, "offline": False}
    for word, is_part in words.items():
        names = [family.name for family in choose_families(word, lessons=[LESSON])]
        assert (NAME in names) is is_part, word
    assert NAME not in [family.name for family in choose_families("golden")]
    [family] = choose_families("golden", families=[NAME], lessons=[LESSON])
    assert [case.id for case in family.case] == ["lesson-esc-0ab-9"]


def test_each_finds_its_answer_in_the_help_centre_of_its_world() -> None:
    family = learned([LESSON, STAFF_ONLY])
    assert family is not None
    addresses = {slug: address for address, slug in article_slugs(family.extras).items()}
    for case, extra in zip(family.case, family.article, strict=True):
        article = parse_article(extra.text, extra.slug)
        assert case.expect.articles_any == (article.slug,)
        assert addresses[article.slug].startswith("https://"), "what has no address is never seen to be cited"
        assert (article.title, article.category, article.audience) == (DRAFT.title, "technical", Audience.PUBLIC)
        assert article.body == f"{DRAFT.question}\n\n{DRAFT.answer}"
