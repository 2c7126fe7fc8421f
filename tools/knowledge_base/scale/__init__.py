"""The search for more articles than the memory of every replica should hold, on PostgreSQL.

The vectors stay in the database (`nearness.py`: pgvector's HNSW), the words in a folder of each replica (`lexicon.py`:
tantivy). A question asks both for the articles that lead its lists, and `search.py` fuses those as the index in memory
does: an article that is not among a list's first fifty counts nothing in it, here as there. `growing.py` chooses, by
the number of articles, between this and the index in memory. Needs the extra `scale`.
"""
