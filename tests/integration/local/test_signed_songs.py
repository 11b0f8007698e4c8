"""A cloud of its own with `Marking=c2pa`: this machine's certificate signs its songs. Without one they come with their
tags.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import encypher_c2pa
import httpx
import pytest

from tests.integration.cloud_process import running_cloud
from tests.integration.song import TLS, Cloud, request

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signing")


@pytest.fixture(scope="module")
def cloud(folder: Path) -> Iterator[Cloud]:
    with running_cloud(["--param", "Marking=c2pa"], folder) as line:
        yield Cloud(line)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({}, "audio/mpeg"), ({"model": "aimlapi/google/lyria2", "lyrics": "", "audio": {"format": "wav"}}, "audio/wav")],
    ids=["MP3", "WAV"],
)
def test_a_song_is_signed_with_the_certificate_of_this_machine_and_its_original_comes_back(
    cloud: Cloud, folder: Path, fields: dict[str, object], kind: str
) -> None:
    job = cloud.made(request(f"a signed song as {kind}", **fields))
    (track,) = job["tracks"]
    assert track["marks"] == ["tags", "c2pa"]
    song = folder / "song"
    song.write_bytes(httpx.get(track["url"], verify=TLS).raise_for_status().content)
    assert hashlib.sha256(song.read_bytes()).hexdigest() == track["sha256"]
    secret = json.loads(
        cloud.aws("secretsmanager").get_secret_value(SecretId=cloud.line["outputs"]["SigningSecretArn"])["SecretString"]
    )
    root = secret["certificates"][secret["certificates"].rindex("-----BEGIN") :]
    judged = encypher_c2pa.verify(str(song), kind, trust_pem=root, no_default_trust=True)
    assert (judged["integrity"], judged["hard_binding"]) == ("valid", "match")
    assert judged["trust"]["status"] == "valid_for_supplied_material"
    sent = cloud.original(job)
    assert hashlib.sha256(sent).hexdigest() == track["source_sha256"]
    assert b"c2pa" not in sent


def test_without_a_key_a_song_has_its_tags_and_the_operator_reads_why(cloud: Cloud, folder: Path) -> None:
    arn = cloud.line["outputs"]["SigningSecretArn"]
    secrets = cloud.aws("secretsmanager")
    before = secrets.get_secret_value(SecretId=arn)["SecretString"]
    secrets.put_secret_value(SecretId=arn, SecretString="{}")
    try:
        job = cloud.made(request("a song that nobody signs"))
    finally:
        secrets.put_secret_value(SecretId=arn, SecretString=before)
    assert (job["status"], job["tracks"][0]["marks"]) == ("succeeded", ["tags"])
    logs = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    lines = [line for text in logs for line in text.splitlines()]
    assert [line for line in lines if "stored without a signed manifest" in line and "no_key" in line]
    assert [line for line in lines if "SongsNotSigned" in line]
    assert not [line for line in lines if "PRIVATE KEY" in line]
