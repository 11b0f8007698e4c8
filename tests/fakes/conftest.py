"""Contracts open no socket, not even to this machine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.support.cloud import dynamodb_with_table
from tests.support.offline import no_sockets, quick_tables

__all__ = ["no_sockets", "quick_tables"]

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    """The table, with nothing in it."""
    with mock_aws():
        yield dynamodb_with_table()
