"""The operator's page as a WSGI application: each view as a page at its path, and as JSON below `/api`."""

import json
import mimetypes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.security import safe_join
from werkzeug.wrappers import Request, Response

from local.operator_page import executions, providers, storage
from local.operator_page.door import Door, secured
from local.operator_page.drawing import draw
from local.operator_page.log_lines import lines_of
from local.operator_page.sources import RefusedError, Sources, UnknownError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

MAX_BODY_BYTES: Final = 64 * 1024
_HERE: Final = Path(__file__).parent
_STATIC: Final = _HERE / "static"

Json = dict[str, Any]
Query = Mapping[str, str]


@dataclass(frozen=True)
class View:
    """What a path shows: `read` gets the sources, the names in the path and the query."""

    path: str
    template: str
    read: Callable[[Sources, Query, Query], Json]


def _log(sources: Sources, names: Query, _: Query) -> Json:
    return {"job_id": names["job"], "lines": lines_of(sources.logs_dir, names["job"])}


VIEWS: Final = (
    View("/", "overview.html", lambda sources, _, __: providers.overview(sources)),
    View(
        "/executions",
        "executions.html",
        lambda sources, _, query: executions.list_executions(sources, query.get("machine"), query.get("after")),
    ),
    View(
        "/executions/<machine>/<name>",
        "execution.html",
        lambda sources, names, _: executions.show_execution(sources, names["machine"], names["name"]),
    ),
    View(
        "/table",
        "table.html",
        lambda sources, _, query: storage.scan(sources, query.get("partition"), query.get("after")),
    ),
    View(
        "/objects",
        "objects.html",
        lambda sources, _, query: storage.list_objects(
            sources, query.get("bucket"), query.get("prefix", ""), query.get("after")
        ),
    ),
    View("/logs/<job>", "log.html", _log),
)
CHANGES: Final[Mapping[str, Callable[[Sources, Query, object], Json]]] = {
    "/api/providers/<provider>/<action>": lambda sources, names, _: providers.change_provider(
        sources, names["provider"], names["action"]
    ),
    "/api/faults/<provider>": lambda sources, names, body: providers.set_fault(sources, names["provider"], body),
    "/api/faults/<provider>/reset": lambda sources, names, _: providers.forget_faults(sources, names["provider"]),
}


class OperatorPage:
    """Serves the page of one cloud to those whom the door lets pass."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources, self._door = sources, door
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self._templates.globals["draw"] = draw
        pages = [Rule(view.path, endpoint=(view, False), methods=["GET"]) for view in VIEWS]
        data = [Rule(f"/api{view.path}", endpoint=(view, True), methods=["GET"]) for view in VIEWS]
        changes = [Rule(path, endpoint=change, methods=["POST"]) for path, change in CHANGES.items()]
        self._routes = Map([*pages, *data, *changes, Rule("/static/<name>", endpoint="static", methods=["GET"])])

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        answer = self._door.refusal(request) or self._answer(request)
        return secured(answer)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        wants_json = request.path.startswith("/api/")
        try:
            endpoint, names = self._routes.bind_to_environ(request.environ).match()
            if endpoint == "static":
                return _static(names["name"])
            if isinstance(endpoint, tuple):
                view, wants_json = endpoint
                found = view.read(self._sources, names, request.args)
                return _json(200, found) if wants_json else self._page(200, view.template, found)
            return _json(200, endpoint(self._sources, names, request.get_json(silent=True)))
        except HTTPException as error:
            return self._failed(error.code or 500, f"{error.name}: open / for all pages", wants_json)
        except UnknownError as error:
            return self._failed(404, str(error), wants_json)
        except RefusedError as error:
            return self._failed(422, str(error), wants_json)
        except httpx.HTTPError as error:
            return self._failed(503, f"a simulator did not answer: {type(error).__name__}", wants_json)

    def _failed(self, status: int, why: str, wants_json: bool) -> Response:
        return _json(status, {"error": why}) if wants_json else self._page(status, "error.html", {"why": why})

    def _page(self, status: int, template: str, found: Json) -> Response:
        text = self._templates.get_template(template).render(**found)
        return Response(text, status, content_type="text/html; charset=utf-8")


def _static(name: str) -> Response:
    path = safe_join(str(_STATIC), name)
    if path is None or not Path(path).is_file():
        return Response("expected a file of the page\n", 404, content_type="text/plain; charset=utf-8")
    return Response(Path(path).read_bytes(), content_type=mimetypes.guess_type(name)[0])


def _json(status: int, value: Json) -> Response:
    return Response(json.dumps(value, default=str), status, content_type="application/json")
