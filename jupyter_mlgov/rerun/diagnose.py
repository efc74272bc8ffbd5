"""Causes: which factor that changed explains a difference in the result.

Factors are looked at from the outside in: data, code, environment; then the order of execution and
randomness, which need no change to make a difference. A factor that cannot have had an effect (a comment, a
Parquet file rewritten with equal content, a package that was not loaded) is none.
"""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import CellRecord, Environment, Input, Manifest
from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.rerun.alignment import align, meaning, source_of

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def find_causes(store: Store, baseline: str, candidate: str, measured: Comparison) -> tuple[Finding, ...]:
    """A finding for each factor that differs, the main cause first; ``unknown`` where none does."""
    one, other = store.manifest(baseline), store.manifest(candidate)
    found = changed_factors(store, one, other)
    if not found:
        found = hidden_state(one)
    return tuple(found) or (unexplained(measured, one),)


def changed_factors(store: Store, one: Manifest, other: Manifest) -> list[Finding]:
    """Data, code and environment that are not what they were, in that order."""
    return [
        *_data(store, one, other),
        *_cells(store, one, other),
        *_modules(store, one, other),
        *_environment(store.environment(one), store.environment(other)),
    ]


# -- data ----------------------------------------------------------------------------------------------------


def _data(store: Store, one: Manifest, other: Manifest) -> list[Finding]:
    now = {item.uri: item for item in other.inputs}
    found = []
    for before in one.inputs:
        after = now.get(before.uri)
        if before.derived or after is None or before.digest is None or after.digest is None:
            continue
        if before.digest != after.digest:
            finding = data_difference(store, one, before, after)
            if finding is not None:
                found.append(finding)
    return found


def data_difference(store: Store, one: Manifest, before: Input, after: Input) -> Finding | None:
    """What differs between two versions of an input; None when they hold the same table."""
    from jupyter_mlgov.hashing.tables import compare_tables, table_from_bytes

    variable = _variable(one, before.cell)
    remedy = f"restore {before.uri} as it was recorded ({(before.digest or '')[7:19]}), or record the new data as a new snapshot"

    def finding(cause: str, message: str, columns: tuple[str, ...] = ()) -> Finding:
        return Finding(
            cause=cause,  # type: ignore[arg-type]
            subject=before.uri,
            columns=columns,
            cell=before.cell,
            variable=variable,
            message=message,
            remedy=remedy,
        )

    if before.columns is None or after.columns is None:
        return finding(
            "data.values",
            f"The content of {before.uri} changed ({before.bytes} bytes before, {after.bytes} now).",
        )
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    added = tuple(name for name in new if name not in old)
    removed = tuple(name for name in old if name not in new)
    retyped = tuple(name for name in old if name in new and old[name].dtype != new[name].dtype)
    if before.rows == after.rows and before.columns == after.columns:
        return None
    if added or removed:
        parts = [f"{_listed(removed)} gone" if removed else "", f"{_listed(added)} new" if added else ""]
        said = " and ".join(part for part in parts if part)
        return finding("data.schema", f"The columns of {before.uri} changed: {said}.", removed + added)
    name = PurePosixPath(before.uri).name
    suffix = name[name.index(".") :] if "." in name.lstrip(".") else ""
    tables = None
    if (
        before.kept
        and after.kept
        and before.digest
        and after.digest
        and store.has(before.digest)
        and store.has(after.digest)
    ):
        tables = tuple(
            table_from_bytes(store.get(digest), suffix) for digest in (before.digest, after.digest)
        )
    difference = (
        compare_tables(tables[0], tables[1]) if tables and all(t is not None for t in tables) else None
    )
    if difference is not None:
        if difference.reordered:
            return finding("data.order", f"The rows of {before.uri} are the same, in another order.")
        if difference.rows_added or difference.rows_removed:
            parts = [
                f"{_rows(difference.rows_added)} added" if difference.rows_added else "",
                f"{_rows(difference.rows_removed)} removed" if difference.rows_removed else "",
            ]
            said = " and ".join(part for part in parts if part)
            return finding(
                "data.rows", f"{before.uri} has other rows: {said} ({before.rows} before, {after.rows} now)."
            )
    elif before.rows != after.rows:
        return finding("data.rows", f"{before.uri} had {before.rows} rows and has {after.rows} now.")
    if retyped and not (difference is not None and _only_values(difference.changed_columns, retyped)):
        said = _listed(tuple(f"{n} ({old[n].dtype} before, {new[n].dtype} now)" for n in retyped))
        return finding("data.schema", f"The type of {said} in {before.uri} changed.", retyped)
    columns = tuple(n for n in old if n in new and old[n].digest != new[n].digest)
    if difference is not None and difference.changed_columns:
        counts = difference.changed_columns
        columns = tuple(sorted(counts, key=lambda n: -counts[n]))
        said = ", ".join(f"{n} in {_rows(counts[n])}" for n in columns[:8])
        return finding("data.values", f"Values of {before.uri} changed: {said} (of {before.rows}).", columns)
    return finding("data.values", f"Values of {before.uri} changed in {_listed(columns)}.", columns)


