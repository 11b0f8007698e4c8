"""Who may put a file where, by the bucket's own policy, and which files start something.

Nothing on one machine asks for permissions, so the policy is read here as IAM reads a denial.
"""

import re
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest
from moto.events.models import EventPattern

from fermata.domain.triggers.inbound_event import Sender, refusal_of
from fermata.domain.web.problem import problem_of
from fermata.errors import InvalidRequestError
from tests.support.rights import Statement

pytestmark = pytest.mark.check

Template = dict[str, Any]
FERMATA: Final = "SubmitLineFunctionRole"
_VARIABLE: Final = re.compile(r"\$\{!aws:PrincipalTag/fermata-tenant, '(.)'\}")


def _key_pattern(resource: Any, tag: str | None) -> str:  # noqa: ANN401 - an intrinsic function
    """The pattern of keys that a resource of the policy stands for, to a writer with this tag."""
    if "Fn::GetAtt" in resource:
        return "the bucket itself"
    text = str(resource["Fn::Sub"])
    return _VARIABLE.sub(lambda default: tag or default[1], text).removeprefix("${InboxBucket.Arn}/")


def _is_denied(statement: Template, action: str, key: str, tag: str | None, role: str | None) -> bool:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    if action not in actions:
        return False
    named = "Resource" if "Resource" in statement else "NotResource"
    listed = any(fnmatchcase(key, _key_pattern(resource, tag)) for resource in statement[named])
    if listed is (named == "NotResource"):
        return False
    condition = statement.get("Condition", {})
    roles = [writer["Fn::GetAtt"][0] for writer in condition.get("ArnNotEquals", {}).get("aws:PrincipalArn", [])]
    return role not in roles and (tag is not None or "Null" not in condition)


def denied(resources: Template, action: str, key: str, tag: str | None = None, role: str | None = None) -> bool:
    statements = resources["InboxBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert all(statement["Effect"] == "Deny" and statement["Principal"] == "*" for statement in statements)
    return any(_is_denied(statement, action, key, tag, role) for statement in statements)


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_a_writer_writes_under_its_own_tenant_and_nowhere_else(resources: Template, action: str) -> None:
    assert not denied(resources, action, "requests/acme/song.json", tag="acme")
    for key in ("requests/other/song.json", "requests/acme-2/song.json", "requests/song.json", "song.json"):
        assert denied(resources, action, key, tag="acme"), key


def test_a_writer_without_a_tag_writes_nowhere(resources: Template) -> None:
    for key in ("requests/acme/song.json", "requests//song.json", "elsewhere", "results/acme/x", "manifests/acme/x"):
        assert denied(resources, "s3:PutObject", key), key


def test_only_fermata_writes_results_and_manifests(resources: Template) -> None:
    for key in ("results/acme/song.json/result.json", "manifests/acme/batch.jsonl/manifest.json"):
        assert denied(resources, "s3:PutObject", key, tag="acme"), key
        assert not denied(resources, "s3:PutObject", key, role=FERMATA), key
    assert denied(resources, "s3:PutObject", "requests/acme/song.json", role=FERMATA)


def test_a_writer_reads_what_is_its_own(resources: Template) -> None:
    for key in ("requests/acme/song.json", "results/acme/song.json/result.json"):
        assert not denied(resources, "s3:GetObject", key, tag="acme")
        assert denied(resources, "s3:GetObject", key, tag="other")
        assert not denied(resources, "s3:GetObject", key, role=FERMATA)
    assert denied(resources, "s3:GetObject", "manifests/acme/batch.jsonl/manifest.json", tag="acme")


def _file_put(key: str, bucket: str = "inbox", detail_type: str = "Object Created") -> Any:  # noqa: ANN401 - an event
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "version-id": "v"}}
    return {"source": "aws.s3", "detail-type": detail_type, "detail": detail}


def _pattern(resources: Template, event: str) -> EventPattern:
    pattern = resources["IngestRequestFunction"]["Properties"]["Events"][event]["Properties"]["Pattern"]
    if event == "FilePutIn":
        assert pattern["detail"]["bucket"]["name"] == [{"Ref": "InboxBucket"}]
        pattern = {**pattern, "detail": {**pattern["detail"], "bucket": {"name": ["inbox"]}}}
    return EventPattern(None, pattern)


def test_only_requests_start_something_so_no_result_starts_another(resources: Template) -> None:
    rule = _pattern(resources, "FilePutIn")
    assert rule.matches_event(_file_put("requests/acme/song.json"))
    for key in (
        "results/acme/song.json/r/result.json",
        "manifests/acme/b.jsonl/r/manifest.json",
        "x/requests/acme/a.json",
    ):
        assert not rule.matches_event(_file_put(key)), key
    assert not rule.matches_event(_file_put("requests/acme/song.json", bucket="audio"))
    assert not rule.matches_event(_file_put("requests/acme/song.json", detail_type="Object Deleted"))


def test_no_writer_can_pose_as_s3_on_the_bus_of_requests(resources: Template) -> None:
    rule = _pattern(resources, "JobRequested")
    asked: Template = {"source": "my.shop", "detail-type": "Music Job Requested", "detail": {}}
    from_aws, another = {**asked, "source": "aws.s3"}, {**asked, "detail-type": "Music Job Refused"}
    told: list[Any] = [asked, from_aws, another]
    assert [rule.matches_event(event) for event in told] == [True, False, False]


def test_every_asynchronous_source_has_a_queue_for_what_it_could_not_deliver(resources: Template) -> None:
    rules = [
        event["Properties"]
        for resource in resources.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    ]
    assert len(rules) >= 3
    assert all({"DeadLetterConfig", "RetryPolicy"} <= set(rule) for rule in rules)
    function = resources["IngestRequestFunction"]["Properties"]
    assert function["DeadLetterQueue"]["TargetArn"] == {"Fn::GetAtt": ["IngestRequestDeadLetterQueue", "Arn"]}


@pytest.mark.parametrize("name", ["IngestRequestFunction", "SubmitLineFunction"])
def test_every_role_that_submits_has_the_rights_that_submit_job_needs(
    rights: dict[str, list[Statement]], name: str
) -> None:
    def allowed(function: str) -> set[tuple[str, str, str]]:
        return {
            (action, str(statement["Resource"]), str(statement.get("Condition")))
            for statement in rights[function]
            if statement.get("Sid") not in {"SignLinks", "HoldRequests"}
            for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
        }

    assert allowed("SubmitJobFunction")
    missing = allowed("SubmitJobFunction") - allowed(name)
    # Over HTTP a caller may wait, for which the job is looked at again.
    assert {(action, "JOB#*" in condition) for action, _, condition in missing} <= {("dynamodb:GetItem", True)}


def test_the_function_that_takes_requests_in_publishes_refusals_and_nothing_else(
    rights: dict[str, list[Statement]],
) -> None:
    (publishes,) = [each for each in rights["IngestRequestFunction"] if each["Action"] == "events:PutEvents"]
    refusal = refusal_of(Sender(None, None, None), None, problem_of(InvalidRequestError([])))
    assert publishes["Condition"]["ForAllValues:StringEquals"]["events:detail-type"] == refusal.detail_type
