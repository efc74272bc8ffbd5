"""Recorded runs made by hand, through the real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import (
    CellRecord,
    Column,
    Environment,
    Frame,
    Input,
    JournalEntry,
    Manifest,
    Model,
    Notebook,
)
from jupyter_mlgov.rerun.code_form import python_of
from jupyter_mlgov.store import Store


def printed(text: str) -> dict[str, Any]:
    """Text on stdout."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def warned(text: str) -> dict[str, Any]:
    """Text on stderr."""
    return {"output_type": "stream", "name": "stderr", "text": text}


def shown(**data: Any) -> dict[str, Any]:
    """A display; ``text_html`` stands for ``text/html``."""
    named = {key.replace("_", "/", 1): value for key, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def raised(name: str, value: str) -> dict[str, Any]:
    """An exception."""
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": []}


class Maker:
    """Makes snapshots of one experiment in a store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.create(folder / ".mlgov")

    def text(self, text: str) -> str:
        return self.store.put(text.encode())

    def run(
        self,
        cells: list[str | tuple[str, list[dict[str, Any]]]],
        *,
        kind: str = "candidate",
        order: list[int | str] | None = None,
        packages: dict[str, str] | None = None,
        variables: dict[str, str | None] | None = None,
        python: str = "3.11.7",
        ids: list[str] | None = None,
        failed: tuple[int, ...] = (),
        **fields: Any,
    ) -> str:
        """One recorded run. ``order``: indices of the cells as they ran (text for a deleted cell)."""
        sources = [cell if isinstance(cell, str) else cell[0] for cell in cells]
        outputs = [[] if isinstance(cell, str) else cell[1] for cell in cells]
        steps: list[int | str] = list(range(len(cells))) if order is None else order
        records = tuple(
            CellRecord(
                index=index,
                id=ids[index] if ids else f"id{index}",
                type="code",
                source=self.text(source),
                runs=steps.count(index),
                status=("error" if index in failed else "ok") if index in steps else "not-run",
                outputs=self.text(json.dumps(outputs[index])) if outputs[index] else None,
                duration_s=0.1,
            )
            for index, source in enumerate(sources)
        )
        journal = []
        for count, step in enumerate(steps, 1):
            source = sources[step] if isinstance(step, int) else step
            names = names_of(python_of(source))
            journal.append(
                JournalEntry(
                    index=step if isinstance(step, int) else None,
                    source=self.text(source),
                    execution_count=count,
                    status="error" if step in failed else "ok",
                    sets=names.sets,
                    uses=names.uses,
                )
            )
        known = packages or {"numpy": "2.0", "unused": "1"}
        environment = Environment(
            python=python,
            platform="Linux",
            packages=known,
            imported=tuple(name for name in known if name != "unused"),
            variables=variables or {},
        )
        manifest = Manifest(
            kind=kind,  # type: ignore[arg-type]
            experiment="base",
            created_at=fields.pop("created_at", "2026-11-24T10:00:00Z"),
            cell=len(cells) - 1,
            notebook=Notebook(
                path="analysis.ipynb",
                order="linear",
                document=self.text(json.dumps({"cells": []})),
                cells=records,
                journal=tuple(journal),
            ),
            environment=self.store.put(canonical(environment)),
            **fields,
        )
        return self.store.commit(manifest).subject

    def baseline(self, cells: list[Any], **fields: Any) -> str:
        """A snapshot."""
        return self.run(cells, kind="snapshot", **fields)

    def table(self, uri: str, text: str, *, cell: int = 0, kept: bool = True) -> Input:
        """A CSV file as an input, described as capture does."""
        from jupyter_mlgov.hashing.frames import describe_frame  # noqa: F401 - the room has to import
        from jupyter_mlgov.hashing.tables import describe_table

        path = Path(self.store.folder).parent / f"{abs(hash(text))}.csv"
        path.write_text(text, encoding="utf-8")
        described = describe_table(path)
        path.unlink()
        assert described is not None
        digest = self.store.put(text.encode())
        return Input(
            uri=uri,
            digest=digest,
            bytes=len(text),
            rows=described.rows,
            columns=described.columns,
            cell=cell,
            kept=kept,
        )


def frame(name: str, digest: str, **columns: str) -> Frame:
    """A DataFrame with columns of given digests."""
    made = tuple(Column(name=column, dtype="float64", digest=text) for column, text in columns.items())
    return Frame(name=name, type="pandas.DataFrame", digest=digest, rows=1, columns=made)


def model(name: str, digest: str) -> Model:
    """A fitted estimator."""
    return Model(name=name, class_="sklearn.linear_model.LogisticRegression", parameters={}, digest=digest)
