"""The functions' logs in the emulator's CloudWatch Logs."""

import json
from pathlib import Path

import boto3
from moto import mock_aws

from local.deploy.deployment import REGION
from local.emulator.function_logs import LINES_A_STREAM, STREAMS_KEPT, emulated_logs, log_lines
from local.logs import JsonLines


@mock_aws
def test_the_newest_lines_of_a_function_are_found_in_its_group_in_their_order_and_older_ones_are_dropped() -> None:
    add = log_lines(emulated_logs(), "fermata-SubmitJob")
    written = LINES_A_STREAM * STREAMS_KEPT + 3
    for number in range(written):
        add(f"line {number}")
    logs = boto3.client("logs", region_name=REGION)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/fermata-SubmitJob")
    found = [event["message"] for page in pages for event in page["events"]]
    assert found == [f"line {number}" for number in range(LINES_A_STREAM, written)]


@mock_aws
def test_two_functions_do_not_share_a_group() -> None:
    for name in ("one", "two"):
        log_lines(emulated_logs(), name)(name)
    logs = boto3.client("logs", region_name=REGION)
    assert [e["message"] for e in logs.filter_log_events(logGroupName="/aws/lambda/two")["events"]] == ["two"]


def test_what_a_log_writes_is_passed_on_line_by_line_until_it_is_closed(tmp_path: Path) -> None:
    log, passed = JsonLines(tmp_path / "f.jsonl"), list[str]()
    log.also = passed.append
    log.write({"level": "INFO"})
    log.close()
    log.write({"level": "late"})
    assert [json.loads(line) for line in passed] == [{"level": "INFO"}]
