"""A model at work: releases, the scoring service, and the log of what it predicted.

What a web server needs (FastAPI, uvicorn, prometheus-client) is imported only by what runs inside the service.
"""

from __future__ import annotations
