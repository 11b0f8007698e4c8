"""Files in the inbox: whose they are, where what becomes of them is written, and how they are told of."""

import hashlib
import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, StrictStr, ValidationError

from fermata.domain.orders.job_id import derived_job_id
from fermata.domain.tenants.tenant import TENANT_ID
from fermata.domain.web.problem import Problem
from fermata.errors import FieldError, InvalidRequestError

_KEY: Final = re.compile(rf"requests/({TENANT_ID.pattern})/(.+)", re.DOTALL)
_LONGEST_NAME_BYTES: Final = 700
"""A longer name is left out of the names of results, which have to fit into S3's 1,024 bytes."""


class InboxFile(BaseModel):
    """One version of one object of the inbox; a version never changes."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    version_id: str
    size_bytes: int

    @property
    def tenant_id(self) -> str | None:
        """The tenant under whose prefix the file lies, as the bucket's policy proves; None where it lies elsewhere."""
        found = _KEY.fullmatch(self.key)
        return found[1] if found else None

    @property
    def run(self) -> str:
        """A name that this version alone has, of plain characters."""
        return hashlib.sha256(f"{self.bucket}\0{self.key}\0{self.version_id}".encode()).hexdigest()[:32]

    @property
    def results(self) -> str:
        """The prefix of everything that is written about the file, for its tenant to read."""
        return f"results/{self._own}"

    @property
    def manifests(self) -> str:
        """The prefix of what the batch's state machine reads."""
        return f"manifests/{self._own}"

    @property
    def _own(self) -> str:
        found = _KEY.fullmatch(self.key)
        tenant_id, name = found.groups() if found else ("", "")
        shown = f"{name}/" if len(name.encode()) <= _LONGEST_NAME_BYTES else ""
        return f"{tenant_id}/{shown}{self.run}/"

    def idempotency_key(self, line: int | None = None) -> str:
        """The key of the file's request, or of a line's. No key of an HTTP request is equal to it: those have no
        spaces.
        """
        return f"inbox {self.run} {line or ''}"

    def job_id(self, put_at: datetime, line: int | None = None) -> str:
        """The id of the job of the file's request, or of a line's, which is the same whenever the version is read;
        `put_at` is when it was put in.
        """
        return derived_job_id(put_at, self.idempotency_key(line))


class LineOfFile(BaseModel):
    """One line of a batch, as the state machine hands it on: where it lies, and nothing of what it says."""

    model_config = ConfigDict(frozen=True)

    file: InboxFile
    line: Annotated[int, Field(ge=1)]
    start: NonNegativeInt
    length: Annotated[int, Field(ge=1)]

    def result(self, outcome: str) -> str:
        """The name of the object that tells how the line ended."""
        return f"{self.results_begin}{outcome}.json"

    @property
    def results_begin(self) -> str:
        """What every name of a result of this line begins with."""
        return f"{self.file.results}lines/{self.line:06}."


class _Bucket(BaseModel):
    name: Annotated[StrictStr, Field(min_length=1)]


class _Object(BaseModel):
    key: Annotated[StrictStr, Field(min_length=1)]
    size: NonNegativeInt = 0
    version_id: Annotated[StrictStr, Field(min_length=1, alias="version-id")]


class _Detail(BaseModel):
    bucket: _Bucket
    object: _Object


class _Created(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    detail: _Detail


def read_created(event: object) -> InboxFile:
    """The file that S3 tells of in an `Object Created` event; raises `InvalidRequestError` naming what is missing."""
    try:
        detail = _Created.model_validate(event).detail
    except ValidationError as error:
        parts = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = [FieldError("".join(f"/{step}" for step in part["loc"]), part["msg"]) for part in parts]
        raise InvalidRequestError(wrong) from None
    found = detail.object
    return InboxFile(bucket=detail.bucket.name, key=found.key, version_id=found.version_id, size_bytes=found.size)


def accepted(file: InboxFile, line: int | None, job_id: str) -> dict[str, JsonValue]:
    """What is written for a request that became a job."""
    return {**_about(file, line), "status": "accepted", "job_id": job_id, "problem": None}


def refused(file: InboxFile, line: int | None, problem: Problem) -> dict[str, JsonValue]:
    """What is written for a request that stored nothing."""
    told = {**problem.document(), "charged": "no"}
    return {**_about(file, line), "status": "refused", "job_id": None, "problem": told}


def _about(file: InboxFile, line: int | None) -> dict[str, JsonValue]:
    return {"object": "inbox_result", "file": {"key": file.key, "version_id": file.version_id}, "line": line}
