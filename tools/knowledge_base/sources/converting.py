"""Other people's documents against our parsers: what goes wrong there costs one document and not the reading."""

import logging
from collections.abc import Callable
from typing import TypeVar

from tools.knowledge_base.articles import BrokenArticleError

logger = logging.getLogger(__name__)

T = TypeVar("T")


def converted(work: Callable[[], T]) -> T:
    """What a parser makes of a document. BrokenArticleError, whatever it raises; a slip of the parser's is logged."""
    try:
        return work()
    except BrokenArticleError:
        raise
    except Exception as error:  # no list is complete of what strange documents make of parsers
        logger.warning("knowledge.document_not_read", exc_info=True)
        raise BrokenArticleError(f"cannot be read ({type(error).__name__})") from None
