"""A whole cloud with a small template: its machine, its rule, its API and its AWS endpoint."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.cloud_process import cloud_process, until
from tests.integration.song import TLS

COMMAND = ("-m", "tests.integration.local.small_cloud_main")
SCALE = 300


@dataclass(frozen=True)
class SmallCloud:
    """The running cloud, from its one line."""

    line: dict[str, Any]

    def aws(self, service: str) -> Any:  # noqa: ANN401 - the service decides the client's type at run time
        client: Any = boto3.client  # its overloads want a literal name
        return client(
            service,
            endpoint_url=self.line["aws_endpoint_url"],
            region_name=self.line["region"],
            aws_access_key_id=self.line["access_key_id"],
            aws_secret_access_key=self.line["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def output(self, name: str) -> str:
        return str(self.line["outputs"][name])

    def start(self, **state: object) -> str:
        """Start an execution and return its ARN."""
        started = self.aws("stepfunctions").start_execution(
            stateMachineArn=self.output("MachineArn"), name=f"x-{uuid4()}", input=json.dumps(state)
        )
        return str(started["executionArn"])

    def ended(self, arn: str) -> dict[str, Any]:
        """Return an execution's description once it has ended."""
        client, found = self.aws("stepfunctions"), dict[str, Any]()

        def has_ended() -> bool:
            found.update(client.describe_execution(executionArn=arn))
            return bool(found["status"] != "RUNNING")

        until(has_ended, f"{arn} ends")
        return found

    def run(self, **state: object) -> dict[str, Any]:
        """Run an execution that succeeds and return its output."""
        ended = self.ended(self.start(**state))
        assert ended["status"] == "SUCCEEDED", ended
        return dict(json.loads(ended["output"]))

    def counted(self, name: str) -> int:
        """Return how often a function counted under a name."""
        item = self.aws("dynamodb").get_item(TableName=self.output("TableName"), Key={"pk": {"S": name}}).get("Item")
        return int(item["tries"]["N"]) if item else 0

    def log(self, name: str) -> list[dict[str, Any]]:
        text = (Path(self.line["logs_dir"]) / f"{name}.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def has_logged(self, text: str) -> bool:
        """Return whether the worker has printed a text."""
        return text in (Path(self.line["logs_dir"]) / "WorkerFunction.jsonl").read_text("utf-8")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCloud]:
    scratch = tmp_path_factory.mktemp("small")
    arguments = ["--port", "0", "--in-memory", "--state-dir", str(scratch / "state"), "--time-scale", str(SCALE)]
    with cloud_process(arguments, scratch, COMMAND) as process:
        yield SmallCloud(process.line())
        assert process.stop() == 0, process.stderr()
        assert "Traceback" not in process.stderr()


def test_a_task_gets_its_payload_and_its_answer_is_kept(cloud: SmallCloud) -> None:
    result = cloud.run(work={"do": "echo", "text": "ü"})["result"]
    assert result["answer"]["text"] == "ü"


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ({"hurried": True, "work": {"do": "sleep", "seconds": 60}}, "Sandbox.Timedout"),
        ({"work": {"do": "exit", "code": 1}}, "Runtime.ExitError"),
        ({"work": {"do": "unknown"}}, "KeyError"),
    ],
)
def test_a_failed_function_is_caught_under_lambdas_name(cloud: SmallCloud, state: dict[str, Any], error: str) -> None:
    caught = cloud.run(**state)["error"]
    assert caught["Error"] == error
    assert json.loads(caught["Cause"])["errorType"] == error


def test_an_error_is_retried_by_its_class_name_after_a_scaled_back_off(cloud: SmallCloud) -> None:
    begun = time.monotonic()
    answer = cloud.run(work={"do": "flaky", "name": f"flaky-{uuid4()}", "succeeds_at": 3})["result"]["answer"]
    assert answer == {"tries": 3}
    assert (60 + 120) / SCALE <= time.monotonic() - begun < 60 + 120


def test_a_retry_that_is_used_up_is_caught(cloud: SmallCloud) -> None:
    assert cloud.run(work={"do": "raise", "text": "no"})["error"]["Error"] == "TryAgainError"


def test_a_relative_wait_takes_its_scaled_time(cloud: SmallCloud) -> None:
    begun = time.monotonic()
    cloud.run(seconds=300, work={"do": "echo"})
    assert 300 / SCALE <= time.monotonic() - begun < 60 + 120


