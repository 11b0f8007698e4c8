"""A browser without a window, with a page that plays a live song and tells what it hears."""

import json
import queue
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import quote

import pytest

from local.settings import PROJECT_ROOT
from tests.integration.cloud_process import PATIENCE_S

Told = dict[str, Any]

_PAGE: Final = Path(__file__).with_name("page.html")
_HLS: Final = PROJECT_ROOT / ".tools/node/node_modules/hls.js/dist/hls.min.js"
_FILES: Final = {"/": (_PAGE, "text/html"), "/hls.js": (_HLS, "text/javascript")}
# It plays without a click, and reaches nothing but this machine.
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class _PageServer(ThreadingHTTPServer):
    """Serves the page at an origin of its own, and keeps what the page tells."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: queue.Queue[Told] = queue.Queue()


class _Handler(BaseHTTPRequestHandler):
    server: _PageServer

    def do_GET(self) -> None:
        if self.path not in _FILES:
            self.send_error(404)
            return
        path, media_type = _FILES[self.path]
        self._answer(200, path.read_bytes(), media_type)

    def do_POST(self) -> None:
        self.server.told.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._answer(204, b"", "text/plain")

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def page_playing(url: str, scratch: Path) -> Iterator[Callable[[str], Told]]:
    """A page of another origin that plays a playlist from its beginning. Yields a function that waits until the page
    tells something and returns that; it fails where the player failed.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is the judge of this test and is not on this machine: apt-get install -y chromium")
    with _PageServer() as server, (scratch / "chromium.txt").open("wb") as said:
        Thread(target=server.serve_forever, daemon=True).start()
        page = f"http://127.0.0.1:{server.server_port}/#{quote(url, safe='')}"
        command = [chromium, *_FLAGS, f"--user-data-dir={scratch / 'profile'}", page]
        browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield lambda what: _next(server.told, what)
        finally:
            browser.terminate()
            browser.wait(PATIENCE_S)
            server.shutdown()


def _next(told: "queue.Queue[Told]", what: str) -> Told:
    """The next that the page tells of this kind; what comes before it is dropped."""
    until = time.monotonic() + PATIENCE_S
    while True:
        latest = told.get(timeout=max(0.0, until - time.monotonic()))
        assert latest["what"] != "failed", latest
        if latest["what"] == what:
            return latest
