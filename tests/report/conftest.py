"""Sample records, their pages, and a real Chromium that reports every script and request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov import report
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.report import ReportContext
from tests.report import sample
from tests.report.sample import Sample


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample.rich(tmp_path_factory.mktemp("rich") / ".mlgov")


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample.good(tmp_path_factory.mktemp("good") / ".mlgov")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample.bare(tmp_path_factory.mktemp("bare") / ".mlgov")


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample.strange(tmp_path_factory.mktemp("strange") / ".mlgov")


def context(one: Sample, snapshot: str | None = None, **options: Any) -> ReportContext:
    """The context of a sample's newest snapshot, or of another of its snapshots."""
    snapshot = snapshot or one.id
    return report.build(one.store, snapshot, decide(one.store, snapshot), **options)


def page(one: Sample, snapshot: str | None = None) -> str:
    return report.render(context(one, snapshot))


@dataclass
class Listener:
    """A server that nothing may ever call."""

    port: int
    calls: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    found = Listener(0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.calls.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Seen:
    """What happened while a page was open."""

    page: Any
    requests: list[str]
    dialogs: list[str]
    messages: list[str]

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(
        (one for one in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(one).exists()), None
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def look(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    """Opens HTML in Chromium; ``options`` are those of a Playwright context."""
    contexts: list[Any] = []

    def open_page(html: str, *, width: int = 1280, height: int = 800, **options: Any) -> Seen:
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        made = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(made)
        tab = made.new_page()
        seen = Seen(tab, [], [], [])
        made.on("request", lambda request: seen.requests.append(request.url))
        tab.on("console", lambda message: seen.messages.append(message.text))

        def refuse(dialog: Any) -> None:
            seen.dialogs.append(dialog.message)
            dialog.dismiss()

        tab.on("dialog", refuse)
        tab.goto(path.as_uri())
        seen.requests = [url for url in seen.requests if url != path.as_uri() and not url.startswith("data:")]
        return seen

    yield open_page
    for one in contexts:
        one.close()
