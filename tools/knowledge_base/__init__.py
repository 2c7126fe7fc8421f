"""search_knowledge_base: articles, their index, and how they get in."""
