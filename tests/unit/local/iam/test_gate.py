"""The gate serves what a role may do, refuses the rest as AWS does, and lets the administrator pass."""

import io
import json
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import Client, EnvironBuilder, TestResponse
from werkzeug.wrappers import Request, Response

from local.emulator.aws_calls import read_call
from local.iam.gate import Gate
from local.iam.rights import Rights, access_key_id
from local.iam.statements import Policies, read_policy

ROLE = "arn:aws:iam::123456789012:role/R"
KEY = access_key_id(ROLE, "f")
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/T"
ALL = "arn:aws:s3:::b/*"
HIDDEN = "arn:aws:s3:::b/hidden/*"


class Source:
    """A role that may read two keys of a table and one folder of a bucket, whose policy hides another."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = [
            {
                "Sid": "ReadJobs",
                "Effect": "Allow",
                "Action": "dynamodb:GetItem",
                "Resource": TABLE,
                "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["JOB#*"]}},
            },
            {"Sid": "Songs", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ALL},
        ]  # fmt: skip

    def of_role(self, role_arn: str) -> Policies:
        return Policies(read_policy("given", {"Statement": self.given})) if role_arn == ROLE else Policies()

    def of_resource(self, arn: str) -> Policies:
        hidden = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": HIDDEN}
        return Policies(read_policy("bucket", {"Statement": hidden})) if arn == "arn:aws:s3:::b" else Policies()


class Facts:
    """A table by its partition key."""

    def hash_key(self, table: str, index: str | None) -> str | None:  # noqa: ARG002 (`Facts`)
        return "pk"

    def secret_arn(self, secret_id: str) -> str | None:  # noqa: ARG002
        return None

    def machine_of(self, token: str) -> str | None:  # noqa: ARG002
        return None


class World:
    """A gate before an AWS that says `served`, or 404 for what is missing."""

    def __init__(self) -> None:
        self.source, self.used, self.refused = Source(), list[tuple[str, str, str]](), list[tuple[str, str, str]]()
        self.rights = Rights(
            self.source, lambda *use: self.used.append(use), lambda *refusal: self.refused.append(refusal)
        )
        self.key = self.rights.let_in(ROLE, "f")
        self.gate = Gate(self.rights, Facts())

    def ask(self, environ: dict[str, Any], body: bytes = b"") -> TestResponse:
        serve = Response("missing", 404) if "missing" in environ["PATH_INFO"] else Response("served")
        environ["wsgi.input"] = io.BytesIO(body)
        call = read_call(environ, body)
        client = Client(lambda environ, start: self.gate.serve(call, serve, environ, start))
        return client.open(Request(environ))

    def item(self, key: str, access_key: str | None = None) -> TestResponse:
        body = json.dumps({"TableName": "T", "Key": {"pk": {"S": key}}}).encode()
        signed = f"AWS4-HMAC-SHA256 Credential={access_key or self.key}/20261130/eu-west-1/dynamodb/aws4_request"
        headers = Headers({"Authorization": signed, "X-Amz-Target": "DynamoDB_20120810.GetItem"})
        return self.ask(EnvironBuilder(method="POST", headers=headers, data=body).get_environ(), body)

    def link(self, path: str, method: str = "GET") -> TestResponse:
        query = f"X-Amz-Credential={self.key}%2F20261130%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=1"
        return self.ask(EnvironBuilder(path=path, query_string=query, method=method).get_environ())


@pytest.fixture
def world() -> World:
    return World()


def test_a_role_does_what_it_may_and_nothing_else(world: World) -> None:
    assert world.item("JOB#1").text == "served"
    refused = world.item("KEY#1")
    assert (refused.status_code, refused.headers["x-amzn-ErrorType"]) == (400, "AccessDeniedException")
    assert refused.json is not None
    assert refused.json["__type"] == "AccessDeniedException"
    assert refused.json["message"].startswith(
        "User: arn:aws:sts::123456789012:assumed-role/R/f is not authorized to perform: dynamodb:GetItem on resource:"
    )


@pytest.mark.parametrize("key", ["AKIALOCALCALLER00000", access_key_id(ROLE, "another")])
def test_whoever_has_no_roles_key_is_the_administrator(world: World, key: str) -> None:
    assert world.item("KEY#1", key).text == "served"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/b/song.mp3"), ("PUT", "/b/song.mp3"), ("POST", "/moto-api/reset")]
)
def test_whoever_signs_nothing_is_nobody_and_no_role_lacks_a_right(world: World, method: str, path: str) -> None:
    refused = world.ask(EnvironBuilder(path=path, method=method).get_environ())

    assert (refused.status_code, "<Code>AccessDenied</Code>" in refused.text) == (403, True)
    assert world.refused == []


def test_a_link_is_judged_as_its_signer_when_it_is_used(world: World) -> None:
    assert world.link("/b/song.mp3").text == "served"
    world.source.given = []
    world.rights.learn()
    refused = world.link("/b/song.mp3")
    assert (refused.status_code, "<Code>AccessDenied</Code>" in refused.text) == (403, True)
    assert "s3:GetObject on resource: arn:aws:s3:::b/song.mp3" in refused.text


def test_an_older_links_signer_is_found_too(world: World) -> None:
    environ = EnvironBuilder(path="/other/a", query_string=f"AWSAccessKeyId={world.key}&Expires=1").get_environ()
    assert world.ask(environ).status_code == 403


def test_the_policy_of_a_bucket_is_heard(world: World) -> None:
    refused = world.link("/b/hidden/song.mp3")
    assert (refused.status_code, "explicit deny in a resource-based policy" in refused.text) == (403, True)


@pytest.mark.parametrize(("may_list", "status"), [(False, 403), (True, 404)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_only_who_may_list_a_bucket_learns_that_an_object_is_missing(
    world: World, may_list: bool, status: int, method: str
) -> None:
    if may_list:
        listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}
        world.source.given.append(listing)
    assert world.link("/b/missing", method).status_code == status


@pytest.mark.parametrize(("key", "status"), [("references/a", 200), ("hidden/a", 403)])
def test_a_form_is_judged_as_its_signer(world: World, key: str, status: int) -> None:
    fields = {"key": key, "x-amz-credential": f"{world.key}/20261130/eu-west-1/s3/aws4_request", "file": "song"}
    made = EnvironBuilder(method="POST", path="/b", data=fields, content_type="multipart/form-data")
    environ = made.get_environ()
    assert world.ask(environ, environ["wsgi.input"].read()).status_code == status


def test_a_call_that_cannot_be_judged_is_refused_and_says_what_is_missing(world: World) -> None:
    signed = f"AWS4-HMAC-SHA256 Credential={world.key}/20261130/eu-west-1/kms/aws4_request"
    headers = Headers({"Authorization": signed, "X-Amz-Target": "TrentService.Decrypt"})
    refused = world.ask(EnvironBuilder(method="POST", headers=headers).get_environ(), b"{}")
    assert (refused.status_code, "the laptop cannot judge kms:Decrypt" in refused.text) == (400, True)


def test_a_form_of_the_query_protocol_is_refused_in_xml(world: World) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:t"
    signed = f"AWS4-HMAC-SHA256 Credential={world.key}/20261130/eu-west-1/sns/aws4_request"
    made = EnvironBuilder(
        method="POST", headers=Headers({"Authorization": signed}), data={"Action": "Publish", "TopicArn": topic}
    )
    environ = made.get_environ()
    refused = world.ask(environ, environ["wsgi.input"].read())
    assert (refused.status_code, f"sns:Publish on resource: {topic}" in refused.text) == (403, True)
    assert refused.text.startswith("<?xml")


def test_each_right_is_noted_when_it_is_first_used(world: World) -> None:
    for key in ("JOB#1", "JOB#2", "KEY#1"):
        world.item(key)
    world.link("/b/song.mp3")
    assert world.used == [(ROLE, "given/ReadJobs", "dynamodb:GetItem"), (ROLE, "given/Songs", "s3:GetObject")]


def test_a_session_has_the_same_key_at_every_start() -> None:
    assert World().key == World().key == KEY
    assert len(KEY) == len("ASIAIOSFODNN7EXAMPLE")
    assert access_key_id(ROLE, "g") != KEY
