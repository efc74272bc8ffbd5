"""What comes over HTTP and from databases: addresses without credentials, queries, and digests of what came back."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from blake3 import blake3

from jupyter_mlgov.capture import calls
from jupyter_mlgov.capture.addresses import address_of, is_remote, without_credentials
from jupyter_mlgov.capture.input_records import record_fetched
from jupyter_mlgov.capture.reads import Reads
from jupyter_mlgov.capture.transports import Passing
from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]
CSV = b"a,b\n1,2.5\n3,4.5\n"


class _Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/t.csv")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        found = self.path.startswith("/t.")
        body, status = (CSV, 200) if found else (b"no such file", 404)
        part = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if found else None
        if part is not None:
            body, status = CSV[int(part[1]) : int(part[2] or len(CSV)) + 1], 206
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        if part is not None:
            last = int(part[1]) + len(body) - 1
            self.send_header("Content-Range", f"bytes {part[1]}-{last}/{len(CSV)}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    one = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{one.server_address[1]}"
    one.shutdown()
    thread.join()
    one.server_close()


def digest(data: bytes) -> str:
    return f"blake3:{blake3(data).hexdigest()}"


def test_what_is_fetched_is_an_input_with_the_digest_of_what_came_back(
    kernel: Start, tmp_path: Path, server: str
) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, polars, requests, httpx, urllib.request")
    for code in (
        f"df = pd.read_csv('http://{server}/t.csv?who=pandas')",
        f"polars.read_csv('http://{server}/t.csv?who=polars')",
        f"urllib.request.urlopen('http://{server}/t.csv?who=urllib').read()",
        f"b''.join(urllib.request.urlopen('http://{server}/t.csv?who=lines'))",
        f"urllib.request.urlretrieve('http://{server}/t.csv?who=retrieve', 'got.csv'); pd.read_csv('got.csv')",
        f"requests.get('http://{server}/t.csv?who=requests').content",
        f"b''.join(requests.get('http://{server}/t.csv?who=stream', stream=True).iter_content(4))",
        f"requests.get('http://{server}/moved?who=moved')",
        f"requests.get('http://ada:secret-word@{server}/t.csv?who=login&api_key=secret-word')",
        f"httpx.get('http://{server}/t.csv?who=httpx').text",
        f"async with httpx.AsyncClient() as client: await client.get('http://{server}/t.csv?who=httpx-async')",
        "import aiohttp, asyncio\nasync with aiohttp.ClientSession() as client:\n    async def get(who):\n"
        f"        async with client.get('http://{server}/t.csv?who=' + who) as answer:\n"
        "            return await answer.text(), await answer.read()\n"
        "    await asyncio.gather(get('aiohttp'), get('beside'))",
        f"requests.get('http://{server}/gone.csv'); requests.post('http://{server}/t.csv', data='x')",
    ):
        one.must(code)
    one.must("df['a'] = 0")
    one.must("%%experiment web\nn = len(df)")
    document = Project.open(tmp_path).show("web")
    base = f"http://{server}"
    items = {item["uri"].replace(base, ""): item for item in document["inputs"]}
    assert set(items) == {
        *(f"/t.csv?who={who}" for who in ("pandas", "polars", "urllib", "lines", "retrieve", "requests", "stream", "httpx", "httpx-async", "aiohttp", "beside")),
        "/t.csv?who=login&api_key=<redacted>", "/moved?who=moved", "got.csv",
    }  # fmt: skip
    assert "secret-word" not in json.dumps(document)
    for who in (
        "urllib",
        "lines",
        "retrieve",
        "requests",
        "stream",
        "httpx",
        "httpx-async",
        "aiohttp",
        "beside",
    ):
        assert (items[f"/t.csv?who={who}"]["digest"], items[f"/t.csv?who={who}"]["bytes"]) == (
            digest(CSV),
            len(CSV),
        )
    for who in ("pandas", "polars"):
        table = items[f"/t.csv?who={who}"]
        assert table["digest"].startswith("blake3:")
        assert table["rows"] == 2
        assert [column["name"] for column in table["columns"]] == ["a", "b"]
        assert table["evidence"] == "proven"
    assert items["got.csv"]["derived"] is True


def test_addresses_that_read_alike_without_their_credentials_are_two_inputs(
    kernel: Start, tmp_path: Path, server: str
) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport requests, urllib.request")
    for query in (
        "st=CA",
        "st=NY",
        "key=first",
        "key=second",
        "key=first",
        "key=broken",
        "access_token=a",
        "access_token=b",
    ):
        one.must(f"requests.get('http://{server}/t.csv?{query}')")
    one.must(f"urllib.request.urlopen('http://{server}/t.csv?key=second').read(3)")
    one.must("%%experiment alike\nn = 1")
    items = {
        item["uri"].replace(f"http://{server}/t.csv", ""): item
        for item in Project.open(tmp_path).show("alike")["inputs"]
    }
    assert set(items) == {
        "?st=CA",
        "?st=NY",
        "?key=<redacted>",
        "?key=<redacted>#2",
        "?access_token=<redacted>",
    }
    assert items["?key=<redacted>"]["digest"] == digest(CSV)
    assert items["?key=<redacted>#2"]["digest"] == digest(CSV[:3])
    assert items["?st=CA"]["cell"] != items["?st=NY"]["cell"]


def test_thousands_of_fetches_and_lines_cost_the_cell_next_to_nothing() -> None:
    reads = Reads()
    started = time.process_time()
    for number in range(20_000):
        reads.saw_fetch(Passing(reads, f"https://example.org/{number}.csv?a={number}").fetched)
    assert time.process_time() - started < 4
    assert len(reads.fetched) == 20_000
    passing = Passing(reads, "https://example.org/lines")
    for _ in range(1_000):
        passing.saw(b"one line\n")
    (item,) = record_fetched([passing.fetched], [0])
    assert (item.digest, item.bytes) == (digest(b"one line\n" * 1_000), 9_000)


def test_what_takes_too_long_to_hash_while_the_cell_waits_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "OBJECTS", 3)
    reads = Reads()
    told: Any = SimpleNamespace(fetched=reads.saw_fetch)
    after = calls._coming_back(told, "https://example.org/t.csv?token=a")
    after(pd.DataFrame({"a": pd.Series([object(), 1, "x", 2.5], dtype=object)}))
    (item,) = record_fetched(list(reads.fetched.values()), [0])
    assert (item.digest, item.evidence) == (None, "observed")
    assert "not hashed while the cell waited" in str(item.reason)


def test_a_connection_is_asked_beside_the_users_factories(kernel: Start, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    for name in ("before.db", "after.db"):
        connection = sqlite3.connect(tmp_path / name)
        frame.to_sql("t", connection, index=False)
        connection.close()
    one = kernel()
    odd = (
        "{0} = sqlite3.connect('{0}.db')\n{0}.row_factory = lambda cursor, row: dict(zip('abc', row))\n"
        "{0}.text_factory = bytes\n{0}.set_trace_callback(said.append)\n"
    )
    one.must("import sqlite3, polars\nsaid = []\n" + odd.format("before"))
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd")
    one.must(odd.format("after") + "del said[:]\npd.read_sql('select a from t', after)")
    assert one.must("said").result == "['select a from t']"
    one.must("pd.read_sql('select a from t where a = 1', before)")
    one.must("%%experiment odd\nn = 1")
    items = {item["uri"]: item for item in Project.open(tmp_path).show("odd")["inputs"]}
    assert set(items) == {"before.db", "after.db"}
    assert items["after.db"]["query"] == "select a from t"
    assert items["before.db"]["query"] == "select a from t where a = 1"
    assert items["after.db"]["rows"] == 2


def test_databases_have_their_queries_and_the_tables_that_came_back(kernel: Start, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    for name in ("one", "two", "three"):
        connection = sqlite3.connect(tmp_path / f"{name}.db")
        frame.to_sql("t", connection, index=False)
        connection.close()
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, sqlite3, sqlalchemy, duckdb, polars")
    one.must("a = pd.read_sql('select a from t where a > 1', sqlite3.connect('one.db'))")
    one.must("engine = sqlalchemy.create_engine('sqlite:///two.db')\nwith engine.connect() as c:\n"
             "    b = pd.read_sql_query('select b from t', c)\n    pd.read_sql_query('select a, b from t', c)")  # fmt: skip
    one.must("polars.read_database('select * from t', sqlite3.connect('three.db'))")
    one.must(
        "memory = sqlite3.connect(':memory:')\na.to_sql('t', memory)\npd.read_sql('select * from t', memory)"
    )
    one.must("%%experiment sql\nn = len(a)")
    items = {item["uri"]: item for item in Project.open(tmp_path).show("sql")["inputs"]}
    assert set(items) == {"one.db", "two.db", "three.db"}
    assert items["one.db"]["query"] == "select a from t where a > 1"
    assert (items["one.db"]["rows"], [column["name"] for column in items["one.db"]["columns"]]) == (2, ["a"])
    assert items["one.db"]["digest"] == digest((tmp_path / "one.db").read_bytes())
    assert items["two.db"]["query"] == "select b from t;\nselect a, b from t"
    assert items["two.db"]["rows"] is None
    assert items["three.db"]["rows"] == 3


@pytest.mark.parametrize(
    ("uri", "clean"),
    [
        ("https://ada:word@example.org/x.csv", "https://example.org/x.csv"),
        ("https://word@example.org:8443/x.csv?page=2", "https://example.org:8443/x.csv?page=2"),
        ("https://example.org/x?a=1&access_token=abc", "https://example.org/x?a=1&access_token=<redacted>"),
        ("https://bucket/x?X-Amz-Signature=abc&X-Amz-Credential=d",
         "https://bucket/x?X-Amz-Signature=<redacted>&X-Amz-Credential=<redacted>"),
        ("s3://bucket/key.parquet", "s3://bucket/key.parquet"),
        ("postgresql+psycopg2://ada:p%40ss@db:5432/shop", "postgresql+psycopg2://db:5432/shop"),
        ("https://x.org/d?st=CA&se=1&author=austen&tokenizer=bert&obsession=cats",
         "https://x.org/d?st=CA&se=1&author=austen&tokenizer=bert&obsession=cats"),
        ("https://x.org/d?sv=1&st=2&se=3&sp=r&sig=abcdefgh", "https://x.org/d?sv=<redacted>&st=<redacted>&se=<redacted>&sp=<redacted>&sig=<redacted>"),
        ("https://x.org/d?auth=ab&session_id=1&sessionId=2&PHPSESSID=3&X-Auth=4&userAuth=5&authToken=6&key=7",
         "https://x.org/d?auth=<redacted>&session_id=<redacted>&sessionId=<redacted>&PHPSESSID=<redacted>&X-Auth=<redacted>"
         "&userAuth=<redacted>&authToken=<redacted>&key=<redacted>"),
    ],
)  # fmt: skip
def test_credentials_are_taken_out_of_addresses(uri: str, clean: str) -> None:
    assert without_credentials(uri) == clean


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ("sqlite:///data/x.db", ("data/x.db", None)),
        ("sqlite:////tmp/x.db", ("/tmp/x.db", None)),
        ("sqlite://", (None, None)),
        ("postgresql://ada:word@db/shop", (None, "postgresql://db/shop")),
        ("mysql+pymysql://u:p@host/db", (None, "mysql+pymysql://host/db")),
        (object(), (None, None)),
    ],
)
def test_a_connection_is_a_file_or_an_address(
    connection: object, address: tuple[str | None, str | None]
) -> None:
    assert address_of(connection) == address


def test_an_engine_for_a_server_has_an_address_without_credentials() -> None:
    import sqlalchemy

    url = sqlalchemy.URL.create(
        "sqlite", username="ada", password=base64.b64encode(b"word").decode(), host="db", database="shop"
    )

    class Engine:
        pass

    Engine.__module__ = "sqlalchemy.engine.base"
    engine = Engine()
    engine.engine = engine  # type: ignore[attr-defined]
    engine.url = url.set(drivername="postgresql")  # type: ignore[attr-defined]
    assert address_of(engine) == (None, "postgresql://db/shop")


def test_a_windows_path_and_a_file_uri_are_not_remote() -> None:
    assert not is_remote("C:\\data\\x.csv")
    assert not is_remote("file:///tmp/x.csv")
    assert is_remote("s3://bucket/x")
