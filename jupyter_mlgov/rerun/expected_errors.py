"""Errors that are part of a notebook: cells tagged ``raises-exception``, and those that a baseline has too.

papermill runs past a tagged cell and then raises for it at the end. It offers no way to say otherwise, so its
check is wrapped: cells that this engine has marked are passed over, for every other notebook it is untouched.
"""

from __future__ import annotations

from typing import Any

import papermill.execute
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import write_ipynb

TAG = "raises-exception"
_MARK = "mlgov_expected_error"


def mark(cell: Any, *, expected: bool) -> None:
    """Notes on an executed cell that its error, if it raised one, was to be."""
    raised = any(output.get("output_type") == "error" for output in cell.get("outputs", []))
    if raised and (expected or TAG in cell.metadata.get("tags", [])):
        cell.metadata.papermill[_MARK] = True


def respect() -> None:
    """Makes papermill's final check respect the marks. A second call changes nothing."""
    check = papermill.execute.raise_for_execution_errors
    if getattr(check, _MARK, False):
        return

    def checked(notebook: Any, output_path: Any) -> None:
        marked = [cell for cell in notebook.cells if cell.get("metadata", {}).get("papermill", {}).get(_MARK)]
        if not marked:
            check(notebook, output_path)
            return
        kept = [(cell, cell.outputs) for cell in marked]
        for cell, outputs in kept:
            cell.outputs = [output for output in outputs if output.output_type != "error"]
        try:
            check(notebook, output_path)
        except PapermillExecutionError:
            # papermill has written the notebook while the expected errors were out of it.
            for cell, outputs in kept:
                cell.outputs = outputs
            write_ipynb(notebook, output_path)
            raise
        finally:
            for cell, outputs in kept:
                cell.outputs = outputs

    setattr(checked, _MARK, True)
    papermill.execute.raise_for_execution_errors = checked