def test_a_wait_until_an_instant_is_never_scaled(cloud: SmallCloud) -> None:
    until_then = datetime.now(UTC) + timedelta(seconds=2)
    cloud.run(until=until_then.strftime("%Y-%m-%dT%H:%M:%SZ"), work={"do": "echo"})
    assert datetime.now(UTC) >= until_then.replace(microsecond=0)


def test_a_wait_until_the_past_ends_at_once(cloud: SmallCloud) -> None:
    begun = time.monotonic()
    cloud.run(until="2020-01-01T00:00:00Z", work={"do": "echo"})
    assert time.monotonic() - begun < 60


def test_a_wait_until_nonsense_fails_the_execution(cloud: SmallCloud) -> None:
    ended = cloud.ended(cloud.start(until="tomorrow", work={"do": "echo"}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_a_stopped_execution_is_aborted_at_once_and_its_rule_fires(cloud: SmallCloud) -> None:
    arn = cloud.start(seconds=500_000, work={"do": "echo"})
    cloud.aws("stepfunctions").stop_execution(executionArn=arn)
    assert cloud.aws("stepfunctions").describe_execution(executionArn=arn)["status"] == "ABORTED"
    until(lambda: cloud.counted(f"{arn.rsplit(':', 1)[-1]}.ABORTED"), "the rule's function counts")


def test_an_execution_stopped_during_a_task_is_aborted_without_waiting_for_it(cloud: SmallCloud) -> None:
    held = f"held-{uuid4()}"
    arn = cloud.start(work={"do": "hold", "name": held})
    until(lambda: cloud.has_logged(f"holds {held}"), "the task is under way")
    cloud.aws("stepfunctions").stop_execution(executionArn=arn)
    assert cloud.aws("stepfunctions").describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert not cloud.has_logged(f"let go of {held}")
    # The task of the stopped execution ends now, and its own end must not count once more.
    cloud.aws("dynamodb").put_item(TableName=cloud.output("TableName"), Item={"pk": {"S": held}})
    until(lambda: cloud.has_logged(f"let go of {held}"), "the task ends")
    last = cloud.start(work={"do": "echo"})
    until(lambda: cloud.counted(f"{last.rsplit(':', 1)[-1]}.SUCCEEDED"), "the last event arrives")
    assert cloud.counted(f"{arn.rsplit(':', 1)[-1]}.ABORTED") == 1


def test_executions_without_a_name_get_one_each(cloud: SmallCloud) -> None:
    client, machine = cloud.aws("stepfunctions"), cloud.output("MachineArn")
    arns = {
        client.start_execution(stateMachineArn=machine, input='{"work":{"do":"echo"}}')["executionArn"] for _ in "ab"
    }
    assert len(arns) == 2
    assert not any(arn.endswith(":None") for arn in arns)


@pytest.mark.parametrize(("state", "status"), [({}, "SUCCEEDED"), ({"fail": True}, "FAILED")])
def test_the_end_of_an_execution_reaches_the_rules_function_once(
    cloud: SmallCloud, state: dict[str, Any], status: str
) -> None:
    arn = cloud.start(work={"do": "raise"}, **state)
    assert cloud.ended(arn)["status"] == status
    name = f"{arn.rsplit(':', 1)[-1]}.{status}"
    until(lambda: cloud.counted(name), "the rule's function counts")
    assert cloud.counted(name) == 1


def test_parallel_updates_of_one_item_are_not_lost(cloud: SmallCloud) -> None:
    name, table, client = f"parallel-{uuid4()}", cloud.output("TableName"), cloud.aws("dynamodb")
    client.put_item(TableName=table, Item={"pk": {"S": name}, "tries": {"N": "0"}})

    def count(_: int) -> None:
        client.update_item(
            TableName=table,
            Key={"pk": {"S": name}},
            UpdateExpression="SET tries = tries + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(200)))
    assert cloud.counted(name) == 200


def test_a_link_made_inside_a_function_works_for_anyone(cloud: SmallCloud) -> None:
    work = {"do": "link", "key": "staging/a b.txt", "text": "content"}
    url = cloud.run(work=work)["result"]["answer"]["url"]
    assert urlsplit(url).netloc == urlsplit(cloud.line["aws_endpoint_url"]).netloc
    with urlopen(url, timeout=60) as file:  # noqa: S310 - our own server on loopback
        assert file.read() == b"content"
    assert httpx.get(url.split("?")[0], verify=TLS).status_code == 403


def test_invoke_answers_over_http_as_lambda_does(cloud: SmallCloud) -> None:
    client, name = cloud.aws("lambda"), cloud.output("WorkerFunctionName")
    answer = client.invoke(FunctionName=name, Payload=b'{"do":"echo","text":"hi"}')
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    assert json.loads(answer["Payload"].read())["text"] == "hi"
    failed = client.invoke(FunctionName=f"{name}:$LATEST", Payload=b'{"do":"raise"}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "TryAgainError"
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as unknown:
        client.invoke(FunctionName="nobody")
    assert unknown.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_asynchronous_invocation_is_accepted_and_runs(cloud: SmallCloud) -> None:
    name = f"later-{uuid4()}"
    answer = cloud.aws("lambda").invoke(
        FunctionName=cloud.output("WorkerFunctionName"),
        InvocationType="Event",
        Payload=json.dumps({"do": "count", "name": name}).encode(),
    )
    assert answer["StatusCode"] == 202
    until(lambda: cloud.counted(name) == 1, "the function counts")


def test_the_log_of_aws_calls_says_which_function_did_what(cloud: SmallCloud) -> None:
    cloud.run(work={"do": "count", "name": f"logged-{uuid4()}"})
    cloud.aws("s3").put_object(Bucket=cloud.output("BucketName"), Key="own", Body=b"x")
    calls = [(call["function"], call["action"], call["resource"]) for call in cloud.log("aws")]
    assert ("WorkerFunction", "dynamodb:UpdateItem", cloud.output("TableName")) in calls
    assert (None, "s3:PutObject", f"{cloud.output('BucketName')}/own") in calls


def post(cloud: SmallCloud, key: str | None, body: bytes = b"{}", path: str = "/work") -> httpx.Response:
    headers = {"Content-Type": "application/json", **({"Authorization": key} if key else {})}
    return httpx.post(f"{cloud.line['api_url']}{path}", content=body, headers=headers, timeout=120, verify=TLS)


def test_the_api_calls_the_authorizer_and_then_the_function(cloud: SmallCloud) -> None:
    assert (post(cloud, None).status_code, post(cloud, "Bearer bad").status_code) == (401, 403)
    answer = post(cloud, "Bearer good", b'{"text":"over http"}')
    assert (answer.status_code, answer.json()["text"]) == (200, "over http")
    assert "server" in answer.headers


def test_a_function_that_fails_or_times_out_behind_the_api_is_an_internal_error(cloud: SmallCloud) -> None:
    orders = [("/work", order) for order in (b'{"do":"raise"}', b'{"do":"exit","code":1}', b"not json")]
    for path, order in [*orders, ("/hurried", b'{"do":"sleep","seconds":60}')]:
        answer = post(cloud, "Bearer good", order, path)
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def spoken(cloud: SmallCloud, said: bytes) -> bytes:
    """Say something to the API's port, close this side and return what comes back until the other side closes."""
    address = urlsplit(cloud.line["api_url"])
    with closing(socket.create_connection((address.hostname, address.port), timeout=60)) as connection:
        answer = b""
        try:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            pass
        return answer


HOSTILE = {
    "nothing": b"",
    "TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    "half a request line": b"GET\r\n\r\n",
    "no URL": b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
    "no UTF-8": b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long path": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n",
    "a length in words": b"POST /open HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    "a negative length": b"POST /open HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "a huge length": b"POST /open HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a cut body": b"POST /open HTTP/1.1\r\nContent-Length: 50\r\n\r\ncut",
    "no chunk": b"POST /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a cut chunk": b"POST /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "another verb": b"BREW /open HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_gets_no_function_error_and_leaves_the_api_alive(cloud: SmallCloud, said: bytes) -> None:
    answer = spoken(cloud, said)
    assert b" 500 " not in answer.split(b"\r\n")[0]
    assert post(cloud, "Bearer good").status_code == 200


@pytest.mark.parametrize("length", [b"many", b"-5", b"50"])
def test_a_body_of_another_length_than_announced_is_refused(cloud: SmallCloud, length: bytes) -> None:
    answer = spoken(cloud, b"POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\ncut")
    assert answer.startswith(b"HTTP/1.1 400 ")
