"""What clients send and get: plain JSON (``/predict``) and the Open Inference Protocol v2 (``/v2/.../infer``).

Both become the same ``Asked``, so both are checked, predicted and logged alike. See docs/reference/scoring-service.md and
https://github.com/kserve/open-inference-protocol.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_mlgov.operate.accepted import Accepted, Problem, Refused
from jupyter_mlgov.operate.explanations import BASE, explained_output
from jupyter_mlgov.operate.served import Served
from jupyter_mlgov.records.decoding import decoder

_NUMBERS = frozenset(
    {"FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}
)
_KINDS = {"double": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES", "timestamp": "BYTES"}


class Asked(Struct):
    """A request: ``rows`` values of each input."""

    columns: dict[str, list[Any]]
    rows: int
    explain: bool = False
    client: str | None = None
    wanted: tuple[str, ...] | None = None
    """The outputs that are asked for; None: all."""


class _Plain(Struct, forbid_unknown_fields=True):
    rows: list[dict[str, Any]] | dict[str, Any] | None = None
    columns: dict[str, list[Any]] | None = None
    explain: bool = False
    id: str | None = None


class _Tensor(Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class _Output(Struct):
    name: str


class _Infer(Struct):
    inputs: list[_Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[_Output] | None = None


_plain = decoder(_Plain).decode
_infer = decoder(_Infer).decode
encode = msgspec.json.Encoder().encode


def malformed(error: Exception) -> Refused:
    """The refusal of a body that is not of the protocol's form."""
    return Refused([Problem(column="(body)", row=None, problem=str(error)[:300])])


