"""Figures by day, kept up to date as things happen.

`uncounted` names conversations something has happened in: triggers write it (v0017), in the transaction of whatever it
was, whoever made it. The roller (`rolling.py`) takes some of them, counts each conversation anew from its rows
(`counting.py`), compares with what it had counted of it before (`counted`) and adds the difference to `figures` and
`tool_figures`: all in one transaction, so that a figure is neither lost nor added twice, and a conversation that comes
back after weeks corrects the day it began on. What rows were deleted meanwhile (traces go sooner than conversations) is
not taken back. `reading.py` answers from the sums; `sessions.py` remembers who is signed in.
"""
