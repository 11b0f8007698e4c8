"""A deployment on a restored table: paused before anything can order, with every function and right on that table."""

from pathlib import Path

import pytest

from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.live_pieces import S3LivePieces
from fermata.adapters.s3.original_store import S3OriginalStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.providers.budget_shares import SHARDS
from local.deploy.resources.resource_type import Clients
from local.errors import CustomResourceError
from tests.integration.local.deployer import Deployer
from tests.songs import JOB_ID

RESTORED = "restored-jobs"


@pytest.mark.long
def test_every_function_of_a_deployment_on_a_restored_table_finds_it_paused(
    deployer: Deployer, clients: Clients
) -> None:
    first = deployer.deploy()
    dynamodb = clients("dynamodb")
    dynamodb.put_item(TableName=first.outputs["TableName"], Item={"pk": {"S": "TENANTS"}, "sk": {"S": "acme"}})
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=first.outputs["TableName"], TargetTableName=RESTORED, UseLatestRestorableTime=True
    )
    again = deployer.deploy("fermata-again", RestoredTableName=RESTORED)

    assert again.outputs["TableName"] == RESTORED
    environments = {function.logical_id: function.environment for function in again.functions.values()}
    assert {environment["TABLE_NAME"] for environment in environments.values()} == {RESTORED}
    restored_at = {environment["TABLE_RESTORED_AT"] for environment in environments.values()}
    # The function that prepares the table does not know the moment yet.
    assert len(restored_at - {""}) == 1
    assert environments["ValidateSettingsFunction"]["TABLE_RESTORED_AT"] == ""
    items = dynamodb.scan(TableName=RESTORED)["Items"]
    paused = {item["pk"]["S"] for item in items if item["sk"]["S"] == "PAUSE" and "since" in item}
    names = ("minimax", "skillboss", "apiinone", "aimlapi", "all")
    assert paused == {f"PAUSE#{name}{copy}" for name in names for copy in ("", *(f"#{n}" for n in range(1, SHARDS)))}
    assert {"S": "acme"} in [item["sk"] for item in items]
    own = clients("dynamodb").scan(TableName=first.outputs["TableName"])["Items"]
    assert [item["pk"]["S"] for item in own] == ["TENANTS"]


def test_a_name_that_no_table_has_ends_the_deployment_in_a_sentence(deployer: Deployer) -> None:
    with pytest.raises(CustomResourceError, match="there is no table gone in this account and region"):
        deployer.deploy("fermata-on-nothing", RestoredTableName="gone")


def test_a_stack_that_is_gone_comes_back_on_the_table_that_it_left(
    deployer: Deployer, clients: Clients, tmp_path: Path
) -> None:
    kept = deployer.deploy_part("TableInUse", "fermata-gone", tmp_path).resources["TableInUse"]
    for function in clients("lambda").list_functions()["Functions"]:
        if function["FunctionName"].startswith("fermata-gone"):
            clients("lambda").delete_function(FunctionName=function["FunctionName"])
    clients("dynamodb").put_item(TableName=kept, Item={"pk": {"S": "TENANTS"}, "sk": {"S": "acme"}})

    back = deployer.deploy_part("TableInUse", "fermata-back", tmp_path, RestoredTableName=kept)
    assert back.resources["TableInUse"] == kept
    items = clients("dynamodb").scan(TableName=kept)["Items"]
    assert {item["pk"]["S"] for item in items if item["sk"]["S"] == "PAUSE"} >= {"PAUSE#all", "PAUSE#minimax"}
    noted = [item for item in items if item["pk"]["S"] == "TABLE"]

    # A later deployment finds the note, and leaves alone what was resumed since.
    clients("dynamodb").delete_item(TableName=kept, Key={"pk": {"S": "PAUSE#all"}, "sk": {"S": "PAUSE"}})
    deployer.deploy_part("TableInUse", "fermata-later", tmp_path, RestoredTableName=kept)
    later = clients("dynamodb").scan(TableName=kept)["Items"]
    assert [item for item in later if item["pk"]["S"] == "TABLE"] == noted
    assert "PAUSE#all" not in {item["pk"]["S"] for item in later}


def test_a_deletion_leaves_no_version_in_the_audio_bucket(deployer: Deployer, clients: Clients, tmp_path: Path) -> None:
    bucket = deployer.deploy_part("AudioBucket", "fermata-audio", tmp_path).resources["AudioBucket"]
    s3, folders = clients("s3"), ("tracks", "staging", "originals", "live")
    for _ in range(2):
        for folder in folders:
            s3.put_object(Bucket=bucket, Key=f"{folder}/{JOB_ID}/1", Body=b"a song")

    S3TrackStore(s3, bucket).forget(JOB_ID)
    S3AnswerStore(s3, bucket).forget(JOB_ID)
    S3OriginalStore(s3, bucket).forget(JOB_ID)
    S3LivePieces(s3, bucket).forget(JOB_ID)
    found = s3.list_object_versions(Bucket=bucket)
    assert (found.get("Versions", []), found.get("DeleteMarkers", [])) == ([], [])
