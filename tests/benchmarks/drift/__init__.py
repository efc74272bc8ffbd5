"""How early and how surely drift is found, on streams whose truth is known, beside other libraries: ``make bench-drift``.

``streams`` makes them, ``ours`` and ``peers`` (in an environment of its own) go through the same files, ``__main__`` runs
both and writes docs/reference/drift-benchmark.md.
"""
