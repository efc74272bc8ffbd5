"""Who is let in, tried on every route that the server has, found by looking at the server and not at a list."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jupyter_mlgov.server.handlers import MlgovHandler
from jupyter_mlgov.server.routes import ROUTES
from tests.server.conftest import Ask

METHODS = ("get", "head", "post", "put", "patch", "delete")


def served(serverapp: Any, base_url: str) -> list[tuple[str, str]]:
    """``(method, path)`` of every route of ours, as Tornado has them; parameters filled in."""
    found = []
    for group in serverapp.web_app.default_router.rules:
        for rule in getattr(group.target, "rules", []):
            pattern = rule.matcher.regex.pattern if hasattr(rule.matcher, "regex") else ""
            if "/mlgov/" not in pattern:
                continue
            assert issubclass(rule.target, MlgovHandler), pattern
            path = pattern[pattern.index("mlgov/api/") + len("mlgov/api/") :].rstrip("$")
            path = re.sub(r"\(.*?\)", "baseline", path).replace("\\.", ".").replace("\\", "")
            own = [
                method
                for method in METHODS
                if getattr(rule.target, method) is not getattr(MlgovHandler, method)
            ]
            found += [(method.upper(), path) for method in own]
    return found


async def test_every_route_refuses_who_has_no_token(jp_serverapp: Any, jp_base_url: str, ask: Ask) -> None:
    routes = served(jp_serverapp, jp_base_url)
    assert len(routes) >= sum(len(route.operations) for route in ROUTES)
    for method, path in routes:
        body = {} if method in ("POST", "PUT", "PATCH") else None
        response = await ask(path, method=method, body=body, headers={})
        assert response.code == 403, (method, path, response.code)


async def test_every_route_refuses_a_wrong_token(jp_serverapp: Any, jp_base_url: str, ask: Ask) -> None:
    for method, path in served(jp_serverapp, jp_base_url):
        body = {} if method in ("POST", "PUT", "PATCH") else None
        response = await ask(path, method=method, body=body, headers={"Authorization": "token wrong"})
        assert response.code == 403, (method, path, response.code)


async def _cookie(jp_serverapp: Any, jp_base_url: str, http_server_client: Any) -> str:
    """The cookies of a browser that came in with the token once."""
    token = jp_serverapp.identity_provider.token
    response = await http_server_client.fetch(f"{jp_base_url}api/status?token={token}")
    return "; ".join(value.split(";")[0] for value in response.headers.get_list("Set-Cookie"))


async def test_a_browser_without_the_xsrf_token_changes_nothing(
    jp_serverapp: Any, jp_base_url: str, http_server_client: Any, ask: Ask
) -> None:
    cookie = await _cookie(jp_serverapp, jp_base_url, http_server_client)
    tried = 0
    for method, path in served(jp_serverapp, jp_base_url):
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            body = {} if method != "DELETE" else None
            response = await ask(path, method=method, body=body, headers={"Cookie": cookie})
            assert response.code == 403, (method, path, response.code)
            tried += 1
    assert tried >= 2
    known = await ask("jobs", headers={"Cookie": cookie})
    assert known.code == 200, "the cookie itself is good: only the XSRF token was missing"


async def test_another_origin_is_refused(
    jp_serverapp: Any, jp_base_url: str, http_server_client: Any, ask: Ask
) -> None:
    cookie = await _cookie(jp_serverapp, jp_base_url, http_server_client)
    response = await ask("jobs", headers={"Cookie": cookie, "Origin": "https://evil.example"})
    assert response.code == 404
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "jp_server_config",
    [{"ServerApp": {"jpserver_extensions": {"jupyter_mlgov": True}, "allow_unauthenticated_access": True}}],
)
async def test_routes_stay_closed_where_the_server_is_lax(
    jp_serverapp: Any, jp_base_url: str, ask: Ask
) -> None:
    for method, path in served(jp_serverapp, jp_base_url):
        body = {} if method in ("POST", "PUT", "PATCH") else None
        assert (await ask(path, method=method, body=body, headers={})).code == 403, (method, path)
