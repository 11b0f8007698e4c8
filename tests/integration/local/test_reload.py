"""A saved source is live at the next request, and no call that runs ends by it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.cloud_process import PROJECT_ROOT, running_cloud, until
from tests.integration.song import Cloud, request
from tests.support.checkout import copy_checkout, save

PROBLEMS = "layers/fermata/fermata/domain/web/problem.py"
READ_JOBS = "functions/read_jobs/app.py"
TITLE = "The resource does not exist"


@dataclass(frozen=True)
class Checkout:
    """A checkout of its own with a cloud that watches it."""

    root: Path
    cloud: Cloud
    stderr: Path

    def save(self, path: str, text: str) -> None:
        save(self.root / path, text)

    def restore(self) -> None:
        """Save the sources of this project again where a test changed them."""
        for path in (PROBLEMS, READ_JOBS):
            if (original := (PROJECT_ROOT / path).read_text("utf-8")) != self.text(path):
                self.save(path, original)

    def text(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def title_of_an_unknown_job(self) -> str:
        with self.cloud.http() as http:
            return str(http.get("/v1/jobs/job_00000000000000000000000000").json()["title"])


@pytest.fixture
def checkout(watched: Checkout) -> Iterator[Checkout]:
    yield watched
    watched.restore()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    root = copy_checkout(tmp_path_factory.mktemp("checkout"))
    scratch = tmp_path_factory.mktemp("cloud")
    slow = ["--param", "ReadGapSeconds=60", "--param", "StartTimeoutSeconds=90"]
    with running_cloud(["--reload", "--provider-latency", "0.1", *slow], scratch, project=root) as line:
        yield Checkout(root, Cloud(line), scratch / "stderr.txt")


def test_a_change_of_the_layer_while_a_paid_post_hangs_is_live_at_once_and_costs_no_song(checkout: Checkout) -> None:
    cloud = checkout.cloud
    cloud.fault("minimax", "hang:8", "create", "reloaded meanwhile")
    order = request("reloaded meanwhile")
    job_id = cloud.submit(order)["id"]
    posted = hashlib.sha256(order["prompt"].encode()).hexdigest()
    cloud.until(lambda: cloud.posts("minimax", posted))
    checkout.save(PROBLEMS, checkout.text(PROBLEMS).replace(TITLE, "Nothing is here"))
    assert checkout.title_of_an_unknown_job() == "Nothing is here"
    assert cloud.job(job_id)["status"] != "succeeded", "the machine was too slow for this test to show anything"
    job = cloud.finished(job_id)
    assert (job["status"], len(job["tracks"]), job["attempt_count"]) == ("succeeded", 1, 1)
    assert len(cloud.posts("minimax", posted)) == 1


def test_a_syntax_error_is_a_problem_that_names_the_file_is_printed_once_and_ends_with_the_next_save(
    checkout: Checkout,
) -> None:
    path, good = READ_JOBS, checkout.text(READ_JOBS)
    checkout.save(path, good + "def broken(:\n")
    line = good.count("\n") + 1
    for _ in range(2):
        with checkout.cloud.http() as http:
            http.event_hooks = {}
            answer = http.get("/v1/jobs/job_00000000000000000000000000")
        assert (answer.status_code, answer.json()["detail"]) == (500, f"{path}, line {line}: invalid syntax")
    checkout.save(path, good)
    assert checkout.title_of_an_unknown_job() == TITLE
    printed = checkout.stderr.read_text("utf-8")
    assert len(re.findall(rf"error: {path}, line {line}: invalid syntax", printed)) == 1
    assert f"reloaded {path}" in printed


def test_a_changed_template_says_that_a_restart_applies_it(checkout: Checkout) -> None:
    checkout.save("template.yaml", checkout.text("template.yaml") + "\n")
    said = "template.yaml changed: stop this cloud and start it again to apply it"
    until(lambda: said in checkout.stderr.read_text("utf-8"), said)