def _only_values(changed: dict[str, int], retyped: tuple[str, ...]) -> bool:
    """A column whose type follows from a few changed values (an integer column that got one decimal)."""
    return bool(changed) and all(name in changed for name in retyped)


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def missing_input(manifest: Manifest, item: Input) -> Finding:
    """An input that is no longer there."""
    return Finding(
        cause="data.missing",
        subject=item.uri,
        cell=item.cell,
        variable=_variable(manifest, item.cell),
        message=f"{item.uri}, which the notebook read in cell {item.cell}, is not there.",
        remedy=f"put {item.uri} back"
        + (", or rerun with --as-recorded: its content is in the store" if item.kept else ""),
        confirmed=True,
    )


# -- code ----------------------------------------------------------------------------------------------------


def _cells(store: Store, one: Manifest, other: Manifest) -> list[Finding]:
    found = []
    for before, after in align(store, one, other):
        if before is not None and before.runs == 0:
            continue
        if before is not None and after is not None:
            if after.runs and meaning(source_of(store, before)) != meaning(source_of(store, after)):
                found.append(
                    _cell_finding(one, before, f"The code of cell {before.index} is not what was recorded.")
                )
        elif before is None and after is not None and after.runs:
            injected = "injected-parameters" in after.tags or _is_injected(source_of(store, after))
            what = "Parameters were set for this run" if injected else "A cell was added"
            found.append(_cell_finding(other, after, f"{what} (cell {after.index})."))
        elif before is not None and after is None:
            found.append(_cell_finding(one, before, f"Cell {before.index} is no longer in the notebook."))
    return found


def _is_injected(source: str) -> bool:
    return source.startswith("# Parameters\n")


def _cell_finding(manifest: Manifest, cell: CellRecord, message: str) -> Finding:
    return Finding(
        cause="code.cell",
        subject=f"cell {cell.index}",
        cell=cell.index,
        variable=_variable(manifest, cell.index),
        message=message,
        remedy="undo the edit, or run the experiment again so that the new code is recorded",
    )


def _modules(store: Store, one: Manifest, other: Manifest) -> list[Finding]:
    now = {module.path: module for module in other.code.modules}
    found = []
    for before in one.code.modules:
        after = now.get(before.path)
        if after is None or after.digest == before.digest:
            continue
        texts = [
            store.get(module.source).decode("utf-8", "replace")
            if module.source and store.has(module.source)
            else None
            for module in (before, after)
        ]
        if None not in texts and meaning(str(texts[0])) == meaning(str(texts[1])):
            continue
        imported = next((e.index for e in one.notebook.journal if before.name.split(".")[0] in e.sets), None)
        found.append(
            Finding(
                cause="code.module",
                subject=before.path,
                cell=imported,
                variable=before.name or None,
                message=f"The module {before.path}, which the notebook imports, changed.",
                remedy=f"restore {before.path}, or run the experiment again so that the new code is recorded",
            )
        )
    return found


# -- environment ---------------------------------------------------------------------------------------------


def _environment(one: Environment, other: Environment) -> list[Finding]:
    found = []
    loaded = set(one.imported) | set(other.imported)
    for name in sorted(set(one.packages) | set(other.packages), key=str.lower):
        before, after = one.packages.get(name), other.packages.get(name)
        if before == after or (loaded and name not in loaded):
            continue
        said = f"{name} was {before or 'not installed'} and is {after or 'not installed'} now."
        fix = f"pip install {name}=={before}" if before else f"pip uninstall {name}"
        found.append(
            Finding(
                cause="environment.package",
                subject=name,
                message=said,
                remedy=f"{fix}, or record a new snapshot",
            )
        )
    if one.python != other.python:
        found.append(
            Finding(
                cause="environment.python",
                subject="python",
                message=f"Python was {one.python} and is {other.python} now.",
                remedy=f"use Python {one.python}, or record a new snapshot",
            )
        )
    for name in sorted(set(one.variables) | set(other.variables)):
        before, after = one.variables.get(name), other.variables.get(name)
        if before != after:
            found.append(
                Finding(
                    cause="environment.variable",
                    subject=name,
                    message=f"The environment variable {name} was {_value(before)} and is {_value(after)} now.",
                    remedy=f"set {name} as it was" if before is not None else f"unset {name}",
                )
            )
    return found


