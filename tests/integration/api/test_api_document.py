"""Strangers take the API at its document's word: a tool that tries to break it, and a client that a tool wrote."""

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


@pytest.mark.timeout(2 * PATIENCE_S)
def test_nothing_that_schemathesis_sends_breaks_what_the_document_says(quick_cloud: Cloud, tmp_path: Path) -> None:
    command = [
        *(str(TOOLS / "schemathesis"), "--config-file", str(EXCLUDED), "run"),
        f"{quick_cloud.line['api_url']}/openapi.json",
        *("--header", f"Authorization: Bearer {quick_cloud.line['api_key']}"),
        *("--max-examples", "20", "--seed", "20261126", "--generation-database", "none", "--no-color"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    operations = sum(len(methods) for methods in read_document()["paths"].values())
    reads_itself = 1
    assert f"Tested: {operations - reads_itself}" in run.stdout, "the document's own route alone is not tested"


CLIENT: Final = """
import sys, time
from fermata_client import AuthenticatedClient
from fermata_client.api.jobs import get_job, submit_job
from fermata_client.models import Job, JobStatus, SongRequest

address, key = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=key, raise_on_unexpected_status=True) as client:
    order = SongRequest(model="minimax/music-2.5", prompt="indie folk, rainy evening", lyrics="la la la la la la")
    ordered = submit_job.sync_detailed(client=client, body=order, idempotency_key="from-a-generated-client")
    assert ordered.status_code == 202 and isinstance(ordered.parsed, Job), ordered
    job = ordered.parsed
    while job.status not in (JobStatus.SUCCEEDED, JobStatus.FAILED):
        time.sleep(0.2)
        job = get_job.sync(job.id, client=client)
        assert isinstance(job, Job), job
    print(job.status.value, job.tracks[0].content_type, job.tracks[0].bytes_)
"""
"""What a developer writes who has the generated client and nothing else."""


def test_a_client_that_was_generated_from_the_document_orders_a_song_and_gets_it(
    quick_cloud: Cloud, tmp_path: Path
) -> None:
    (tmp_path / "settings.yaml").write_text("package_name_override: fermata_client\npost_hooks: []\n", "utf-8")
    generated = tool(
        tmp_path,
        *(str(TOOLS / "openapi-python-client"), "generate", "--path", str(DOCUMENT), "--meta", "none"),
        *("--config", "settings.yaml", "--output-path", "fermata_client", "--fail-on-warning"),
    )
    assert "Warning" not in generated
    (tmp_path / "order.py").write_text(CLIENT, "utf-8")
    line = quick_cloud.line
    said = tool(tmp_path, str(TOOLS / "python"), "-W", "error", "order.py", line["api_url"], line["api_key"])
    status, media_type, size = said.split()
    assert (status, media_type) == ("succeeded", "audio/mpeg")
    assert int(size) > 10_000


def tool(folder: Path, *command: str) -> str:
    """What a command says that ends well."""
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
