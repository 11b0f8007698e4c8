"""A table in which the tenants that order have credits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.support.cloud import dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    """The table, with credits for every order."""
    with mock_aws():
        yield dynamodb_with_table(*FUNDED_WALLETS)