def read_plain(body: bytes, takes: Accepted) -> Asked:
    """A body of ``/predict``. Raises ``Refused``."""
    try:
        asked = _plain(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise malformed(error) from error
    if (asked.rows is None) == (asked.columns is None):
        raise malformed(
            ValueError('give "rows" (an object for each row) or "columns" (a list for each input)')
        )
    if asked.columns is not None:
        counts = {len(values) for values in asked.columns.values()}
        if len(counts) > 1:
            raise malformed(ValueError("the columns have different lengths"))
        return Asked(asked.columns, counts.pop() if counts else 0, asked.explain, asked.id)
    rows = [asked.rows] if isinstance(asked.rows, dict) else asked.rows or []
    return Asked(_columns(rows, takes), len(rows), asked.explain, asked.id)


def _columns(rows: Sequence[Mapping[str, Any]], takes: Accepted) -> dict[str, list[Any]]:
    """Rows as columns. Raises ``Refused`` where rows do not have the same inputs."""
    if not rows:
        return {name: [] for name in takes.names}
    names = rows[0].keys()
    for place, row in enumerate(rows):
        if row.keys() != names:
            odd = min(row.keys() ^ names)
            raise Refused([Problem(column=odd[:80], row=place, problem="not every row has it")])
    return {name: [row[name] for row in rows] for name in names}


def read_infer(body: bytes, takes: Accepted) -> Asked:
    """A body of ``/infer``: a tensor for each input, or one for all where they are numbers. Raises ``Refused``."""
    try:
        asked = _infer(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise malformed(error) from error
    columns: dict[str, list[Any]] = {}
    counts: set[int] = set()
    for tensor in asked.inputs:
        values = _values(tensor)
        rows, width = _shape(tensor, len(values))
        counts.add(rows)
        if width == 1 and (tensor.name in takes.names or len(asked.inputs) > 1):
            columns[tensor.name] = values
        elif len(asked.inputs) == 1 and width == len(takes.names):
            columns = {name: values[place::width] for place, name in enumerate(takes.names)}
        else:
            whole = f"[rows, {len(takes.names)}] for all inputs in one"
            said = f"its shape {tensor.shape} is not [rows] or [rows, 1], nor {whole}"
            raise Refused([Problem(column=tensor.name[:80], row=None, problem=said)])
    if len(counts) > 1:
        raise malformed(ValueError(f"the tensors have different numbers of rows: {sorted(counts)}"))
    wanted = tuple(one.name for one in asked.outputs) if asked.outputs is not None else None
    return Asked(
        columns, counts.pop() if counts else 0, asked.parameters.get("explain") is True, asked.id, wanted
    )


def _values(tensor: _Tensor) -> list[Any]:
    """The values of a tensor, flat: protocol clients may send them nested."""
    values: list[Any] = tensor.data
    while values and type(values[0]) is list:
        values = [value for row in values for value in (row if isinstance(row, list) else [row])]
    if tensor.datatype == "BYTES" and tensor.parameters.get("content_type") == "base64":
        try:
            return [base64.b64decode(value).decode("utf-8") for value in values]
        except (ValueError, TypeError) as error:
            raise Refused(
                [Problem(column=tensor.name[:80], row=None, problem="it is no base64 of UTF-8")]
            ) from error
    if tensor.datatype not in _NUMBERS | {"BOOL", "BYTES"}:
        raise Refused(
            [
                Problem(
                    column=tensor.name[:80],
                    row=None,
                    problem=f"there is no datatype {tensor.datatype[:20]!r}",
                )
            ]
        )
    if tensor.datatype.startswith("FP"):
        # FP64 [1] is written as 1 by many clients, and an integer input is often sent as FP.
        return [float(value) if type(value) is int else value for value in values]
    return values


def _shape(tensor: _Tensor, count: int) -> tuple[int, int]:
    shape = tensor.shape
    rows = shape[0] if shape else 0
    width = shape[1] if len(shape) == 2 else 1
    if len(shape) not in (1, 2) or min(shape, default=-1) < 0 or rows * width != count:
        said = f"its shape {shape} does not fit its {count} values"
        raise Refused([Problem(column=tensor.name[:80], row=None, problem=said)])
    return rows, width


def answer_plain(
    served: Served, request: str, columns: Mapping[str, list[Any]], explanation: list[dict[str, float]] | None
) -> bytes:
    """The answer of ``/predict``: for each row the prediction, the probabilities and, asked for, the explanation."""
    release = served.release
    rows = len(next(iter(columns.values())))
    predictions: list[dict[str, Any]] = []
    scores = {
        name.removeprefix("probability."): values
        for name, values in columns.items()
        if name.startswith("probability.")
    }
    for row in range(rows):
        if "prediction" in columns:
            one: dict[str, Any] = {"prediction": columns["prediction"][row]}
        else:
            one = {
                "prediction": [
                    values[row] for name, values in columns.items() if name.startswith("prediction.")
                ]
            }
        if scores:
            one["probabilities"] = {name: values[row] for name, values in scores.items()}
        if explanation is not None:
            parts = dict(explanation[row])
            one["explanation"] = {
                "output": explained_output(served), "base": parts.pop(BASE), "contributions": parts,
            }  # fmt: skip
        predictions.append(one)
    return encode(
        {
            "request_id": request,
            "model": release.model,
            "stage": release.stage,
            "version": release.number,
            "predictions": predictions,
        }
    )


def answer_infer(
    served: Served,
    request: str,
    asked: Asked,
    columns: Mapping[str, list[Any]],
    explanation: list[dict[str, float]] | None,
) -> bytes:
    """The answer of ``/infer``: a tensor for each output. ``parameters.request_id`` is what the log calls it."""
    kinds = dict(served.outputs)
    outputs: list[dict[str, Any]] = []
    for name, values in columns.items():
        if asked.wanted is not None and name not in asked.wanted:
            continue
        datatype = _KINDS[kinds.get(name, "double")]
        data = values if datatype != "BYTES" else [str(value) for value in values]
        outputs.append({"name": name, "shape": [asked.rows], "datatype": datatype, "data": data})
    if explanation is not None:
        names = [*served.accepted.names, BASE]
        outputs.append(
            {
                "name": "explanation",
                "shape": [asked.rows, len(names)],
                "datatype": "FP64",
                "data": [row[name] for row in explanation for name in names],
                "parameters": {"columns": names, "output": explained_output(served)},
            }
        )
    release = served.release
    return encode(
        {
            "model_name": release.model,
            "model_version": str(release.number),
            "id": asked.client if asked.client is not None else request,
            "parameters": {"request_id": request, "stage": release.stage},
            "outputs": outputs,
        }
    )


def metadata(served: Served) -> dict[str, Any]:
    """``/v2/models/MODEL``: inputs and outputs with their types."""
    release = served.release
    return {
        "name": release.model,
        "versions": [str(release.number)],
        "platform": "sklearn",
        "inputs": [
            {
                "name": column.name,
                "datatype": _KINDS[column.arrow],
                "shape": [-1],
                "parameters": {
                    "kind": column.kind,
                    "optional": column.optional,
                    "low": column.low,
                    "high": column.high,
                    "categories": sorted(column.categories, key=str)
                    if column.categories is not None
                    else None,
                },
            }
            for column in served.accepted.columns
        ],
        "outputs": [{"name": name, "datatype": _KINDS[kind], "shape": [-1]} for name, kind in served.outputs],
        "parameters": {
            "stage": release.stage,
            "snapshot": release.snapshot,
            "released_at": release.at,
            "schema": "learnt" if served.accepted.learnt else "names and types only",
        },
    }
