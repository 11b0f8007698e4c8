"""Every part of moto that keeping its state replaces, with the reason."""

from typing import Final

from local.emulator.moto_seams import Seam

_KEPT_ITEMS: Final = "the items of an earlier run are there as soon as their table is"
CALL_DYNAMODB: Final = Seam(
    "moto.dynamodb.responses", "DynamoHandler.call_action", ("self",), "what a call changed is kept before its answer"
)
CREATE_TABLE: Final = Seam(
    "moto.dynamodb.models",
    "DynamoDBBackend.create_table",
    (
        "self",
        "name",
        "schema",
        "throughput",
        "attr",
        "global_indexes",
        "indexes",
        "streams",
        "billing_mode",
        "sse_specification",
        "tags",
        "deletion_protection_enabled",
        "warm_throughput",
    ),
    _KEPT_ITEMS,
)
CREATE_BUCKET: Final = Seam(
    "moto.s3.models",
    "S3Backend.create_bucket",
    ("self", "bucket_name", "region_name", "bucket_namespace"),
    "the objects of an earlier run are there as soon as their bucket is",
)
PUT_TAGS: Final = Seam(
    "moto.s3.models", "S3Backend.put_object_tagging", ("self", "key", "tags"), "an object's tags are kept with it"
)
DELETE_TAGS: Final = Seam(
    "moto.s3.models",
    "S3Backend.delete_object_tagging",
    ("self", "bucket_name", "key_name", "version_id"),
    "an object's tags are kept with it",
)
CREATE_SECRET: Final = Seam(
    "moto.secretsmanager.models",
    "SecretsManagerBackend.create_secret",
    None,
    "a secret of an earlier run keeps its ARN and its value",
)
CREATE_MACHINE: Final = Seam(
    "moto.stepfunctions.parser.models",
    "StepFunctionsParserBackend.create_state_machine",
    None,
    "the executions of an earlier run are there as soon as their machine is",
)

SEAMS: Final = (
    CALL_DYNAMODB,
    CREATE_TABLE,
    CREATE_BUCKET,
    PUT_TAGS,
    DELETE_TAGS,
    CREATE_SECRET,
    CREATE_MACHINE,
)
