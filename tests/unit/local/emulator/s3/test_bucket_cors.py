"""Pages of other origins get from the laptop's S3 what the bucket's rules give them on AWS."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml
from moto import mock_aws
from werkzeug.test import Client
from werkzeug.wrappers import Response

from local.deploy.resources.s3 import CorsConfiguration
from local.emulator.s3.bucket_cors import CorsRule, rules_in_moto, with_cors
from local.settings import PROJECT_ROOT
from tests.support.cloud import BUCKET, s3_with_bucket

PAGE = "https://app.example.com"
PLAYER = CorsRule(("GET", "HEAD"), ("*",), ("*",), max_age_s=3600)
EDITOR = CorsRule(("PUT",), (PAGE, "https://*.example.org"), ("x-amz-*", "Content-Type"), ("ETag",))
MOTOS = {"Access-Control-Allow-Origin": "https://motos.example", "Access-Control-Allow-Methods": "PUT", "ETag": '"1"'}


def s3(*rules: CorsRule, status: int = 200) -> Client:
    """A bucket named `songs` with these rules, in front of a moto that has CORS headers of its own."""

    def rules_of(bucket: str) -> Sequence[CorsRule] | None:
        return rules if bucket == "songs" else None

    return Client(with_cors(Response("moto", status, MOTOS), rules_of), use_cookies=False)


def about_origins(answer: Any) -> dict[str, str]:  # noqa: ANN401 - werkzeug's test answer
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def ask(origin: str, method: str = "GET", headers: str | None = None) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return asked if headers is None else {**asked, "Access-Control-Request-Headers": headers}


def test_a_preflight_that_a_rule_allows_is_answered_without_moto() -> None:
    answer = s3(PLAYER).options("/songs/a.mp3", headers=ask(PAGE, "GET", "Range, X-Own"))
    assert (answer.status_code, answer.data) == (200, b"")
    assert about_origins(answer) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "range, x-own",
        "Access-Control-Max-Age": "3600",
    }
    assert answer.headers["Vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        (PAGE, "POST", None),
        (PAGE, "DELETE", None),
        ("https://evil.example.net", "PUT", None),
        ("https://app.example.com.evil.example", "PUT", None),
        (PAGE.upper(), "PUT", None),
        (PAGE, "PUT", "authorization"),
        (PAGE, "PUT", "content-type, authorization"),
        (PAGE, "", None),
    ],
)
def test_a_preflight_that_no_rule_allows_is_refused_as_by_s3(origin: str, method: str, headers: str | None) -> None:
    answer = s3(PLAYER, EDITOR).options("/songs/a.mp3", headers=ask(origin, method, headers))
    assert (answer.status_code, about_origins(answer)) == (403, {})
    assert "<Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed." in answer.text


def test_a_bucket_without_rules_says_so_to_a_preflight_and_nothing_to_a_request() -> None:
    answer = s3().options("/songs/a.mp3", headers=ask(PAGE))
    assert (answer.status_code, "CORS is not enabled for this bucket" in answer.text) == (403, True)
    assert about_origins(s3().get("/songs/a.mp3", headers={"Origin": PAGE})) == {}


@pytest.mark.parametrize("status", [200, 206, 304, 403, 404])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_has_the_headers_of_the_rule_that_fits_errors_too(method: str, status: int) -> None:
    answer = s3(EDITOR, PLAYER, status=status).open("/songs/a.mp3", method=method, headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["ETag"]) == (status, '"1"')
    assert about_origins(answer) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Max-Age": "3600",
    }


@pytest.mark.parametrize(("origin", "fits"), [(PAGE, True), ("https://a.example.org", True), ("https://a.b", False)])
def test_a_rule_for_named_origins_names_the_origin_and_what_it_may_read(origin: str, fits: bool) -> None:
    answer = s3(PLAYER, EDITOR).put("/songs/a.mp3", headers={"Origin": origin})
    expected = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Expose-Headers": "ETag",
        "Access-Control-Allow-Credentials": "true",
    }
    assert about_origins(answer) == (expected if fits else {})


def test_a_request_of_another_method_is_served_and_cannot_be_read_by_the_page() -> None:
    answer = s3(PLAYER).post("/songs", headers={"Origin": PAGE})
    assert (answer.text, about_origins(answer)) == ("moto", {})


def test_a_request_without_origin_and_an_unknown_bucket_are_motos() -> None:
    for answer in (s3(PLAYER).get("/songs/a.mp3"), s3(PLAYER).get("/other/a.mp3", headers={"Origin": PAGE})):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://motos.example"


def test_the_rules_of_the_shipped_bucket_reach_the_emulator_as_they_stand() -> None:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's short forms as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((PROJECT_ROOT / "template.yaml").read_text("utf-8"), Loader)  # noqa: S506 - a safe loader
    shipped = template["Resources"]["AudioBucket"]["Properties"]["CorsConfiguration"]
    rules = [rule.as_cors_request() for rule in CorsConfiguration.model_validate(shipped).cors_rules]
    with mock_aws():
        s3_with_bucket().put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})  # type: ignore[typeddict-item]
        exposed = ("Accept-Ranges", "Content-Length", "Content-Range", "ETag")
        assert rules_in_moto(BUCKET) == [replace(PLAYER, exposed=exposed)]
        assert rules_in_moto("another") is None
