"""CPU time of the judgement of one AWS call on the laptop, with the policies of the shipped template.

Run with `python -m tests.benchmarks.bench_rights`; it prints one line of JSON, in microseconds.
"""

import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from local.deploy.deployment import REGION
from local.deploy.parameters import read_parameters
from local.deploy.transform import package, read_template, to_cloudformation
from local.emulator.aws_calls import read_call
from local.iam.gate import Gate
from local.iam.rights import Rights
from local.iam.statements import Policies, read_policy
from local.settings import PROJECT_ROOT
from tests.support.rights import rights_of

_TIMES: Final = 20_000
_TABLE: Final = "JobsTable"
_FUNCTION: Final = "SubmitJobFunction"


class Template:
    """The policies of a function's role, whose table and buckets have their logical ids as names."""

    def __init__(self) -> None:
        template = read_template(PROJECT_ROOT / "template.yaml")
        packaged = package(template, PROJECT_ROOT, built=False)
        resources = to_cloudformation(packaged.template, read_parameters(template, {}))["Resources"]
        self._statements = [_resolved(each) for each in rights_of(resources)[_FUNCTION]]

    def of_role(self, role_arn: str) -> Policies:  # noqa: ARG002 (a `PolicySource`)
        """Return the policies of the one role."""
        return Policies(read_policy("given", {"Statement": self._statements}))

    def of_resource(self, arn: str) -> Policies:  # noqa: ARG002
        """Return none."""
        return Policies()


class Keys:
    """The table's partition key."""

    def hash_key(self, table: str, index: str | None) -> str | None:  # noqa: ARG002 (`Facts`)
        """Return the key of every table."""
        return "pk"

    def secret_arn(self, secret_id: str) -> str | None:
        """Return an ARN as it is."""
        return secret_id

    def machine_of(self, token: str) -> str | None:  # noqa: ARG002
        """Return none."""
        return None


def _resolved(value: Any) -> Any:  # noqa: ANN401 (any part of a template)
    """A part of a template with an ARN in place of each reference."""
    if isinstance(value, list):
        return [_resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value or "Ref" in value or "Fn::Sub" in value:
        named = json.dumps(value)
        if _TABLE in named:
            return f"arn:aws:dynamodb:{REGION}:123456789012:table/{_TABLE}"
        return "arn:aws:s3:::AudioBucket/tracks/*" if "AudioBucket" in named else "*"
    return {name: _resolved(each) for name, each in value.items()}


def _time_us(step: Callable[[], object]) -> float:
    step()
    begun = time.process_time()
    for _ in range(_TIMES):
        step()
    return round((time.process_time() - begun) / _TIMES * 1e6, 1)


def _signed(key: str, operation: str, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={key}/20261130/{REGION}/dynamodb/aws4_request",
        "HTTP_X_AMZ_TARGET": f"DynamoDB_20120810.{operation}",
    }
    return environ, json.dumps(request).encode()


def main() -> None:
    """Print how long each kind of call is judged."""
    rights = Rights(Template())
    key, gate = rights.let_in(f"arn:aws:iam::123456789012:role/{_FUNCTION}", _FUNCTION), Gate(rights, Keys())

    def item(name: str) -> dict[str, Any]:
        return {"pk": {"S": name}, "sk": {"S": "a"}}

    puts = [{"Put": {"TableName": _TABLE, "Item": item(name)}} for name in ("JOB#1", "WALLET#1", "IDEMPOTENCY#1")]
    update = {"Update": {"TableName": _TABLE, "Key": item("WALLET#1")}}
    link = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/AudioBucket/tracks/t/1.mp3",
        "QUERY_STRING": f"X-Amz-Credential={key}%2F20261130&X-Amz-Signature=1",
    }
    calls = {
        "one item": _signed(key, "GetItem", {"TableName": _TABLE, "Key": item("WALLET#1")}),
        "a transaction of four": _signed(key, "TransactWriteItems", {"TransactItems": [*puts, update]}),
        "a link": (link, b""),
    }
    served: list[str] = []

    def serve(environ: dict[str, Any], _start_response: object) -> Iterable[bytes]:
        served.append(environ["PATH_INFO"])
        return [b""]

    times = {}
    for name, (environ, body) in calls.items():
        call = read_call(environ, body)
        times[name] = _time_us(partial(gate.serve, call, serve, environ, _nothing))
    if len(served) != len(calls) * (_TIMES + 1):
        raise SystemExit("a call was refused, so nothing was measured")
    print(json.dumps({"judgement_us": times}))


def _nothing(*_: object) -> Any:  # noqa: ANN401 (a `start_response` that is not called)
    raise AssertionError("nothing is answered")


if __name__ == "__main__":
    main()
