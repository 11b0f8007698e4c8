"""Strangers take the API at its document's word: pages of other origins, and a tool that tries to break it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.integration.song import TLS, Cloud
from tests.support.api_document import DOCUMENT, read_document

TOOLS: Final = Path(__file__).parents[3] / ".tools" / "contract" / "bin"
PATIENCE_S: Final = 300
"""A quiet machine needs half a minute for all of it; one that is busy with other work must not fail the test."""
PAGE: Final = "https://app.example.com"
EXCLUDED: Final = Path(__file__).with_name("schemathesis.toml")
"""The checks of schemathesis that are left out, and why."""


@pytest.fixture(scope="module")
def quick_cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud whose providers answer at once, with credits for whatever is ordered."""
    return start_cloud("--provider-latency", "0", "--credits", "1000000", "--param", f"CorsAllowedOrigins={PAGE}")


def test_the_document_is_served_without_a_key_as_it_is_committed(quick_cloud: Cloud) -> None:
    answer = httpx.get(f"{quick_cloud.line['api_url']}/openapi.json", verify=TLS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == DOCUMENT.read_bytes()


def test_a_page_of_an_allowed_origin_may_order_and_read_the_answer(quick_cloud: Cloud) -> None:
    with quick_cloud.http() as http:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        preflight = httpx.options(f"{quick_cloud.line['api_url']}/v1/jobs", headers=asked, verify=TLS)
        answer = http.get("/v1/jobs", headers={"Origin": PAGE})
        elsewhere = http.get("/v1/jobs", headers={"Origin": "https://evil.example.com"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, PAGE)
    assert "idempotency-key" in preflight.headers["access-control-allow-headers"].split(",")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "retry-after" in answer.headers["access-control-expose-headers"].split(",")
    assert "access-control-allow-origin" not in elsewhere.headers


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nothing_that_schemathesis_sends_breaks_what_the_document_says(quick_cloud: Cloud, tmp_path: Path) -> None:
    command = [
        *(str(TOOLS / "schemathesis"), "--config-file", str(EXCLUDED), "run"),
        f"{quick_cloud.line['api_url']}/openapi.json",
        *("--header", f"Authorization: Bearer {quick_cloud.line['api_key']}"),
        *("--max-examples", "6", "--seed", "20261126", "--generation-database", "none", "--no-color"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    operations = sum(len(methods) for methods in read_document()["paths"].values())
    reads_itself = 1
    assert f"Tested: {operations - reads_itself}" in run.stdout, "the document's own route alone is not tested"
