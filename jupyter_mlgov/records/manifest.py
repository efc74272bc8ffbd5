"""A snapshot's manifest: one immutable record of one run and of everything that it depended on.

Its id is the BLAKE3 digest of its canonical JSON. What is learnt later (a verdict, a risk that was evaluated
after the run, an approval) never changes it: that is on the ledger.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct

from jupyter_mlgov.records.annotations import Charter, KpiResult, Risk
from jupyter_mlgov.records.assessment import HeldRows, InputSchema
from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.retraining import Retrained

SCHEMA = 1
"""Version of the manifest's form. Raised with every change of meaning; ``store.migrations`` knows the way."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Evidence = Literal["proven", "observed", "declared", "inferred"]
"""How a fact is known: bytes that were hashed as they were read; seen by another mechanism; said by the user;
deduced from the code."""


class Column(Struct, frozen=True, kw_only=True):
    """One column of a table. ``digest`` depends on the values, their order and the dtype only."""

    name: str
    dtype: str
    digest: str


class Member(Struct, frozen=True, kw_only=True):
    """One file of an input that is a folder, a pattern, a partitioned data set, or a shapefile."""

    path: str
    """Counted from the folder, or from that part of the pattern which has no wildcard; with ``/``. Of a shapefile, from the
    folder that it lies in."""
    digest: str
    bytes: int | None = None
    rows: int | None = None


class Input(Struct, frozen=True, kw_only=True):
    """Something read from outside. ``digest`` is None where it could not be hashed (``reason`` says why)."""

    uri: str
    digest: str | None
    bytes: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    evidence: Evidence = "proven"
    cell: int | None = None
    derived: bool = False
    members: tuple[Member, ...] | None = None
    query: str | None = None
    kept: bool = False
    """True where the bytes themselves are in the store, under ``digest``; those of members under theirs."""
    unstable: bool = False
    """True where the content changed after it was read, or while it was hashed."""
    rewritten: str | None = None
    """The digest of what the notebook left in its place, where it wrote to what it had found there."""
    seen_by: tuple[str, ...] = ()
    """The mechanisms that saw it: ``capture.reads.Mechanism``."""
    reason: str | None = None
    folder: str | None = None
    """Of several files, the folder that member paths count from, where the URI does not tell: ``run[1]`` may be a name."""

    def place(self) -> str:
        """The URI without what is a pattern in it: of several files, the folder that member paths count from."""
        if self.members is None:
            return self.uri
        if self.folder is not None:
            return self.folder
        parts = self.uri.split("/")
        if self.is_spread():
            return "/".join(parts[:-1]) or "."
        wild = next((at for at, part in enumerate(parts) if not {"*", "?", "["}.isdisjoint(part)), len(parts))
        return "/".join(parts[:wild]) or "."

    def is_spread(self) -> bool:
        """True where the URI is that of one of several files that lie beside each other, named alike."""
        name = self.uri.rpartition("/")[2]
        stem = name.rpartition(".")[0] + "."
        paths = [member.path for member in self.members or ()]
        return (
            len(stem) > 1
            and name in paths
            and all(path.startswith(stem) and "/" not in path for path in paths)
        )

    def contents(self) -> tuple[str, ...]:
        """The digests of the objects that hold its bytes."""
        if not self.kept or self.digest is None:
            return ()
        return (self.digest,) if self.members is None else tuple(member.digest for member in self.members)


class Frame(Struct, frozen=True, kw_only=True):
    """A table or array in the namespace. ``columns`` is None for arrays; ``shape`` is as NumPy has it."""

    name: str
    type: str
    digest: str | None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    shape: tuple[int, ...] | None = None
    reason: str | None = None


