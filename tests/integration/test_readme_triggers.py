"""The commands under "Event triggers" in the README, exactly as they stand there, with the real AWS command line."""

import re
import subprocess
import sys
from pathlib import Path

from tests.integration.inbox import Inbox
from tests.integration.song import Cloud

ROOT = Path(__file__).parents[2]
AWS = ROOT / ".tools" / "aws" / "bin"
PRELUDE = """set -u
eval "$("$PYTHON" -m local env --state-dir "$STATE")"
python() { shift 3; "$PYTHON" -m local admin --state-dir "$STATE" "$@"; }
cd "$SCRATCH"
export PYTHONPATH="$ROOT"
"""
"""A shell as `make env` sets it up; only which cloud is meant has to be said, because several run."""


def commands() -> str:
    section = (ROOT / "README.md").read_text("utf-8").partition("\n## Event triggers\n")[2].partition("\n## ")[0]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found, "the README has no commands under Event triggers"
    return found[1]


def test_an_event_and_a_file_are_taken_by_the_readmes_own_commands(cloud: Cloud, tmp_path: Path) -> None:
    before = len(orders(cloud))
    finished = subprocess.run(
        ["bash", "-c", PRELUDE + commands()],
        cwd=ROOT,
        env={
            "PATH": f"{AWS}:/usr/bin:/bin",
            "PYTHON": sys.executable,
            "STATE": cloud.line["state_dir"],
            "SCRATCH": str(tmp_path),
            "ROOT": str(ROOT),
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    # The last command lists results, of which there may be none yet.
    assert finished.stderr == ""
    assert '"FailedEntryCount": 0' in finished.stdout
    assert "upload: ./batch.jsonl to s3://" in finished.stdout
    told = Inbox(cloud, "demo").told("batch.jsonl", "completed.json", 75)
    assert (told["accepted"], told["failed"]) == (3, 0)
    cloud.until(lambda: len(orders(cloud)) == before + 4)
    cloud.manage(action="set_triggers", tenant_id="demo", inbox=False, events=False, sources=[])


def orders(cloud: Cloud) -> set[str]:
    """The jobs of the demo's tenant that its table knows."""
    pages = cloud.aws("dynamodb").get_paginator("scan")
    found = pages.paginate(
        TableName=cloud.line["outputs"]["TableName"],
        FilterExpression="sk = :job AND tenant_id = :tenant",
        ExpressionAttributeValues={":job": {"S": "JOB"}, ":tenant": {"S": "demo"}},
    )
    return {item["pk"]["S"] for page in found for item in page["Items"]}
