"""The Jupyter Server extension: REST under ``/mlgov/api/`` for the sidebar and for scripts.

A door: handlers parse, call ``Project``, and show. Nothing here answers without authentication, nothing
blocks the event loop, and no path or name from a client reaches the disk unchecked.
"""