class Model(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """A fitted estimator. ``digest`` is equal for equal fits; ``object`` names its skops file in the store."""

    name: str
    class_: str
    parameters: dict[str, Any]
    digest: str | None
    object: str | None = None
    primary: bool = False
    """True for the model that ``--model`` names, or the only one that the experiment cell made."""
    reason: str | None = None


class Module(Struct, frozen=True, kw_only=True):
    """A file with code of the project's that was imported, or executed (``%run``, a script in a process of its own): then
    ``name`` is empty. ``source`` names its text in the store."""

    path: str
    digest: str
    name: str = ""
    source: str | None = None


class Submodule(Struct, frozen=True, kw_only=True):
    """A repository inside the repository, at the commit that is checked out."""

    path: str
    commit: str | None = None
    dirty: bool = False


class Code(Struct, frozen=True, kw_only=True):
    """The repository as it was. ``diff`` names the object with the uncommitted changes, where there are any."""

    commit: str | None = None
    branch: str = ""
    """Empty where HEAD is detached."""
    dirty: bool | None = False
    """True where a tracked file is not as it was committed, or imported code was never committed; None where git could
    not say."""
    remote: str | None = None
    ahead: int | None = None
    """Commits that the branch's upstream does not have; None without an upstream."""
    diff: str | None = None
    untracked: tuple[str, ...] = ()
    """Imported files of the project that git does not track: their text is among ``modules``, in no commit."""
    submodules: tuple[Submodule, ...] = ()
    modules: tuple[Module, ...] = ()

    def revision(self) -> str | None:
        """``commit`` where it is one: 40 or 64 hex digits. A record can come from a stranger, and only this is ever said to
        git: anything else could be an option, or a name that means another commit here."""
        return self.commit if self.commit is not None and _COMMIT.fullmatch(self.commit) else None


class Generator(Struct, frozen=True, kw_only=True):
    """A random generator: a shared one (``random``, ``numpy.random``, ``torch``) or one in a variable.

    ``state`` is a digest of its state before the cell, ``used`` says whether the cell moved it. ``seed`` is given where
    it could be found out. Without ``--seed``, torch's own start (always the same number) counts as not seeded.
    """

    name: str
    kind: str
    seeded: bool | None
    seed: str | None = None
    evidence: Evidence = "proven"
    state: str | None = None
    used: bool | None = None


class NumericLibrary(Struct, frozen=True, kw_only=True):
    """A BLAS or OpenMP library that was loaded: its threads and its kernel decide the last digits of a sum."""

    library: str
    kind: str
    version: str = ""
    threads: int | None = None
    architecture: str = ""
    layer: str = ""


class Environment(Struct, frozen=True, kw_only=True):
    """Python, packages and the variables that matter. An object of its own: most snapshots share it."""

    python: str
    platform: str
    packages: dict[str, str]
    imported: tuple[str, ...] = ()
    """Those of ``packages`` that the kernel had loaded: only these can have changed a result."""
    variables: dict[str, str | None] = {}
    """Those that can change a result and those that the code names; None where one of these is not set."""
    numeric: tuple[NumericLibrary, ...] = ()
    locale: dict[str, str] = {}
    timezone: str = ""
    hash_seed: str = ""
    """``random``, or the number that ``PYTHONHASHSEED`` gave."""
    details: dict[str, Any] = {}
    """Interpreter, processor, memory, and torch's settings where it was loaded."""


class CellRecord(Struct, frozen=True, kw_only=True):
    """A cell of the notebook as it stood, with what became of it in this session.

    ``source`` and ``outputs`` name objects: the text, and a JSON list of nbformat outputs of the last run.
    """

    index: int
    id: str
    type: Literal["code", "markdown", "raw"]
    source: str
    edited: str | None = None
    """Names the text that stood in the notebook, where it was no longer the one that ran (``source``)."""
    execution_count: int | None = None
    runs: int = 0
    duration_s: float | None = None
    status: Literal["ok", "error", "not-run"] = "not-run"
    outputs: str | None = None
    tags: tuple[str, ...] = ()


class JournalEntry(Struct, frozen=True, kw_only=True):
    """One execution in the kernel session, in order. ``index`` is None when its cell is no longer there."""

    index: int | None
    source: str
    execution_count: int | None
    status: Literal["ok", "error"]
    sets: tuple[str, ...] = ()
    """Names that the cell's code binds at its top level."""
    uses: tuple[str, ...] = ()
    """Names that it reads from the session's namespace."""


class Notebook(Struct, frozen=True, kw_only=True):
    """The notebook as the user saw it. ``document`` names the ``.ipynb`` in the store."""

    path: str
    order: Literal["linear", "out-of-order"]
    document: str
    cells: tuple[CellRecord, ...]
    journal: tuple[JournalEntry, ...] = ()


class Caution(Struct, frozen=True, kw_only=True):
    """Something the reader has to know: hidden state, or what could not be recorded."""

    code: str
    message: str
    cell: int | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """One run of an experiment's cell and everything that it depended on."""

    schema: int = SCHEMA
    kind: Literal["snapshot", "candidate"] = "snapshot"
    experiment: str
    created_at: str
    author: str = ""
    parent: str | None = None
    baseline: str | None = None
    """For a candidate: the id of the snapshot that it reran."""
    status: Literal["ok", "error"] = "ok"
    error: str | None = None
    message: str = ""
    retrained: Retrained | None = None
    """Where it came of a retraining: of which release, and on which data."""
    cell: int | None = None
    notebook: Notebook
    parameters: dict[str, Scalar] = {}
    metrics: dict[str, Scalar] = {}
    series: dict[str, tuple[tuple[float, Scalar], ...]] = {}
    tolerances: dict[str, float] = {}
    seed: int | None = None
    randomness: tuple[Generator, ...] = ()
    random_state: str | None = None
    """Names the object with the generators' states before the cell."""
    inputs: tuple[Input, ...] = ()
    frames: tuple[Frame, ...] = ()
    models: tuple[Model, ...] = ()
    rows: tuple[HeldRows, ...] = ()
    """The rows that the primary model was fitted on and is tested on, as far as they are known."""
    inputs_schema: InputSchema | None = None
    """What the primary model's inputs looked like when it was fitted."""
    code: Code = Code()
    environment: str
    """Names the ``Environment`` object."""
    inventory: str | None = None
    """Names the ``Inventory`` object: every installed distribution, exactly enough to install it again."""
    charter: Charter | None = None
    kpis: tuple[KpiResult, ...] = ()
    risks: tuple[Risk, ...] = ()
    warnings: tuple[Caution, ...] = ()

    def objects(self) -> set[str]:
        """The digests of every object that this manifest needs in the store."""
        named = {self.environment, self.inventory, self.notebook.document, self.code.diff, self.random_state}
        named |= {part for cell in self.notebook.cells for part in (cell.source, cell.outputs, cell.edited)}
        named |= {entry.source for entry in self.notebook.journal}
        named |= {module.source for module in self.code.modules}
        named |= {model.object for model in self.models}
        named |= {held.object for held in self.rows}
        named |= {self.retrained.rows} if self.retrained is not None else set()
        named |= {digest for item in self.inputs for digest in item.contents()}
        return {name for name in named if name}
