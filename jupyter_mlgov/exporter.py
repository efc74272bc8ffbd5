"""``jupyter nbconvert --to mlgov_report x.ipynb``, and JupyterLab's *Save and Export Notebook As*: a notebook's newest
snapshot as its governance report.

A door: it finds the project and calls it. What the notebook's file holds now is not looked at; the report is about what
was recorded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from nbformat import NotebookNode

from jupyter_mlgov.errors import MlgovError


class ReportExporter(Exporter):  # type: ignore[misc]  # nbconvert has no types
    """The report of the newest snapshot of the notebook that nbconvert was given."""

    export_from_notebook = "Governance report"
    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page, and ``resources`` as nbconvert's writers want them. Raises ``ConversionException``."""
        from jupyter_mlgov.project import Project

        _, made = super().from_notebook_node(nb, resources, **kw)
        metadata = made.get("metadata", {})
        name = metadata.get("name")
        if not name:
            raise ConversionException(
                "mlgov_report: the notebook has no file, so it has no record: save it, and run its %%experiment cell"
            )
        path = Path(metadata.get("path") or ".").absolute() / f"{name}.ipynb"
        try:
            project = Project.open(path)
            return project.report_html(project.resolve(str(path))), made
        except MlgovError as error:
            raise ConversionException(f"mlgov_report: {error}") from error
