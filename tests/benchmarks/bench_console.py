"""How soon the console can be used in Chromium, against Swagger UI with our document, both served by this process.

Run with `python -m tests.benchmarks.bench_console`. Each load is of a new profile, without any cache. Prints figures
and ratios; asserts nothing. The API behind the list of jobs answers at once, so that only the page is measured.
"""

import gzip
import json
import statistics
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from local.settings import PROJECT_ROOT
from tests.benchmarks.sizes import sized
from tests.support.browser import NODE_PACKAGES, Page, chromium

RUNS: Final = sized(9, 1)
JOBS: Final = sized(5000, 300)
PAGE_OF_JOBS: Final = 100
PATIENCE_MS: Final = 120_000
_CONSOLE: Final = PROJECT_ROOT / "functions/serve_console/assets"
_SWAGGER: Final = NODE_PACKAGES / "swagger-ui-dist"
_DOCUMENT: Final = PROJECT_ROOT / "layers/fermata/fermata/openapi.json"
_SWAGGER_PAGE: Final = b"""<!doctype html><html lang="en"><title>Swagger UI</title>
<link rel="stylesheet" href="swagger-ui.css">
<div id="ui"></div><script src="swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: "openapi.json", dom_id: "#ui" })</script></html>"""
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css",
    "svg": "image/svg+xml",
}


def _files() -> dict[str, bytes]:
    """Everything that is served, by path, compressed as gzip at its best."""
    console = {f"/console/{path.relative_to(_CONSOLE)}": path.read_bytes() for path in _CONSOLE.rglob("*.gz")}
    swagger = {name: (_SWAGGER / name).read_bytes() for name in ("swagger-ui.css", "swagger-ui-bundle.js")}
    swagger |= {"index.html": _SWAGGER_PAGE, "openapi.json": _DOCUMENT.read_bytes()}
    return {
        **{name.removesuffix(".gz"): body for name, body in console.items()},
        **{f"/swagger/{name}": gzip.compress(body, 9) for name, body in swagger.items()},
    }


class _Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", _TYPES.get(self.path.rpartition(".")[2], "application/json"))
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def loaded(browser: Any, url: str, usable: str) -> tuple[float, float, int]:  # noqa: ANN401 - Playwright's types are elsewhere
    """Milliseconds to the load event and until a selector can be seen, and the bytes of bodies that came by then."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(usable)
    usable_ms = (time.perf_counter() - began) * 1000
    load_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    size = page.evaluate(f"{entries}.reduce((sum, entry) => sum + entry.encodedBodySize, 0)")
    context.close()
    return load_ms, usable_ms, size


def _job(number: int) -> dict[str, Any]:
    at = f"2026-11-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
    said = {"id": f"job_{JOBS - number:026}", "status": "canceled", "kind": "song", "model": "minimax/music-2.5"}
    money = {"charged": "refunded", "price_credits": 30, "spent_credits": 0, "title": f"Song {number}"}
    return {**said, **money, "created_at": at, "finished_at": at, "estimate": None, "delivered_model": None}


def _answer(route: Any) -> None:  # noqa: ANN401 - Playwright's types are elsewhere
    """What the API answers at once: pages of jobs, and nothing else."""
    if "/v1/jobs" not in route.request.url:
        route.fulfill(json={"data": [], "next_cursor": None})
        return
    _, _, cursor = route.request.url.partition("cursor=")
    first = int(cursor or 0)
    end = first + PAGE_OF_JOBS
    data = [_job(number) for number in range(first, min(end, JOBS))]
    route.fulfill(json={"data": data, "next_cursor": str(end) if end < JOBS else None})


def listed(browser: Any, url: str) -> tuple[float, float, int]:  # noqa: ANN401 - Playwright's types are elsewhere
    """Milliseconds to the first rows and until the last of all jobs is reached, and the elements in the page then."""
    page: Page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.route("**/v1/**", _answer)
    page.goto(url)
    page.get_by_label("API key").fill("fk_benchmark")
    page.get_by_role("button", name="Sign in").click()
    began = time.perf_counter()
    page.evaluate("location.hash = '#/jobs'")
    page.wait_for_selector(".row")
    first_ms = (time.perf_counter() - began) * 1000
    scrolled = f"""() => {{
        scrollTo(0, document.body.scrollHeight);
        return document.body.innerText.includes('Song {JOBS - 1}');
    }}"""
    page.wait_for_function(scrolled)
    all_ms = (time.perf_counter() - began) * 1000
    return first_ms, all_ms, page.evaluate("document.querySelectorAll('*').length")


def medians(runs: list[tuple[float, float, int]]) -> dict[str, float]:
    return dict(zip(("load_ms", "usable_ms", "bytes"), map(statistics.median, zip(*runs, strict=True)), strict=True))


def main() -> None:
    """Print the figures."""
    _Handler.files = _files()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    pages = {
        "console": (f"{origin}/console/index.html", "input[type=password]"),
        "Swagger UI": (f"{origin}/swagger/index.html", ".opblock"),
    }
    with chromium() as browser:
        taken = {name: [loaded(browser, *page) for _ in range(RUNS)] for name, page in pages.items()}
        first_ms, all_ms, elements = listed(browser, pages["console"][0])
    figures = {name: medians(runs) for name, runs in taken.items()}
    ratios = {what: figures["console"][what] / figures["Swagger UI"][what] for what in figures["console"]}
    print(json.dumps({"runs": RUNS, **figures, "console as a ratio to Swagger UI": ratios}, indent=1))
    print(json.dumps({"jobs": JOBS, "first_rows_ms": first_ms, "all_reached_ms": all_ms, "elements": elements}))
    server.shutdown()


if __name__ == "__main__":
    main()
