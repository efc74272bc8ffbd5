"""The rows that the model was fitted on and is tested on, kept so that it can be tested later.

Which rows these are is found (``found_rows``) and laid out as one table (``row_tables``). They are kept as Parquet, up to
``rows_limit`` bytes: of more, a sample that is the same every time. Rows in whose text a secret is found are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from jupyter_mlgov.capture.found_rows import FoundRows, find_rows
from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.row_tables import NotKept, RowTable, parquet_bytes
from jupyter_mlgov.capture.secret_columns import secret_column
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.annotations import DeclaredData
from jupyter_mlgov.records.assessment import HeldRows, InputSchema
from jupyter_mlgov.records.manifest import Caution, Frame, Model

if TYPE_CHECKING:
    import pandas as pd


class _Asked(Struct, frozen=True):
    """What the rows of one snapshot are made from, and where they go."""

    namespace: Mapping[str, Any]
    digests: Mapping[str, str]
    """Of the frames, by variable."""
    columns: Sequence[str]
    limit: int
    kept: Kept


class RowsRecorder(Struct):
    """Keeps between snapshots what need not be written again."""

    secrets: Secrets
    _made: dict[tuple[object, ...], tuple[HeldRows, InputSchema | None]] = field(default_factory=dict)

    def record(
        self,
        test: Sequence[str],
        declared: DeclaredData | None,
        codes: Sequence[str],
        namespace: Mapping[str, Any],
        *,
        models: Sequence[Model],
        frames: Sequence[Frame],
        columns: Sequence[str],
        limit: int,
        kept: Kept,
        lost: list[Caution],
    ) -> tuple[tuple[HeldRows, ...], InputSchema | None]:
        """Train and test rows, as far as they are known, and what the model's inputs look like.

        ``test`` are the names of ``--test``; ``codes`` the cells that may say it, the experiment's last; ``columns`` what
        tests need beside the features (slices, sensitive columns), taken from a table with the same rows.
        """
        primary = next((model.name for model in models if model.primary), None)
        digests = {frame.name: frame.digest for frame in frames if frame.digest is not None}
        asked = _Asked(namespace, digests, columns, limit, kept)
        held: list[HeldRows] = []
        schema: InputSchema | None = None
        for found in find_rows(test, declared, codes, namespace, primary, lost):
            one, learnt = self._hold(found, asked, learn=schema is None)
            held.append(one)
            schema = schema or learnt
            if one.reason is not None and found.evidence == "declared":
                said = f"the rows for tests ({', '.join(one.variables)}): {one.reason}"
                lost.append(Caution(code="rows.skipped", message=said))
        return tuple(held), schema

    def _hold(self, found: FoundRows, asked: _Asked, *, learn: bool) -> tuple[HeldRows, InputSchema | None]:
        key: tuple[object, ...] | None = (
            learn,
            found.role,
            found.model,
            asked.limit,
            *asked.columns,
            *found.variables,
            *(asked.digests.get(name) for name in found.variables),
        )
        if not all(name in asked.digests for name in found.variables):
            key = None
        if key is not None and key in self._made and asked.kept.has(str(self._made[key][0].object)):
            return self._made[key]
        made = self._make(found, asked, learn)
        if key is not None and made[0].object is not None:
            self._made[key] = made
        return made

    def _make(self, found: FoundRows, asked: _Asked, learn: bool) -> tuple[HeldRows, InputSchema | None]:
        from jupyter_mlgov.capture.learnt_inputs import learn_inputs

        facts: dict[str, Any] = {
            "role": found.role,
            "model": found.model,
            "variables": found.variables,
            "evidence": found.evidence,
            "out_of_fold": found.out_of_fold,
        }
        try:
            table = RowTable.of(found, asked.namespace, asked.columns, asked.limit)
            self._no_secrets(table.frame)
            data = parquet_bytes(table.frame)
        except NotKept as error:
            return HeldRows(**facts, object=None, reason=str(error)), None
        held = HeldRows(
            **facts,
            object=asked.kept.put(data),
            digest=asked.digests.get(found.variables[0]) if found.variables else None,
            rows=len(table.frame),
            of_rows=table.of_rows,
            layout=table.layout,
            features=table.features,
            truth=table.truth,
            predicted=table.predicted,
            scores=table.scores,
            classes=_classes(asked.namespace.get(found.model or "")),
            extra=table.extra,
        )
        if not learn or not table.features:
            return held, None
        return held, learn_inputs(table.frame.loc[:, list(table.features)], held)

    def _no_secrets(self, frame: pd.DataFrame) -> None:
        name = secret_column(frame, self.secrets.redact)
        if name is not None:
            raise NotKept(f"column {name} holds a secret, so they are not kept")


def _classes(model: Any) -> tuple[Any, ...]:
    """The labels that a classifier knows, in the order of its scores."""
    from jupyter_mlgov.hashing.fitted import attributes

    if model is None:
        return ()
    try:
        import numpy as np

        held = attributes(model).get("classes_")
        if held is None:
            steps = attributes(model).get("steps")
            held = attributes(steps[-1][1]).get("classes_") if isinstance(steps, list) and steps else None
        if type(held) is not np.ndarray or held.ndim != 1 or len(held) > 1000:
            return ()
        return tuple(item for item in held.tolist() if isinstance(item, bool | int | float | str))
    except Exception:  # noqa: BLE001 - a model whose state cannot be looked at says nothing
        return ()
