"""``python -m jupyter_mlgov.cli``: the same as ``mlgov``."""

from jupyter_mlgov.cli import main

main()
