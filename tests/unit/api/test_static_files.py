"""Files of a page: what is sent for which name, coding and copy, and that no name leads out of the folder."""

import base64
import gzip
import re
from pathlib import Path
from typing import Any, Final

import pytest

from fermata.api.static_files import CONTENT_TYPES, FOREVER, StaticFiles, page_policy
from tests.functions import ROOT, http_event

PAGE: Final = "<!doctype html><title>夜</title>".encode()
SCRIPT: Final = b"console.log('one script, twice compressed')"
BROTLI: Final = b"\x0b\x02\x80brotli, which only browsers read\x03"
POLICY: Final = page_policy("https://audio.s3.eu-west-1.amazonaws.com", "https://live.example.com")


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    folder = tmp_path / "assets"
    (folder / "static").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "static/app-1a2b3c4d.js.br").write_bytes(BROTLI)
    (folder / "static/app-1a2b3c4d.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "static/font-1a2b3c4d.woff2").write_bytes(b"wOF2")
    (folder / "static/secret.py").write_text("not a file of a page")
    (tmp_path / "outside.html").write_text("outside")
    return StaticFiles(folder)


def ask(files: StaticFiles, name: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    event = http_event(method, f"/console/{name}")
    event["headers"] = {each.replace("_", "-"): value for each, value in headers.items()}
    answer: dict[str, Any] = files.answer(name, event, POLICY)
    assert answer["isBase64Encoded"] is bool(answer["body"])
    return answer["statusCode"], answer["headers"], base64.b64decode(answer["body"], validate=True)


def test_a_page_is_asked_for_each_time_and_a_file_with_a_hash_never_again(files: StaticFiles) -> None:
    status, headers, body = ask(files, "index.html")
    assert (status, headers["Content-Type"], body) == (200, "text/html; charset=utf-8", PAGE)
    assert headers["Cache-Control"] == "no-cache"
    _, of_script, _ = ask(files, "static/app-1a2b3c4d.js", accept_encoding="br")
    assert of_script["Cache-Control"] == "public, max-age=31536000, immutable"
    assert of_script["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.2", "br"),
        ("BR", "br"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("gzip , br ; q=0", "gzip"),
        ("gzip;q=0.001", "gzip"),
        *(
            (odd, None)
            for odd in ("", "identity", "identity;q=0", "br;q=x", "br;p=1", ",;,;q", "*;q=0", "brr", "br;q=")
        ),
    ],
)
def test_the_best_coding_that_the_browser_accepts_is_sent(
    files: StaticFiles, accepted: str, coding: str | None
) -> None:
    _, headers, body = ask(files, "static/app-1a2b3c4d.js", accept_encoding=accepted)
    assert headers.get("Content-Encoding") == coding
    assert body == {"br": BROTLI, "gzip": gzip.compress(SCRIPT, mtime=0), None: SCRIPT}[coding]
    assert headers["Vary"] == "Accept-Encoding"


def test_a_file_that_is_stored_as_it_is_is_sent_as_it_is(files: StaticFiles) -> None:
    status, headers, body = ask(files, "static/font-1a2b3c4d.woff2", accept_encoding="br, gzip")
    assert (status, headers["Content-Type"], body) == (200, "font/woff2", b"wOF2")
    assert "Content-Encoding" not in headers


def test_a_copy_that_is_still_current_is_not_sent_again(files: StaticFiles) -> None:
    name = "static/app-1a2b3c4d.js"
    tags = {coding: ask(files, name, accept_encoding=coding)[1]["ETag"] for coding in ("br", "gzip", "identity")}
    assert len(set(tags.values())) == 3, "one tag would let a cache mix two codings"
    for given in (tags["br"], f"W/{tags['br']}", f'"other", {tags["br"]}', "*"):
        status, headers, body = ask(files, name, accept_encoding="br", if_none_match=given)
        assert (status, headers["ETag"], body) == (304, tags["br"], b"")
        assert {"Content-Type", "Content-Encoding"}.isdisjoint(headers)
    assert ask(files, name, accept_encoding="br", if_none_match=tags["gzip"])[0] == 200


def test_head_has_the_headers_and_no_body(files: StaticFiles) -> None:
    status, headers, body = ask(files, "index.html", "HEAD")
    assert (status, headers, body) == (200, ask(files, "index.html")[1], b"")


@pytest.mark.parametrize(
    "name",
    [
        *("../outside.html", "static/../../outside.html", "..%2foutside.html", "/etc/passwd", "//index.html", "."),
        *("", "static", "static/", "index.html/", "INDEX.HTML", "index.html\x00.js", "static\\app-1a2b3c4d.js"),
        *("static/app-1a2b3c4d.js.gz", "static/app-1a2b3c4d.js.br", "static/secret.py", "missing.js"),
    ],
)
def test_a_name_that_is_no_file_of_the_page_is_404_and_kept_by_no_cache(files: StaticFiles, name: str) -> None:
    status, headers, body = ask(files, name, accept_encoding="br")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert headers["Cache-Control"] == "no-store"
    assert b"Open /console again" in body


@pytest.mark.parametrize("name", ["index.html", "missing.js"])
def test_every_answer_says_what_a_page_may_do_and_nobody_may_frame_it(files: StaticFiles, name: str) -> None:
    headers = ask(files, name)[1]
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    elsewhere = {"https://audio.s3.eu-west-1.amazonaws.com", "https://live.example.com"}
    assert set(rules.pop("connect-src").split()) == {"'self'", *elsewhere}
    assert set(rules.pop("media-src").split()) == {"'self'", "blob:", *elsewhere}
    for closed in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert rules.pop(closed) == "'none'"
    assert set(rules.values()) == {"'self'"}
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_the_consoles_own_files_can_all_be_sent_to_every_browser_and_are_named_by_their_content() -> None:
    folder = ROOT / "functions/serve_console/assets"
    names = StaticFiles(folder).names()
    assert "index.html" in names
    for name in names:
        assert Path(name).suffix in CONTENT_TYPES, name
        assert (folder / name).exists() or (folder / f"{name}.gz").exists(), f"{name}: not every browser reads Brotli"
        if name.startswith(FOREVER):
            assert re.search(r"[-.][0-9A-Za-z_-]{8,}\.\w+$", name), f"{name}: expected a hash before the suffix"


def test_what_the_console_loads_first_is_far_below_150_kb_compressed() -> None:
    folder = ROOT / "functions/serve_console/assets"
    page = gzip.decompress((folder / "index.html.gz").read_bytes()).decode()
    loaded = ["index.html", *re.findall(r'(?:src|href)="/console/([^"]+)"', page)]
    assert len(loaded) == 4
    sizes = {name: (folder / f"{name}.gz").stat().st_size for name in loaded}
    assert sum(sizes.values()) < 60_000, sizes
    script = next(name for name in loaded if name.endswith(".js"))
    main = gzip.decompress((folder / f"{script}.gz").read_bytes()).decode()
    first = re.findall(r'\bfrom\s*"(\./[^"]+)"', main)
    assert all((folder / "static" / f"{name}.gz").stat().st_size < 2_000 for name in first), first


def test_the_consoles_page_has_no_script_or_style_of_its_own_that_its_policy_would_refuse() -> None:
    folder = ROOT / "functions/serve_console/assets"
    page = gzip.decompress((folder / "index.html.gz").read_bytes()).decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
