"""Bytes, files, frames, arrays and estimators become digests here. Nothing else is read or written.

A digest depends on content only. Two objects that a user would call equal (same values, same types, same
order) have equal digests in any process, on any day, whatever their layout in memory; an object that differs
in any value has another one. What cannot be hashed has no digest and a reason instead: a digest is never a
guess. ``docs/reference/digests.md`` is the table of what counts as content.

No library is imported that the session has not loaded already, except pyarrow where Arrow data is read.
"""
