"""Runs the suite on a snapshot. What was found out for the same model, rows and settings is not computed again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.errors import Blocked, Damaged, MlgovError, StoreError, UsageError
from jupyter_mlgov.governance.assessed import asked
from jupyter_mlgov.governance.policy import read_policy
from jupyter_mlgov.governance.register import charter, kpis
from jupyter_mlgov.hashing.trusted_models import Untrusted, load_model, trusted_types
from jupyter_mlgov.records.annotations import Charter, KpiResult
from jupyter_mlgov.records.assessment import Assessment, Attributions, Figure, HeldRows, TestResult
from jupyter_mlgov.records.canonical import canonical, digest
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import Manifest, Model

if TYPE_CHECKING:
    from jupyter_mlgov.assess.subject import Subject
    from jupyter_mlgov.rerun.progress import Progress
    from jupyter_mlgov.store import Store

FORM = 4
"""Raised when a test computes something else: older results then do not stand for new ones."""


def assess(
    root: Path,
    store: Store,
    snapshot: str,
    suite: Suite,
    *,
    trusted: Sequence[str] = (),
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Assessment:
    """Tests and explains the model of ``snapshot`` (an id), and says so on the ledger.

    ``trusted`` are types that may be loaded, beside those of ``[models] trusted``. ``force``: compute everything anew.
    Raises ``Blocked`` where there are no test rows, ``UsageError`` where they cannot be tested.
    """
    manifest = store.manifest(snapshot)
    test = held(manifest, "test")
    if test is None:
        raise Blocked(
            "no test rows are known for this snapshot: pass them to score, predict or a metric of scikit-learn in the "
            "%%experiment cell, or name them with --test X_test,y_test, and run it again"
        )
    if test.object is None:
        raise Blocked(
            f"the test rows were not kept ({test.reason}): see [capture] rows_limit, and run the cell again"
        )
    notes: list[str] = []
    model, described = model_of(root, store, snapshot, manifest, trusted, notes)
    kept = _refit(root, store, snapshot, described, trusted, notes) if test.out_of_fold else model
    policy = read_policy(root)
    targets, asks = kpis(store, snapshot, policy.targets), asked(store, snapshot, policy.targets)
    key = _key(manifest, suite, described if kept is not None else None, asks)
    if not force:
        known = _known(store, key)
        if known is not None:
            return _record(store, snapshot, msgspec.structs.replace(known, snapshot=snapshot))
    made = _assessed(
        store,
        snapshot,
        manifest,
        suite,
        key,
        test,
        model,
        kept,
        described,
        targets,
        asks,
        notes,
        _told(progress, suite),
    )
    return _record(store, snapshot, made)


def _told(progress: Callable[[Progress], None] | None, suite: Suite) -> Callable[[str], None]:
    """Tells which group of tests comes next."""
    from jupyter_mlgov.rerun.progress import Progress

    started = time.monotonic()
    done = 0

    def tell(group: str) -> None:
        nonlocal done
        if progress is not None:
            progress(Progress("assess", done, len(suite.tests), time.monotonic() - started, group))
        done += 1

    return tell


def held(manifest: Manifest, role: str) -> HeldRows | None:
    """The rows of that role, kept or not."""
    return next((one for one in manifest.rows if one.role == role), None)


def read(store: Store, name: str) -> Assessment:
    """The assessment that an object holds. Raises ``Missing``, ``Damaged``."""
    try:
        return decoded(store.get(name), Assessment)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"object {name} is no assessment ({error}); run `mlgov fsck`") from error


def reference_attributions(store: Store, snapshot: str) -> Attributions | None:
    """The attributions that a snapshot was last assessed with, or None. Raises ``Missing``, ``Damaged``."""
    for entry, _ in reversed(store.evidence(snapshot, "assessment")):
        name = entry.body.get("attributions")
        if isinstance(name, str):
            try:
                return decoded(store.get(name), Attributions)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Damaged(f"object {name} is no attributions ({error}); run `mlgov fsck`") from error
    return None


# -- the model ---------------------------------------------------------------------------------------------------


def model_of(
    root: Path, store: Store, snapshot: str, manifest: Manifest, trusted: Sequence[str], notes: list[str]
) -> tuple[Any, Model | None]:
    """The primary model, loaded; None with a note where it cannot be and predictions were kept."""
    primary = next((one for one in manifest.models if one.primary), None)
    if primary is None:
        notes.append("the snapshot names no model (--model VAR): its stored predictions are tested")
        return None, None
    test = held(manifest, "test")
    if test is not None and test.out_of_fold:
        notes.append(
            "each row was predicted by a model that was fitted without it (cross-validation), and these predictions are "
            "tested: the kept model has seen all of the rows"
        )
        return None, primary
    if primary.object is None:
        notes.append(
            f"the model was not kept ({primary.reason or 'unknown why'}): its stored predictions are tested"
        )
        return None, primary
    allowed = trusted_types(root, trusted, recorded_here=store.recorded_here(snapshot))
    try:
        return load_model(store.get(primary.object), trusted=allowed), primary
    except (Untrusted, Blocked) as error:
        if test is None or (test.predicted is None and not test.scores):
            raise
        notes.append(f"{error}; so its stored predictions are tested")
        return None, primary


def _refit(
    root: Path, store: Store, snapshot: str, described: Model | None, trusted: Sequence[str], notes: list[str]
) -> Any:
    """The kept model of a cross-validation, fitted on all rows: it is what is served, so it is what is explained. None
    with a note where it cannot be loaded."""
    if described is None or described.object is None:
        return None
    allowed = trusted_types(root, trusted, recorded_here=store.recorded_here(snapshot))
    try:
        model = load_model(store.get(described.object), trusted=allowed)
    except Blocked as error:
        notes.append(f"the kept model is not explained: {error}")
        return None
    notes.append("what is explained is the kept model, which was fitted on all of the rows")
    return model


# -- not twice ---------------------------------------------------------------------------------------------------


def _key(manifest: Manifest, suite: Suite, model: Model | None, asks: str) -> str:
    from importlib.metadata import version

    facts = {
        "form": FORM,
        "suite": suite.digest,
        "model": model.digest if model is not None else None,
        "rows": [[one.role, one.object, one.predicted, list(one.scores), one.truth] for one in manifest.rows],
        "asked": asks,
        "learnt": msgspec.to_builtins(manifest.inputs_schema),
        "versions": [version(name) for name in ("numpy", "scikit-learn", "shap", "fairlearn")],
    }
    return digest(canonical(facts))


def _known(store: Store, key: str) -> Assessment | None:
    for entry in reversed(store.entries(kind="assessment", here=True)):
        if entry.body.get("key") == key:
            with contextlib.suppress(StoreError):
                found = read(store, str(entry.body.get("assessment")))
                if all(store.has(name) for name in found.objects()):
                    return found
    return None


def _known_attributions(store: Store, key: str) -> tuple[str, Attributions] | None:
    for entry in reversed(store.entries(kind="assessment", here=True)):
        name = entry.body.get("attributions")
        if isinstance(name, str) and entry.body.get("attributions_key") == key:
            with contextlib.suppress(StoreError, msgspec.MsgspecError):
                return name, decoded(store.get(name), Attributions)
    return None


# -- running -------------------------------------------------------------------------------------------------------


def _assessed(
    store: Store,
    snapshot: str,
    manifest: Manifest,
    suite: Suite,
    key: str,
    test: HeldRows,
    model: Any,
    kept: Any,
    described: Model | None,
    targets: Sequence[KpiResult],
    asks: str,
    notes: list[str],
    progress: Callable[[str], None],
) -> Assessment:
    from jupyter_mlgov.assess.subject import read_rows, subject_of

    started = time.perf_counter()
    written = charter(store, snapshot)
    train = held(manifest, "train")
    train_rows = None
    if test.out_of_fold:
        train = None  # the same rows, and each was predicted without it
    if train is not None and train.object is not None:
        try:
            train_rows = read_rows(store, train)
        except MlgovError as error:
            notes.append(f"the training rows cannot be read: {error}")
    elif train is not None:
        notes.append(f"the training rows were not kept: {train.reason}")
    notes += [
        f"of {one.of_rows:,} {one.role} rows a sample of {one.rows:,} was kept, and that is what is used"
        for one in (test, train)
        if one is not None and one.rows < one.of_rows
    ]
    subject = subject_of(
        read_rows(store, test),
        model=model,
        train=train_rows,
        positive=positive_of(suite, written),
        threshold=written.threshold if written else None,
        learnt=_learnt(manifest),
    )
    explained = replace(subject, model=kept) if kept is not model else subject
    results, attributions = _run(store, subject, explained, suite, described, targets, notes, progress)
    from jupyter_mlgov.assess.explain import versions

    return Assessment(
        key=key,
        snapshot=snapshot,
        suite=suite.digest,
        asked=asks,
        task=subject.task,
        model=described.digest if described is not None and model is not None else None,
        model_class=described.class_ if described is not None else None,
        from_predictions=model is None,
        data=str(test.object),
        train=train.object if train is not None else None,
        rows=subject.rows,
        results=tuple(results),
        attributions=attributions,
        notes=tuple(notes),
        seed=suite.seed,
        level=suite.level,
        duration_s=round(time.perf_counter() - started, 3),
        versions=versions(),
    )


def positive_of(suite: Suite, written: Charter | None) -> Any:
    """The label that counts as positive, where somebody said it."""
    if suite.positive is not None:
        return suite.positive
    return written.test_data.positive if written is not None and written.test_data is not None else None


def _learnt(manifest: Manifest) -> dict[str, tuple[float, float]]:
    schema = manifest.inputs_schema
    return {
        one.name: (one.low, one.high)
        for one in (schema.features if schema is not None else ())
        if one.low is not None and one.high is not None
    }


def _run(
    store: Store,
    subject: Subject,
    to_explain: Subject,
    suite: Suite,
    described: Model | None,
    targets: Sequence[KpiResult],
    notes: list[str],
    progress: Callable[[str], None],
) -> tuple[list[TestResult], str | None]:
    from jupyter_mlgov.assess import (
        calibration,
        dependence,
        fairness,
        leakage,
        performance,
        robustness,
        shift,
        slices,
        stability,
    )
    from jupyter_mlgov.assess.judging import crashed

    def draw(title: str, picture: bytes, text: str) -> Figure:
        return Figure(title=title, object=store.put(picture), text=text)

    groups: dict[str, Callable[[], list[TestResult]]] = {
        "performance": lambda: performance.performance(subject, suite, targets),
        "calibration": lambda: calibration.calibration(subject, suite, draw),
        "slices": lambda: slices.slices(subject, suite),
        "fairness": lambda: fairness.fairness(subject, suite),
        "robustness": lambda: robustness.robustness(subject, suite),
        "leakage": lambda: leakage.leakage(subject, suite),
        "stability": lambda: stability.stability(subject, suite),
        "shift": lambda: shift.shift(subject, suite),
        "dependence": lambda: dependence.dependence(subject, suite),
    }
    results: list[TestResult] = []
    attributions: str | None = None
    for name, group in groups.items():
        if name not in suite.tests:
            continue
        progress(name)
        started = time.perf_counter()
        try:
            made = group()
        except (UsageError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - what a model does when it is disturbed is its own
            made = [crashed(name, error)]
        each = (time.perf_counter() - started) / max(len(made), 1)
        results += [msgspec.structs.replace(one, duration_s=round(each, 4)) for one in made]
    if "explanations" in suite.tests:
        progress("explanations")
        explained, attributions = _explanations(store, to_explain, suite, described, notes)
        results += explained
    return results, attributions


def _explanations(
    store: Store, subject: Subject, suite: Suite, described: Model | None, notes: list[str]
) -> tuple[list[TestResult], str | None]:
    from jupyter_mlgov.assess.explain import explain, key_of
    from jupyter_mlgov.assess.judging import crashed, not_applicable, result

    names = ("explanations.additivity", "explanations.sampling")
    why = ""
    if subject.model is None:
        why = "the model is not there to be asked: only its predictions were kept"
    elif described is None or described.digest is None:
        why = "the model has no digest that its explanations could be kept under"
    elif subject.test.held.layout == "series" and not subject.numbers:
        why = "the model takes texts"
    if why or described is None or described.digest is None:
        return [not_applicable(name, why) for name in names], None
    known = _known_attributions(store, key_of(subject, suite, described.digest))
    if known is None:
        try:
            made = explain(subject, suite, store, described.digest)
        except Exception as error:  # noqa: BLE001 - SHAP or the model may refuse
            return [crashed("explanations", error)], None
        known = store.put(canonical(made)), made
    name, made = known
    table = tuple(
        {"feature": one.feature, "mean_abs": one.mean_abs, "low": one.low, "high": one.high, "mean": one.mean}
        for one in made.features[:20]
    )
    details = {"explainer": made.explainer, "output": made.output, "rows": made.rows, "of_rows": made.of_rows,
               "evaluations": made.evaluations, "exact": made.exact}  # fmt: skip
    results = [
        result(names[0], suite, _exactly(made.additivity_error, made.rows), rows=made.rows, details=details),
        result(
            names[1],
            suite,
            _exactly(made.sampling_error, made.rows),
            rows=made.rows,
            table=table,
            figure=made.figures[0] if made.figures else None,
        ),
    ]
    return results, name


def _exactly(value: float, rows: int) -> Any:
    from jupyter_mlgov.governance.estimates import Estimate

    return Estimate(value, value, value, rows, 0)


def _record(store: Store, snapshot: str, made: Assessment) -> Assessment:
    """Keeps the assessment and says so on the ledger; gives it as it is read back, so that every door says the same."""
    data = canonical(made)
    named = list(made.objects())
    attributions_key = None
    if made.attributions is not None:
        explained = decoded(store.get(made.attributions), Attributions)
        named += [explained.values, *(figure.object for figure in explained.figures)]
        attributions_key = explained.key
    store.append(
        "assessment",
        snapshot,
        {
            "assessment": store.put(data),
            "attributions": made.attributions,
            "attributions_key": attributions_key,
            "objects": sorted(set(named) - {made.attributions}),
            "suite": made.suite,
            "key": made.key,
            "counts": made.counts(),
        },
    )
    return decoded(data, Assessment)
