"""Everything about a kernel session that a user's code can notice; imported in the kernel by ``test_unharmed``."""

from __future__ import annotations

import asyncio
import decimal
import gc
import hashlib
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from typing import Any


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


OURS = ("mlgov-watches", "MLGOV_READS")
"""What may be noticed, and is documented: the thread that watches files, and the variable that tells child processes
where to say what they read."""

PLAIN = [id(kind) for kind in (bool, int, float, str, bytes, type(None), list, tuple, dict, set)]
"""By identity: a class may have a metaclass whose ``__eq__`` is not to be called."""


def look(namespace: dict[str, Any], expressions: list[str]) -> dict[str, Any]:
    """What there is to see. ``expressions`` are evaluated first: they may look at what the rest would change."""
    special = {text: repr(eval(text, namespace)) for text in expressions}
    names = sorted(
        name for name in dict(namespace) if not name.startswith("_") and name not in ("probe", "loaded")
    )
    shell = namespace["get_ipython"]()
    seen: dict[str, Any] = {
        "special": special,
        "names": names if len(names) < 1000 else len(names),
        "plain values": {
            name: digest(namespace[name])
            for name in names[:1000]
            if id(type(namespace[name])) in PLAIN and name not in ("In", "Out", "child", "back")
        },
        "random": digest(random.getstate()),
        "out": sorted(namespace.get("Out", {})),
        "last": [type(namespace.get(name)).__name__ for name in ("_", "__", "___")],
        "execution count": shell.execution_count,
        "inputs": [text.replace("# %%experiment", "%%experiment") for text in namespace.get("In", [])[-2:-1]],
        "warning filters": digest(warnings.filters),
        "show warning": warnings.showwarning.__module__,
        "warned": sorted(map(str, namespace.get("__warningregistry__", {})))[:20]
        and sorted(str(key) for key in namespace["__warningregistry__"] if key != "version"),
        "tracers": [repr(type(one)) for one in (sys.gettrace(), sys.getprofile(), threading.gettrace())],
        "signals": [
            repr(signal.getsignal(one))[:40] for one in (signal.SIGINT, signal.SIGALRM, signal.SIGTERM)
        ],
        "locale": locale.setlocale(locale.LC_ALL),
        "gc": [gc.isenabled(), gc.get_threshold()],
        # pyzmq starts a thread when it first sends a message of 64 kB and more, and whether text that a cell prints in
        # a hurry becomes one message or several is a matter of moments.
        "threads": sorted(
            thread.name
            for thread in threading.enumerate()
            if thread.name not in OURS and type(thread).__module__ != "zmq.utils.garbage"
        ),
        "streams": [type(sys.stdout).__name__, type(sys.stderr).__name__],
        "environment": digest(
            sorted(item for item in os.environ.items() if item[0] not in ("PWD", "IPYTHONDIR", *OURS))
        ),
        "umask": os.umask(0o022),
        "recursion": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "logging": [
            logging.root.level,
            len(logging.root.handlers),
            [len(h.filters) for h in logging.root.handlers],
            logging.root.manager.disable,
        ],
        "decimal": repr(decimal.getcontext()),
        "hooks": [sys.excepthook.__name__, sys.displayhook.__class__.__name__, sys.unraisablehook.__name__],
        "path": sys.path,
        "exception": repr(sys.exc_info()),
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        seen["numpy"] = [
            digest(numpy.random.get_state()),
            numpy.geterr(),
            numpy.get_printoptions()["precision"],
        ]
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        seen["matplotlib"] = [
            pyplot.get_fignums(),
            digest(sorted(pyplot.rcParams.items(), key=str)),
            pyplot.isinteractive(),
            pyplot.get_backend(),
        ]
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        seen["pandas"] = pandas.get_option("display.max_rows")
    try:
        seen["tasks"] = len(asyncio.all_tasks(asyncio.get_event_loop()))
    except RuntimeError:
        seen["tasks"] = None
    return seen
