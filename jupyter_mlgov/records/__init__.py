"""What is written down: frozen types and their one canonical form.

A *manifest* is the record of one run; everything downstream is a function of manifests. Large or often
repeated parts (sources, outputs, the environment, the notebook) are objects that the manifest names by
digest, so a second snapshot of an unchanged notebook costs one manifest.
"""
