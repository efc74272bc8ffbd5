"""Every error that a user can meet, as one tree.

::

    MlgovError                 one clear line: what failed, with which value, what to do
    ├── UsageError             the call is wrong: unknown option, bad YAML, a KPI that does not parse
    ├── NotFound               nothing goes by that name: REF, notebook, project
    ├── Blocked                it cannot be run: an input or the environment is missing
    └── StoreError             the store cannot be used as it is
        ├── NotWritable        read-only folder, full disk, a file where the folder should be
        ├── Missing            an object that something names is not there
        └── Damaged            an object is there, but its bytes are not what its name says

Every door shows ``str(error)``: it is one line, starts with what failed and ends with what to do.
``exit_status`` is the command line's answer (2: wrong usage or bad input, 3: blocked).
"""

from __future__ import annotations


class MlgovError(Exception):
    """Base of all errors that are told to the user as one line."""

    exit_status = 2

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class UsageError(MlgovError):
    """What was asked for is not well-formed."""


class NotFound(MlgovError):
    """Nothing goes by the name that was given."""


class Blocked(MlgovError):
    """A rerun cannot start: something that it needs is not there."""

    exit_status = 3


class StoreError(MlgovError):
    """The store cannot be used as it is."""


class NotWritable(StoreError):
    """The store cannot be written: permissions, a full disk, or a file in its place."""


class Missing(StoreError):
    """An object that a manifest or the ledger names is not in the store."""


class Damaged(StoreError):
    """An object's bytes do not match the digest that names it."""