def _value(value: str | None) -> str:
    return "not set" if value is None else repr(value[:80])


# -- what needs no change ------------------------------------------------------------------------------------


def hidden_state(one: Manifest) -> list[Finding]:
    """Findings from the baseline's own warnings about the order in which its cells ran."""
    found = []
    for warning in one.warnings:
        if warning.code.startswith("hidden-state."):
            variable = warning.message.split("`")[1] if warning.message.count("`") >= 2 else None
            found.append(
                Finding(
                    cause=warning.code,  # type: ignore[arg-type]
                    subject=variable or f"cell {warning.cell}",
                    cell=warning.cell,
                    variable=variable,
                    message=f"The recorded result came from hidden state: {warning.message}.",
                    remedy="restart the kernel, run all cells from top to bottom, and record that",
                )
            )
    return found


def randomness(store: Store, baseline: str, disagreement: Comparison) -> Finding:
    """Two unchanged runs disagree: the finding names where the unseeded numbers come from."""
    one = store.manifest(baseline)
    names = {value.name for value in disagreement.values if value.status in ("different", "missing")}
    indices = [cell.index for cell in disagreement.cells if cell.status in ("different", "error")]
    first, variable, call = _random_source(store, one, names)
    if first is None and indices:
        first = min(indices)
    variable = variable or next(iter(sorted(names)), None)
    where = f" in cell {first}" if first is not None else ""
    by = f" ({call})" if call else ""
    return Finding(
        cause="randomness.unseeded",
        subject=variable or (f"cell {first}" if first is not None else "the notebook"),
        cell=first,
        variable=variable,
        message=f"Two unchanged runs disagree with each other: random numbers{where}{by} are drawn without a seed.",
        remedy="give the generator or the estimator a seed (random_state=0, default_rng(0)), or run with --seed",
        confirmed=True,
    )


def _random_source(store: Store, one: Manifest, names: set[str]) -> tuple[int | None, str | None, str | None]:
    """Cell, variable and call where random numbers are first drawn without a seed."""
    for cell in one.notebook.cells:
        if cell.type != "code" or not cell.runs:
            continue
        source = source_of(store, cell)
        lines = source.splitlines()
        while lines and lines[0].startswith("%%"):
            lines.pop(0)
        try:
            tree = ast.parse("\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))))
        except SyntaxError:
            continue
        for statement in tree.body:
            call = next((text for node in ast.walk(statement) if (text := _unseeded(node))), None)
            if call is not None:
                bound = [
                    n.id
                    for n in ast.walk(statement)
                    if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                ]
                named = next((name for name in bound if name in names), bound[0] if bound else None)
                return cell.index, named, call
    return None, None, None


_SEEDABLE = ("train_test_split", "default_rng", "shuffle", "sample", "resample", "RandomState")
_ESTIMATOR_SEEDED = ("RandomForest", "ExtraTrees", "GradientBoosting", "SGD", "MLP", "KMeans", "DecisionTree", "Shuffle",
                     "Bagging", "RandomizedSearch")  # fmt: skip
_SEED_WORDS = ("random_state", "seed", "rng", "random_seed")


def _unseeded(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    name = ast.unparse(node.func)
    last = name.rsplit(".", 1)[-1]
    if any(keyword.arg in _SEED_WORDS for keyword in node.keywords):
        return None
    if name.startswith(("np.random.", "numpy.random.", "random.")) and last not in (
        "seed",
        "default_rng",
        "RandomState",
    ):
        return f"{name}(...)"
    if last in ("default_rng", "RandomState") and node.args:
        return None
    if last in _SEEDABLE or last.startswith(_ESTIMATOR_SEEDED):
        return f"{name}(...)"
    return None


def unexplained(measured: Comparison, one: Manifest) -> Finding:
    """The result differs and nothing that is recorded does."""
    first = min(
        (cell.index for cell in measured.cells if cell.status in ("different", "error")), default=None
    )
    value = next((value.name for value in measured.values if value.status in ("different", "missing")), None)
    return Finding(
        cause="unknown",
        subject=value or (f"cell {first}" if first is not None else one.experiment),
        cell=first,
        variable=value,
        message="The result differs, and data, code, environment and execution order are as they were recorded.",
        remedy="look for what the notebook reads that is not recorded: a clock, a service, the machine itself",
    )


def _variable(manifest: Manifest, cell: int | None) -> str | None:
    """The first name that a cell binds to data: what a reader would look for."""
    if cell is None:
        return None
    frames = {frame.name for frame in manifest.frames}
    for entry in reversed(manifest.notebook.journal):
        if entry.index == cell and entry.sets:
            return next((name for name in entry.sets if name in frames), entry.sets[0])
    return None
