"""What `sam deploy` uploads for a built application, taken from a loopback S3 and unpacked as Lambda does."""

import io
import json
import logging
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from moto.server import ThreadedMotoServer

from local.deploy.deployment import REGION
from local.deploy.transform import read_template

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT: Final = Path(__file__).resolve().parent.parent
SAM: Final = ROOT / ".tools" / "sam" / "bin" / "sam"
_BUCKET: Final = "fermata-uploads"
_KEY: Final = "local"
_ZIPPED: Final = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_DEFINITION: Final = {"AWS::Serverless::StateMachine": "DefinitionUri"}


class UploadError(Exception):
    """SAM could not package the application, or uploaded what is no artefact; the message says which."""


def sam_environment(**extra: str) -> dict[str, str]:
    """The environment for SAM without an account: no setting of AWS from outside, a region, no telemetry."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**outside, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0", **extra}


@contextmanager
def loopback_s3() -> Iterator[str]:
    """The URL of an S3 on this machine, the same that the one-machine cloud has, with a bucket for uploads."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        _client(endpoint).create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield endpoint
    finally:
        server.stop()


def unpack_uploads(template: Path | None, folder: Path, endpoint: str) -> None:
    """Package as `sam deploy` does, and unpack every function and layer below `folder`, each under its logical id.

    Without a template SAM chooses it, as it does for a plain `sam deploy`. Raises `UploadError`.
    """
    packaged = folder / "packaged.yaml"
    options = ["--s3-bucket", _BUCKET, "--output-template-file", str(packaged), "--force-upload", "--no-progressbar"]
    chosen = [] if template is None else ["--template-file", str(template)]
    ended = subprocess.run(
        [SAM, "package", *chosen, *options],
        cwd=ROOT,
        env=sam_environment(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID=_KEY, AWS_SECRET_ACCESS_KEY=_KEY),
        check=False,
        capture_output=True,
        text=True,
    )
    if ended.returncode != 0:
        raise UploadError(f"sam package ended with {ended.returncode}: {ended.stderr.strip()}")
    unpack_packaged(read_template(packaged)["Resources"], folder, _client(endpoint))


def unpack_packaged(resources: Mapping[str, Any], folder: Path, client: "S3Client") -> None:
    """Unpack the archives that the resources of a packaged template name; raises `UploadError`."""
    for logical_id, resource in resources.items():
        _unpack(client, logical_id, resource, folder / logical_id)


def _client(endpoint: str) -> "S3Client":
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=_KEY, aws_secret_access_key=_KEY
    )


def _unpack(client: "S3Client", logical_id: str, resource: Mapping[str, Any], into: Path) -> None:
    kind = resource["Type"]
    if kind in _ZIPPED:
        uploaded = _object(client, logical_id, resource["Properties"].get(_ZIPPED[kind]))
        with zipfile.ZipFile(io.BytesIO(uploaded)) as archive:
            archive.extractall(into)
    if kind in _DEFINITION:
        json.loads(_object(client, logical_id, resource["Properties"].get(_DEFINITION[kind])))


def _object(client: "S3Client", logical_id: str, uri: str | Mapping[str, str] | None) -> bytes:
    parts = urlsplit(f"s3://{uri['Bucket']}/{uri['Key']}" if isinstance(uri, Mapping) else uri or "")
    if (parts.scheme, parts.netloc) != ("s3", _BUCKET):
        raise UploadError(f"{logical_id}: expected an upload to s3://{_BUCKET}, found {uri!r}")
    return client.get_object(Bucket=_BUCKET, Key=parts.path.removeprefix("/"))["Body"].read()
