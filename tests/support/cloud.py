"""Clients of moto's in-process AWS, with the table, the bucket and the secret that the adapters expect."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.money.wallet import Wallet

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

TABLE: Final = "jobs"
BUCKET: Final = "audio"
REGION: Final = "eu-west-1"
ONE_TRY: Final = Config(retries={"total_max_attempts": 1})


@lru_cache(maxsize=1)
def session() -> boto3.Session:
    """One session for all tests, because the service descriptions that it reads take most of a second."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


def dynamodb_with_table(*wallets: Wallet) -> "DynamoDBClient":
    client = session().client("dynamodb", config=ONE_TRY)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "check_shard", "AttributeType": "S"},
            {"AttributeName": "check_at", "AttributeType": "S"},
            {"AttributeName": "listing", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByCheckAt",
                "KeySchema": [
                    {"AttributeName": "check_shard", "KeyType": "HASH"},
                    {"AttributeName": "check_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "ByTenant",
                "KeySchema": [
                    {"AttributeName": "listing", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status"]},
            },
        ],
    )
    for wallet in wallets:
        DynamoWalletStore(DynamoTransactions(client, TABLE)).open(wallet)
    return client


def s3_with_bucket(endpoint_url: str | None = None) -> "S3Client":
    client = session().client("s3", config=ONE_TRY, endpoint_url=endpoint_url)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


Answer = tuple[AWSResponse, dict[str, Any]]


class AnswersInstead:
    """Answers the next calls of one operation itself, so that they do not reach AWS; None lets one pass."""

    def __init__(self, client: Any, operation: str, *answers: Callable[[], Answer | None]) -> None:  # noqa: ANN401 - any client
        self.answers = list(answers)
        self.calls = 0
        service = client.meta.service_model.service_name
        client.meta.events.register(f"before-call.{service}.{operation}", self._answer)

    def _answer(self, **_: object) -> Answer | None:
        self.calls += 1
        return self.answers.pop(0)() if self.answers else None


def aws_error(code: str, message: str = "", **more: object) -> Callable[[], Answer]:
    """A refusal of AWS as the SDK understands it."""
    parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    return lambda: (AWSResponse("https://aws", 400, HTTPHeaders(), None), parsed)


def canceled(*codes: str) -> Callable[[], Answer]:
    """A transaction that is canceled for one reason for each of its parts."""
    reasons = [{"Code": code} for code in codes]
    return aws_error("TransactionCanceledException", "canary", CancellationReasons=reasons)


def passes() -> None:
    """Let a call reach the table."""
