"""How ``%%experiment`` leaves its cell alone.

A cell magic that runs its body puts itself between IPython and the user's code: results, tracebacks, line
numbers and top-level ``await`` change. So the header line is turned into a comment before IPython compiles
the cell, which then runs as the ordinary cell that it is. Hooks around it do the recording.

A line that is wrong stays as it is: then IPython calls the magic of that name, which says what is wrong.
"""

from __future__ import annotations

from jupyter_mlgov.capture.experiment_line import header_of
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.magics.arguments import parse_experiment


def strip_header(lines: list[str]) -> list[str]:
    """An input transformation for ``input_transformers_cleanup``. It has no side effect and never raises."""
    if not lines or not lines[0].startswith("%%experiment"):
        return lines
    header = header_of(lines[0])
    if header is None or not "".join(lines[1:]).strip():
        return lines
    try:
        parse_experiment(header[1])
    except MlgovError:
        return lines
    rest = next((line for line in lines[1:] if line.strip()), "")
    if rest.startswith("%%"):
        # Another cell magic has to be the first line to be seen as one.
        return lines[next(number for number, line in enumerate(lines) if number and line.strip()) :]
    return ["# " + lines[0], *lines[1:]]
