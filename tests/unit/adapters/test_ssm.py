"""The API's own address is read once, and trouble is not remembered."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.ssm import SsmApiUrl
from fermata.errors import TransientError
from tests.support.cloud import ONE_TRY, AnswersInstead, session

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NAME = "/fermata/fermata/api-url"


@pytest.fixture
def ssm() -> Iterator["SSMClient"]:
    with mock_aws():
        yield session().client("ssm", config=ONE_TRY)


def test_the_address_is_read_once_and_ends_without_a_slash(ssm: "SSMClient") -> None:
    ssm.put_parameter(Name=NAME, Value="https://api.example.com/", Type="String")
    calls = AnswersInstead(ssm, "GetParameter")
    url = SsmApiUrl(ssm, NAME)
    assert (url.read(), url.read(), calls.calls) == ("https://api.example.com", "https://api.example.com", 1)


def test_a_parameter_that_is_missing_is_transient_and_read_again(ssm: "SSMClient") -> None:
    url = SsmApiUrl(ssm, NAME)
    with pytest.raises(TransientError, match=f"{NAME}: ParameterNotFound"):
        url.read()
    ssm.put_parameter(Name=NAME, Value="https://api.example.com", Type="String")
    assert url.read() == "https://api.example.com"
