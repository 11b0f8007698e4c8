"""A file of 100,000 lines is read once, within half a minute and 64 MB above what the process holds when it is idle."""

import json
from collections.abc import Iterator

import pytest

from fermata.domain.triggers.json_lines import MAX_LINES
from tests.integration.song import request
from tests.support.cloud import BUCKET, s3_with_bucket
from tests.support.moto_server import moto_server, run_against

MB = 1_000_000
ALLOWED = 64 * MB
WITHIN_S = 30
KEY = "requests/acme/orders.jsonl"
READER = "tests.integration.use_cases.triggers.read_one_batch"
EVERY_TENTH_IS_BAD = 10


@pytest.fixture(scope="module")
def endpoint(_no_account: None) -> Iterator[str]:
    with moto_server() as address:
        yield address


def lines() -> bytes:
    good = json.dumps(request("indie folk, rainy evening, number 000000", title="Rain", metadata={"order": "42"}))
    return b"\n".join(
        b"no request" if number % EVERY_TENTH_IS_BAD == 0 else good.replace("000000", f"{number:06}").encode()
        for number in range(MAX_LINES)
    )


def test_the_reader_of_100000_lines_stays_within_64_mb_and_half_a_minute(endpoint: str) -> None:
    body, s3 = lines(), s3_with_bucket(endpoint)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)["VersionId"]
    finished = run_against(endpoint, READER, BUCKET, KEY, version, str(len(body)), timeout_s=200)
    told = json.loads(finished.stderr)
    took = f"{len(body) / MB:.0f} MB: {(told['peak'] - told['idle']) / MB:.1f} MB above idle, {told['took_s']:.1f} s"
    assert (told["good"], told["bad"]) == (MAX_LINES * 9 // 10, MAX_LINES // 10)
    assert told["peak"] - told["idle"] <= ALLOWED, took
    assert told["took_s"] <= WITHIN_S, took
