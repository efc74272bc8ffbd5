"""What a running notebook did: journal, reads, frames, outputs, code, environment, models.

The invariant of this room: the user's cell is sacred. Nothing here changes its result, its output, its
exception, its variables or its random state, and nothing here raises into it. What could not be recorded
is recorded as such and told in one warning line.
"""
