"""AWS's own client reads the emulator's lack of a call as an error that names it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import MotoRequestHandler

from local.emulator.aws_endpoint import AwsEndpoint
from local.emulator.missing_calls import dispatcher
from local.http.server import HttpServer, listen
from local.logs import JsonLines


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = JsonLines(Path(tmp_path_factory.mktemp("logs")) / "aws.jsonl")
    server = HttpServer(listen(0), AwsEndpoint(dispatcher(), log, "OWN"), MotoRequestHandler)
    server.start()
    yield server.url
    server.stop()
    log.close()


@pytest.mark.parametrize(
    ("service", "call", "arguments", "named"),
    [
        ("dynamodb", "list_global_tables", {}, "dynamodb:ListGlobalTables"),
        ("bedrock", "list_foundation_models", {}, "bedrock:GET /foundation-models"),
        ("workmail", "list_organizations", {}, "workmail:ListOrganizations"),
        ("ec2", "describe_fpga_images", {}, "ec2:DescribeFpgaImages"),
        ("cloudformation", "describe_account_limits", {}, "cloudformation:DescribeAccountLimits"),
        (
            *("lambda", "get_function_recursion_config", {"FunctionName": "f"}),
            "lambda:GET /2024-08-31/functions/f/recursion-config",
        ),
        ("route53", "list_cidr_collections", {}, "route53:GET /2013-04-01/cidrcollection"),
    ],
)
def test_a_call_that_the_emulator_lacks_is_refused_by_name_and_not_repeated(
    endpoint: str, service: str, call: str, arguments: dict[str, Any], named: str
) -> None:
    client = boto3.client(  # type: ignore[call-overload]  # the stubs know services by literal only
        service,
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
    )
    with pytest.raises(ClientError) as refused:
        getattr(client, call)(**arguments)
    answer = refused.value.response
    assert answer["Error"]["Code"] == "NotImplemented"
    assert named in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_resource_that_is_not_there_is_still_the_emulators_own_refusal(endpoint: str) -> None:
    client = boto3.client(
        "lambda", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with pytest.raises(ClientError, match="Function not found") as refused:
        client.get_function(FunctionName="nobody")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
