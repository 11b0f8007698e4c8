"""A cloud's emulator that is killed and begins again in one process: moto on a kept state, called without sockets."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator import moto_backends, moto_seams
from local.emulator.dynamodb.calls import straight_to_dynamodb
from local.in_process import call_in_process
from local.state.emulated import seams
from local.state.kept_state import KeptState

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TABLE: Final = "jobs"
BUCKET: Final = "songs"
SECRET: Final = "keys"
MACHINE: Final = "machine"
_DEFINITION: Final = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}


class Lives:
    """The lives of one cloud: each begins with an empty emulator and what the state directory keeps."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder / "state", monkeypatch
        self.folder.mkdir()
        self._life: Life | None = None
        moto_backends.import_engine()
        settings = moto_seams.EXECUTE_MACHINES.original["stepfunctions"]
        monkeypatch.setitem(settings, name="execute_state_machine", value=True)
        replaced = (*seams.SEAMS, *moto_seams.LOCKED, moto_seams.EXECUTION_START)
        self._originals = [(seam, seam.original) for seam in replaced]

    def begin(self, *, fresh: bool = False) -> "Life":
        """End the present life, if any, as a kill does, and begin the next."""
        self.end()
        for seam, original in self._originals:
            self._monkeypatch.setattr(seam.owner, seam.attribute, original)
        state = KeptState(self.folder, fresh=fresh)
        state.install()
        moto_backends.lock_backends()
        self._life = Life(state)
        self._life.deploy()
        return self._life

    def end(self) -> None:
        """Forget everything that is not in the directory."""
        if self._life is not None:
            self._life.state.close()
            self._life.forget()
            self._life = None
        _empty_the_emulator()


class Life:
    """Clients of the emulator, whose calls are answered once they are kept."""

    def __init__(self, state: KeptState) -> None:
        self.state = state
        self._undo = [call_in_process(client, state.endpoint(_moto())) for client in _clients().values()]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (a boto3 client)
        return _clients()[name]

    def forget(self) -> None:
        """Let the clients call the next life."""
        for undo in self._undo:
            undo()

    def deploy(self) -> None:
        """Create the resources, as each start of a cloud does."""
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "listing")],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "ByListing",
                    "KeySchema": [{"AttributeName": "listing", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.secretsmanager.create_secret(Name=SECRET, SecretString="generated")
        self.ssm.put_parameter(Name="url", Value="http://first", Type="String")
        role = f"arn:aws:iam::{ACCOUNT_ID}:role/r"
        self.stepfunctions.create_state_machine(name=MACHINE, definition=json.dumps(_DEFINITION), roleArn=role)
        self.state.restore_others()

    def ready(self) -> None:
        """Keep that the first start has completed; before that, nothing of it is taken over."""
        from local.state.identity import Identity

        self.state.become(Identity(1, 2, "key"))

    def view(self) -> dict[str, Any]:
        """Return everything that callers can see."""
        versions = self.s3.list_object_versions(Bucket=BUCKET)
        return {
            "items": self.dynamodb.scan(TableName=TABLE)["Items"],
            "objects": [self._version(each) for each in versions.get("Versions", ())],
            "deleted": [(each["Key"], each["VersionId"]) for each in versions.get("DeleteMarkers", ())],
            "secrets": [self._secret(each["ARN"]) for each in self.secretsmanager.list_secrets()["SecretList"]],
            "parameters": [
                (each["Name"], self.ssm.get_parameter(Name=each["Name"])["Parameter"]["Value"])
                for each in self.ssm.describe_parameters()["Parameters"]
            ],
        }

    def _version(self, listed: dict[str, Any]) -> tuple[Any, ...]:
        where = {"Bucket": BUCKET, "Key": listed["Key"], "VersionId": listed["VersionId"]}
        found = self.s3.get_object(**where)
        facts = [found[name] for name in ("ETag", "ContentType", "Metadata", "LastModified", "ContentLength")]
        tags = self.s3.get_object_tagging(**where)["TagSet"]
        return (listed["Key"], listed["VersionId"], listed["IsLatest"], found["Body"].read(), tags, *facts)

    def _secret(self, arn: str) -> tuple[str, str, str]:
        found = self.secretsmanager.get_secret_value(SecretId=arn)
        return found["Name"], arn, found["SecretString"]


@cache
def _moto() -> "WSGIApplication":
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return straight_to_dynamodb(DomainDispatcherApplication(create_backend_app))


@cache
def _clients() -> dict[str, Any]:
    session = boto3.session.Session("key", "secret", region_name=REGION)
    names = ("dynamodb", "s3", "secretsmanager", "ssm", "stepfunctions")
    client: Any = session.client
    return {name: client(name, endpoint_url="http://127.0.0.1:1") for name in names}


def _empty_the_emulator() -> None:
    from moto.dynamodb.models import dynamodb_backends
    from moto.s3.models import s3_backends
    from moto.secretsmanager.models import secretsmanager_backends
    from moto.ssm.models import ssm_backends
    from moto.stepfunctions.models import stepfunctions_backends
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    s3_backends[ACCOUNT_ID]["aws"].reset()
    for backends in (
        dynamodb_backends,
        secretsmanager_backends,
        ssm_backends,
        stepfunctions_backends,
        stepfunctions_parser_backends,
    ):
        backends[ACCOUNT_ID][REGION].reset()
