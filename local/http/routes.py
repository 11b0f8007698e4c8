"""Selects the route of an HTTP API for a request."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from local.deploy.deployment import Cors, Route

DEFAULT_ROUTE: Final = "$default"


@dataclass(frozen=True)
class RouteMatch:
    """A route and the values of its path's variables."""

    route: Route
    path_parameters: Mapping[str, str]

    @property
    def route_key(self) -> str:
        """The route as API Gateway names it, for example `GET /v1/jobs/{id}`."""
        return DEFAULT_ROUTE if self.route.path == DEFAULT_ROUTE else f"{self.route.method} {self.route.path}"


class RouteTable:
    """The routes of all HTTP APIs, the most specific first: one machine has one host name for all."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=_rank)
        self._routes = tuple((route, _pattern(route.path)) for route in ordered)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """Return the route for a decoded path, or None."""
        for route, pattern in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method in (method, "ANY"):
                return RouteMatch(route, found.groupdict())
        return None

    def has(self, method: str, path: str) -> bool:
        """Whether the APIs have a route that is written exactly so."""
        return any((route.method, route.path) == (method, path) for route, _ in self._routes)

    def cors(self, method: str, path: str) -> Cors | None:
        """The CORS rules for a request with this method, or for its preflight."""
        found = self.match(method, path)
        return found.route.cors if found else None


def _rank(route: Route) -> tuple[object, ...]:
    """Sort key of API Gateway's order: full matches, greedy variables, $default; a method before ANY."""
    segments = tuple(_openness(segment) for segment in route.path.split("/"))
    return route.path == DEFAULT_ROUTE, "+}" in route.path, segments, route.method == "ANY"


def _openness(segment: str) -> int:
    return 2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0


def _pattern(path: str) -> re.Pattern[str]:
    if path == DEFAULT_ROUTE:
        return re.compile(r".*", re.DOTALL)
    return re.compile("/".join(_segment(segment) for segment in path.split("/")))


def _segment(segment: str) -> str:
    """A greedy variable also takes nothing after its slash, because API Gateway has no routes that end in one."""
    if not segment.startswith("{"):
        return re.escape(segment)
    name = segment.strip("{}")
    return f"(?P<{name[:-1]}>.*)" if name.endswith("+") else f"(?P<{name}>[^/]+)"
