"""What can be set back to what was recorded, in groups, and the place that a mixture of then and today is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.rerun import sandbox
from jupyter_mlgov.rerun.absolute_paths import absolute_texts, texts_to
from jupyter_mlgov.rerun.compare import Measured
from jupyter_mlgov.rerun.diagnose import changed
from jupyter_mlgov.rerun.factors import Factor
from jupyter_mlgov.rerun.place import Place
from jupyter_mlgov.rerun.rebuilt import minor
from jupyter_mlgov.rerun.replay import order_in, recorded_order
from jupyter_mlgov.rerun.sources import Source, in_words

ORDER = "order"
NOTEBOOK = "notebook"
ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Group:
    """What is set back together: each file, module and variable alone, all edits of the notebook at once, Python with
    all packages at once."""

    name: str
    factors: tuple[Factor, ...]
    likely: bool

    @property
    def subject(self) -> str:
        """What people call it."""
        if self.name == ENVIRONMENT:
            return f"the recorded environment ({', '.join(factor.subject for factor in self.factors)})"
        return "the recorded order of execution" if self.name == ORDER else self.factors[0].subject


def groups_of(measured: Measured) -> tuple[list[Group], list[Factor]]:
    """What changed and can be set back, the likely first; and what cannot be set back."""
    likely, others = changed(measured)
    named: dict[str, list[Factor]] = {}
    rest = []
    for factor in (*likely, *others):
        name = _group(factor, measured)
        if name is None:
            rest.append(factor)
        else:
            named.setdefault(name, []).append(factor)
    found = []
    for name, factors in named.items():
        telling = tuple(factor for factor in factors if factor in likely)
        found.append(Group(name, telling or tuple(factors), likely=bool(telling)))
    return sorted(found, key=lambda group: not group.likely), rest


def package_group(factor: Factor) -> Group:
    """One package alone, where only the recorded environment changes around it."""
    return Group(f"package {factor.subject}", (factor,), likely=factor.direct)


def told_together(factors: Sequence[Factor]) -> Sequence[Factor]:
    """Several packages that were only shown guilty as a whole."""
    if len(factors) < 2:
        return factors
    names = ", ".join(factor.subject for factor in factors)
    said = f" (The recorded environment gives the recorded result; which of {names} it is, no run showed.)"
    return [replace(factor, message=factor.message + said) for factor in factors]


def told_of_run(groups: Sequence[Group], today: Sequence[str], source: Source | None) -> str:
    """What a run with some groups as they are ``today`` is for."""
    subjects = {group.name: group.subject for group in groups}
    said = (
        f"only {', '.join(subjects.get(name, name) for name in today)} as today, the rest as recorded"
        if today
        else f"as recorded again: {', '.join(subjects.values()) or 'a folder with nothing but what was recorded'}"
    )
    return said if source is None else f"{said}, with {in_words(source)} held still"


def packages_in(today: frozenset[str]) -> frozenset[str]:
    """The packages among the names of groups."""
    return frozenset(name.removeprefix("package ") for name in today if name.startswith("package "))


def mixture(
    measured: Measured,
    restored: Callable[[Manifest], Place],
    today: frozenset[str],
    python: Path | None,
    *,
    follows: bool,
) -> Place:
    """What was recorded, with the groups named in ``today`` as they are today. ``python``: the interpreter to use, None
    for today's. ``follows``: in the recorded order of execution, unless that is as today."""
    before, after = measured.before.manifest, measured.after.manifest
    if NOTEBOOK in today:
        notebook = msgspec.structs.replace(before.notebook, document=after.notebook.document)
        before = msgspec.structs.replace(before, notebook=notebook)
    modules = {module.path: module for module in after.code.modules}
    kept = tuple(
        modules.get(module.path, module) if f"module {module.path}" in today else module
        for module in before.code.modules
    )
    inputs = {item.uri: item for item in after.inputs}
    read = tuple(
        inputs.get(item.uri, item) if f"data {item.uri}" in today else item for item in before.inputs
    )
    known = {item.uri for item in before.inputs}
    added = tuple(item for item in after.inputs if f"data {item.uri}" in today and item.uri not in known)
    code = msgspec.structs.replace(before.code, modules=kept)
    place = restored(msgspec.structs.replace(before, code=code, inputs=(*read, *added)))
    order = recorded_order(measured.before) if follows and ORDER not in today else None
    if order is not None and NOTEBOOK in today:
        order = order_in(measured.alignment, order)
    return replace(
        place,
        variables=_variables(measured, place, today),
        order=order,
        python=python or place.python,
        outside=True,
    )


def _variables(measured: Measured, place: Place, today: frozenset[str]) -> dict[str, str | None]:
    sides = (measured.before.environment.variables, measured.after.environment.variables)
    names = sorted({*sides[0], *sides[1]})
    changed_ = [name for name in names if sides[0].get(name) != sides[1].get(name)]
    return {**place.variables, **{n: sides[f"variable {n}" in today].get(n) for n in changed_}}


def _group(factor: Factor, measured: Measured) -> str | None:
    """What a factor is set back with; None for one that cannot be."""
    if factor.cause.startswith("hidden-state."):
        return ORDER
    if factor.cause == "code.cell":
        return NOTEBOOK
    if factor.cause == "environment.variable":
        return f"variable {factor.subject}"
    if factor.cause == "environment.package":
        return ENVIRONMENT
    if factor.cause == "environment.python":
        # A rebuilt environment has the recorded 3.11, not the recorded 3.11.4.
        then, now = measured.before.environment.python, measured.after.environment.python
        return ENVIRONMENT if minor(then) != minor(now) else None
    place = factor.uri or factor.subject
    if sandbox.inside(place) is None and not _led_to(place, measured):
        return None
    if factor.cause == "code.module":
        return f"module {place}"
    return f"data {place}" if factor.cause.startswith("data.") else None


def _led_to(uri: str, measured: Measured) -> bool:
    """True for an input outside the project that a sandbox can hold: its content is kept, and the code names its path."""
    sides = (measured.before, measured.after)
    items = [item for side in sides for item in side.manifest.inputs if item.uri == uri]
    store, root = measured.before.store, measured.before.store.folder.parent
    return (
        bool(items)
        and all(sandbox.stored(item, store) for item in items)
        and bool(texts_to(items[0], absolute_texts(measured.before.manifest, store), root))
    )
