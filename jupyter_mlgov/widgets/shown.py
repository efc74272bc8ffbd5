"""What a notebook shows of a widget: the ipywidgets box, with the same as static HTML beside it.

A front end that has widgets takes the box. The HTML is for those that have none, for pages that are made of the notebook
and for readers of a saved file; where ipywidgets is not installed it is all there is.
"""

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

        page = self._repr_html_()
        try:
            widget = self.widget
        except ImportError:
            display(HTML(page))
            return
        bundle = {**widget._repr_mimebundle_(), "text/html": page, "text/plain": repr(self)}
        display(bundle, raw=True)
