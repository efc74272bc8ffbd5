"""What every route has in common: who may ask, what is refused, how an answer and an error are written.

A handler opens the project in a worker thread and writes the record that comes back; the event loop never waits for
a disk. Errors of the product are one line of JSON with a status by cause.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_mlgov.errors import Blocked, MlgovError, NotFound, StoreError, UsageError
from jupyter_mlgov.governance.keys import KeyLocked
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.server.jobs import JobConflict
from jupyter_mlgov.server.paths import inside, served_path

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project
    from jupyter_mlgov.server.extension import MlgovExtension

REF = re.compile(r"[^\W_][\w.-]{0,99}(:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?(@[1-9][0-9]{0,8})?")
NAME = re.compile(r"[^\W_][\w.-]{0,99}")
JOB = re.compile(r"[0-9a-f]{32}")

Answer = TypeVar("Answer")
Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])


def guarded(action: str) -> Callable[[Method], Method]:
    """Only for a known user whom the server's authorizer lets do ``action`` (read, write, execute) on ``mlgov``.

    Errors of the product that the method raises become the response.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        async def answering(self: MlgovHandler, *arguments: str) -> None:
            try:
                await method(self, *arguments)
            except MlgovError as error:
                raise web.HTTPError(status_of(error), "%s", str(error)) from error

        checked = web.authenticated(authorized(action)(answering))
        return wraps(method)(checked)  # type: ignore[return-value]

    return decorate


def status_of(error: MlgovError) -> int:
    """400: the request is wrong; 404: nothing goes by that name; 409: the project's state does not allow it."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Blocked | StoreError | JobConflict | KeyLocked):
        return 409
    return 400


def ref_of(text: str) -> str:
    """``text`` where it is NAME, NAME@N, MODEL:STAGE or an id (prefix). Raises ``UsageError``."""
    if not REF.fullmatch(text):
        raise UsageError(
            f"snapshot {text[:100]!r}: give NAME, NAME@N, MODEL:STAGE or an id of 6 or more hex digits"
        )
    return text


def whole_number(name: str, text: str, *, least: int, most: int) -> int:
    """``text`` as a number. Raises ``UsageError``."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise UsageError(f"{name} {text[:50]!r}: give a whole number from {least} to {most}")
    return int(text)


class MlgovHandler(APIHandler):  # type: ignore[misc]
    """The base of all routes."""

    auth_resource = "mlgov"

    def initialize(self, extension: MlgovExtension) -> None:
        """Tornado's hook: ``extension`` holds the jobs and the worker threads."""
        self.extension = extension

    async def prepare(self) -> None:
        """Refuses everybody unknown, whatever ``ServerApp.allow_unauthenticated_access`` says."""
        await super().prepare()
        if not self.current_user and self.request.method != "OPTIONS":
            raise web.HTTPError(403)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """One line of JSON, nothing of the server's inside."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message = "the server failed on this request: its log says why"
        if isinstance(error, web.HTTPError):
            text = error.log_message or ""
            message = (text % error.args if error.args else text) or self._reason
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.methods()))
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode({"message": " ".join(message.split())}))

    @classmethod
    def methods(cls) -> list[str]:
        """The HTTP methods that this route has."""
        unanswered = web.RequestHandler.get
        return [name for name in cls.SUPPORTED_METHODS if getattr(cls, name.lower()) is not unanswered]

    def answer(self, record: Any, status: int = 200) -> None:
        """Writes a record as JSON."""
        self.set_status(status)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")
        self.finish(msgspec.json.encode(plain(msgspec.to_builtins(record, str_keys=True))))

    async def work(self, function: Callable[..., Answer], *arguments: Any) -> Answer:
        """``function(*arguments)``, in a worker thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.extension.threads, partial(function, *arguments))

    async def in_project(self, function: Callable[[Project, str | None], Answer]) -> Answer:
        """``function(project, notebook)`` for the project of the ``path`` that was asked about, in a worker thread.

        ``notebook`` is as the project writes it, or None where ``path`` is a folder. Raises ``MlgovError``.
        """
        given = self.text("path")
        return await self.work(lambda: function(*open_project(self.root, given)))

    @property
    def root(self) -> Path:
        """The folder that the server serves."""
        return Path(self.extension.serverapp.root_dir)

    def text(self, name: str, default: str = "") -> str:
        """A query argument as it was sent: ``get_query_argument`` strips it and hides control characters.

        Raises ``UsageError`` where it is not UTF-8.
        """
        values = self.request.query_arguments.get(name)
        try:
            return values[-1].decode("utf-8") if values else default
        except UnicodeDecodeError as error:
            raise UsageError(f"{name}: send it as UTF-8") from error

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A query argument that is a whole number. Raises ``UsageError``."""
        text = self.text(name)
        return whole_number(name, text, least=least, most=most) if text else default

    def body(self, kind: type[Answer], remedy: str) -> Answer:
        """The request's body as a record; an empty one is ``{}``. Raises ``UsageError``, which ends in ``remedy``."""
        try:
            return decoded(self.request.body or b"{}", kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(f"the request's body: {error}; {remedy}") from error

    def choice(self, name: str, *choices: str) -> str:
        """A query argument that is one of ``choices``; the first is the default. Raises ``UsageError``."""
        text = self.text(name) or choices[0]
        if text not in choices:
            raise UsageError(f"{name} {text[:50]!r}: give one of {', '.join(choices)}")
        return text


def open_project(root: Path, given: str) -> tuple[Project, str | None]:
    """The project of a served notebook or folder, and the notebook as that project writes it.

    Raises ``NotFound`` where there is no project yet, and what ``served_path`` raises.
    """
    from jupyter_mlgov.project import Project

    path = served_path(root, given)
    project = Project.open(path)
    return project, None if path.is_dir() else inside(path, Path(project.root))
