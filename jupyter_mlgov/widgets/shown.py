"""What a notebook shows of a widget: the ipywidgets box, or where ipywidgets is not installed the same as HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Shown(ABC):
    """The base of what ``mlgov.explore`` and ``mlgov.decide`` give."""

    @property
    @abstractmethod
    def widget(self) -> Any:
        """The ipywidgets box. Raises ``ImportError`` where ipywidgets is not installed."""

    @abstractmethod
    def _repr_html_(self) -> str: ...

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        try:
            widget = self.widget
        except ImportError:
            display(HTML(self._repr_html_()))
            return
        display(widget)
