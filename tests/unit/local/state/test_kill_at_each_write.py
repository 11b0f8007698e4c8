"""Whatever was answered is there after a kill, whenever the kill comes; what was not answered is there whole or not."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from local.state.errors import StateWriteError
from local.state.store import Moment
from tests.unit.local.state.lives import BUCKET, SECRET, TABLE, Life, Lives


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "JOB"}}


def item(name: str, **more: dict[str, str]) -> dict[str, Any]:
    return {**key(name), "n": {"N": "1"}, "b": {"B": b"\x00\xff"}, "m": {"M": {"l": {"L": [{"S": "é"}]}}}, **more}


def transact(life: Life) -> None:
    add = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    life.dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": TABLE, "Item": item("third")}},
            {"Update": {"TableName": TABLE, "Key": key("first"), **add}},
            {"Delete": {"TableName": TABLE, "Key": key("second")}},
        ]
    )


def lose_a_transaction(life: Life) -> None:
    check = {"ConditionExpression": "attribute_exists(never)"}
    with pytest.raises(ClientError):
        life.dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLE, "Item": item("lost")}},
                {"ConditionCheck": {"TableName": TABLE, "Key": key("first"), **check}},
            ]
        )


def upload_in_parts(life: Life) -> None:
    upload = life.s3.create_multipart_upload(Bucket=BUCKET, Key="long.mp3", ContentType="audio/mpeg")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "long.mp3", "UploadId": upload}
    etag = life.s3.upload_part(**where, PartNumber=1, Body=b"part")["ETag"]
    life.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})


STEPS: Final[tuple[Callable[[Life], object], ...]] = (
    lambda life: life.dynamodb.put_item(TableName=TABLE, Item=item("first", listing={"S": "a"})),
    lambda life: life.dynamodb.put_item(TableName=TABLE, Item=item("second")),
    lambda life: life.dynamodb.update_item(
        TableName=TABLE, Key=key("made"), UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": "x"}}
    ),
    transact,
    lose_a_transaction,
    lambda life: life.dynamodb.delete_item(TableName=TABLE, Key=key("third")),
    lambda life: life.s3.put_object(Bucket=BUCKET, Key="song.mp3", Body=b"one", ContentType="audio/mpeg"),
    lambda life: life.s3.put_object(Bucket=BUCKET, Key="song.mp3", Body=b"two", Metadata={"sha256": "00"}),
    lambda life: life.s3.put_object_tagging(
        Bucket=BUCKET, Key="song.mp3", Tagging={"TagSet": [{"Key": "kept", "Value": "yes"}]}
    ),
    lambda life: life.s3.copy_object(Bucket=BUCKET, Key="copy.mp3", CopySource={"Bucket": BUCKET, "Key": "song.mp3"}),
    upload_in_parts,
    lambda life: life.s3.delete_object(Bucket=BUCKET, Key="song.mp3"),
    lambda life: life.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "long.mp3"}]}),
    lambda life: life.secretsmanager.put_secret_value(SecretId=SECRET, SecretString='{"minimax":"changed"}'),
    lambda life: life.secretsmanager.create_secret(Name="caller's", SecretString="own"),
    lambda life: life.ssm.put_parameter(Name="own", Value="1", Type="String"),
)


def test_whatever_was_answered_is_there_after_a_kill_at_any_moment(lives: Lives, tmp_path: Path) -> None:
    life = lives.begin()
    life.ready()
    views, left = [life.view()], list[tuple[int, Path]]()

    def leave_what_a_kill_leaves(_: Moment) -> None:
        path = tmp_path / f"killed-{len(left)}"
        shutil.copytree(lives.folder, path)
        left.append((len(views), path))

    life.state.store.reach = leave_what_a_kill_leaves
    for step in STEPS:
        step(life)
        views.append(life.view())
    assert len(left) == 2 * len(STEPS), "each step is killed before and after its write"
    for step_number, path in left:
        lives.folder = path
        assert lives.begin().view() in (views[step_number - 1], views[step_number]), (step_number, path.name)


def test_a_call_that_cannot_be_kept_is_not_answered_and_neither_is_any_other_after_it(lives: Lives) -> None:
    life = lives.begin()
    life.ready()
    life.dynamodb.put_item(TableName=TABLE, Item=item("answered"))

    def full(_: Moment) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    life.state.store.reach = full
    calls: tuple[Callable[[], object], ...] = (
        lambda: life.dynamodb.put_item(TableName=TABLE, Item=item("lost")),
        lambda: life.dynamodb.get_item(TableName=TABLE, Key=key("lost")),
        lambda: life.s3.list_objects_v2(Bucket=BUCKET),
    )
    for call in calls:
        with pytest.raises(ClientError, match="503"):
            call()
    with pytest.raises(StateWriteError, match=r"No space left on device.*start again"):
        life.state.check()
    assert [found["pk"]["S"] for found in lives.begin().view()["items"]] == ["answered"]


def test_a_kill_leaves_no_file_that_no_object_needs(lives: Lives) -> None:
    life = lives.begin()
    life.ready()
    life.s3.put_object(Bucket=BUCKET, Key="song.mp3", Body=b"one")
    [version] = life.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    (lives.folder / "objects" / "left.part").write_bytes(b"half")
    (lives.folder / "objects" / "left").write_bytes(b"whole, but never answered")
    life = lives.begin()
    assert len(list((lives.folder / "objects").iterdir())) == 1
    life.s3.delete_object(Bucket=BUCKET, Key="song.mp3", VersionId=version["VersionId"])
    assert list((lives.folder / "objects").iterdir()) == []


def test_a_first_start_that_did_not_complete_is_begun_anew(lives: Lives) -> None:
    lives.begin().dynamodb.put_item(TableName=TABLE, Item=item("of nobody"))
    assert lives.begin().view()["items"] == []


def test_an_index_finds_kept_items_before_and_after_they_were_used(lives: Lives) -> None:
    life = lives.begin()
    life.ready()
    for name, listing in (("one", "a"), ("two", "b"), ("three", 'a"b')):
        life.dynamodb.put_item(TableName=TABLE, Item=item(name, listing={"S": listing}))
    life = lives.begin()

    def listed(listing: str) -> list[str]:
        found = life.dynamodb.query(
            TableName=TABLE,
            IndexName="ByListing",
            KeyConditionExpression="listing = :l",
            ExpressionAttributeValues={":l": {"S": listing}},
        )
        return [each["pk"]["S"] for each in found["Items"]]

    for _ in range(2):
        assert (listed("a"), listed("b"), listed('a"b'), listed("c")) == (["one"], ["two"], ["three"], [])


def test_a_kept_secret_keeps_its_arn_and_a_template_cannot_generate_it_again(lives: Lives) -> None:
    life = lives.begin()
    life.ready()
    first = life.secretsmanager.put_secret_value(SecretId=SECRET, SecretString=json.dumps({"a": 1}))["ARN"]
    found = lives.begin().secretsmanager.get_secret_value(SecretId=SECRET)
    assert (found["ARN"], found["SecretString"]) == (first, '{"a": 1}')


def test_a_parameter_of_the_template_has_the_value_of_the_template(lives: Lives) -> None:
    life = lives.begin()
    life.ready()
    life.ssm.put_parameter(Name="url", Value="http://changed", Overwrite=True)
    assert lives.begin().ssm.get_parameter(Name="url")["Parameter"]["Value"] == "http://first"
