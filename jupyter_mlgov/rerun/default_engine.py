"""papermill's default engine for notebooks that come from a store.

A scheduler such as Airflow names no engine. A recorded notebook may hold ``%%experiment`` cells that only a kernel of
the engine ``mlgov`` knows; so where the input is ``mlgov://REF``, that engine executes it, and every other notebook
is executed as before.
"""

from __future__ import annotations

from typing import Any

SCHEME = "mlgov://"
_MARK = "mlgov_by_input"


def execute_by_input() -> None:
    """Makes papermill's default engine, whichever it is, leave ``mlgov://`` to ``mlgov``. A second call changes nothing."""
    from papermill.engines import papermill_engines

    default = papermill_engines.get_engine(None)
    if getattr(default, _MARK, False):
        return

    class ByInput(default):  # type: ignore[misc, valid-type]
        """The default engine, but for notebooks from a store."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            """As the engine that the input asks for."""
            if str(options.get("input_path") or "").startswith(SCHEME):
                from jupyter_mlgov.rerun.engine import MlgovEngine

                return MlgovEngine.execute_managed_notebook(nb_man, kernel_name, **options)
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    setattr(ByInput, _MARK, True)
    papermill_engines.register(None, ByInput)
