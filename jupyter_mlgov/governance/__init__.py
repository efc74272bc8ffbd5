"""What a model is for, where it fails, and whether it may be used.

Annotations are typed by people and judged here; every answer is a function of a manifest and of the ledger
entries about it. Nothing in this room executes anything but a risk's ``check``, and that only in the kernel
in which the user just ran the cell (``checks.evaluate``).
"""
