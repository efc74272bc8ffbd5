"""Tests and explains a model: a function of a snapshot, its kept rows and a suite of settings.

The model is loaded from its skops file, from trusted types only (``hashing.trusted_models``); where it cannot be, what
the notebook predicted is tested instead. The answer is an ``Assessment``: an object, named by a ledger entry about the
snapshot.
"""
