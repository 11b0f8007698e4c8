"""`make audit` says none, found or not reached, and believes no answer that is not whole."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tooling.supply.audit import FOUND, NONE, UNKNOWN, lock_files, locked_pins, main
from tooling.supply.deployed import ROOT, Pin

Query = dict[str, Any]
Answer = Callable[[list[Query]], tuple[int, bytes]]


@contextmanager
def osv(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[Query]]]:
    """A source on this machine; gives what it was asked, a list for each request."""
    asked: list[list[Query]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body["queries"] if self.path == "/v1/querybatch" else [])
            status, content = answer(asked[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is in `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OSV_URL", f"http://127.0.0.1:{server.server_port}")
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def results(queries: list[Query], **vulns: list[str]) -> tuple[int, bytes]:
    """A whole answer, with the ids of the advisories on packages by name."""
    found = [[{"id": each} for each in vulns.get(query["package"]["name"], [])] for query in queries]
    return 200, json.dumps({"results": [{"vulns": each} if each else {} for each in found]}).encode()


def test_where_nothing_is_known_against_a_package_the_status_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    with osv(results, monkeypatch):
        assert main() == NONE == 0


def test_a_package_with_advisories_is_named_with_its_locks_and_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with osv(lambda queries: results(queries, h11=["GHSA-b", "GHSA-a"], preact=["GHSA-c"]), monkeypatch):
        assert main() == FOUND == 1

    lines = capsys.readouterr().out.splitlines()
    (python,) = (line for line in lines if line.startswith("PyPI h11 "))
    (page,) = (line for line in lines if line.startswith("npm preact "))
    assert ": GHSA-a, GHSA-b (layers/fermata/requirements.txt, requirements.lock, " in python
    assert page.endswith(": GHSA-c (tooling/console/package-lock.json)")
    assert len(lines) == 2


def test_every_package_of_every_lock_is_asked_about_once_and_never_more_than_the_source_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with osv(results, monkeypatch) as asked:
        main()

    pins = [Pin(each["package"]["ecosystem"], each["package"]["name"], each["version"]) for q in asked for each in q]
    assert len(pins) == len(set(pins))
    assert set(pins) == set(locked_pins(ROOT))
    assert {"PyPI", "npm"} == {pin.ecosystem for pin in pins}
    assert max(map(len, asked)) <= 1000


def test_every_lock_of_the_checkout_is_read() -> None:
    committed = {
        *(ROOT / "tooling").rglob("*.lock"),
        *(ROOT / "tooling").rglob("package-lock.json"),
        *(ROOT / "layers").rglob("requirements.txt"),
        ROOT / "requirements.lock",
    }
    assert set(lock_files(ROOT)) == committed


def test_advisories_that_come_in_pages_are_read_to_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_two_pages(queries: list[Query]) -> tuple[int, bytes]:
        if any("page_token" in query for query in queries):
            assert [query["page_token"] for query in queries] == ["second"]
            return results(queries, h11=["GHSA-second"])
        _, whole = results(queries, h11=["GHSA-first"])
        answer = json.loads(whole)
        for each in filter(None, answer["results"]):
            each["next_page_token"] = "second"
        return 200, json.dumps(answer).encode()

    with osv(in_two_pages, monkeypatch):
        assert main() == FOUND
    assert "GHSA-first, GHSA-second" in capsys.readouterr().out


def test_pages_without_an_end_are_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def endless(queries: list[Query]) -> tuple[int, bytes]:
        return 200, json.dumps({"results": [{"next_page_token": "more"} for _ in queries]}).encode()

    with osv(endless, monkeypatch):
        assert main() == UNKNOWN == 3
    assert "no end after 20 pages" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: (200, b"<html>maintenance</html>"), id="not JSON"),
        pytest.param(lambda queries: (500, results(queries)[1]), id="a failure"),
        pytest.param(lambda queries: (302, results(queries)[1]), id="elsewhere"),
        pytest.param(lambda queries: results(queries[:-1]), id="one result too few"),
        pytest.param(lambda queries: results([*queries, queries[0]]), id="one result too many"),
        pytest.param(lambda queries: (200, results(queries)[1][:-40]), id="cut"),
        pytest.param(lambda _: (200, b"{}"), id="no results"),
        pytest.param(lambda queries: (200, json.dumps({"results": [None] * len(queries)}).encode()), id="nothing"),
        pytest.param(
            lambda queries: (200, json.dumps({"results": [{"vulns": [{"id": ""}]}] * len(queries)}).encode()),
            id="an advisory without an id",
        ),
    ],
)
def test_an_answer_that_is_not_whole_says_nothing_and_the_status_is_3(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with osv(answer, monkeypatch):
        assert main() == UNKNOWN
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("no advisories were read, so nothing is known: ")


def test_advisories_before_a_failure_are_no_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = iter([200, 503])

    def then_down(queries: list[Query]) -> tuple[int, bytes]:
        return next(statuses), results(queries, h11=["GHSA-a"])[1]

    with osv(then_down, monkeypatch) as asked:
        assert main() == UNKNOWN
    assert len(asked) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "gopher://127.0.0.1"])
def test_a_source_that_is_not_reached_is_status_3(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSV_URL", url)

    assert main() == UNKNOWN
