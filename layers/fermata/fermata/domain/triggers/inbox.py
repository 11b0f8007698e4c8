"""Files in the inbox: their tenants, the keys of their results, and the documents of results."""

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
"""A longer name is left out of the keys of results, which must fit into S3's 1,024 bytes."""


class InboxFile(BaseModel):
    """One version of one object of the inbox; a version never changes."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    bucket: str
    key: str
    version_id: str
    size_bytes: int

    @property
    def tenant_id(self) -> str | None:
        """The tenant of the file's prefix, which the bucket's policy enforces; None without such a prefix."""
        found = _KEY.fullmatch(self.key)
        return found[1] if found else None

    @property
    def run(self) -> str:
        """A unique name of this version, in plain characters."""
        return hashlib.sha256(f"{self.bucket}\0{self.key}\0{self.version_id}".encode()).hexdigest()[:32]

    @property
    def results(self) -> str:
        """The prefix of all results of the file, which its tenant may read."""
        return f"results/{self._own}"

    @property
    def manifests(self) -> str:
        """The prefix of the objects that the batch's state machine reads."""
        return f"manifests/{self._own}"

    @property
    def _own(self) -> str:
        found = _KEY.fullmatch(self.key)
        tenant_id, name = found.groups() if found else ("", "")
        shown = f"{name}/" if len(name.encode()) <= _LONGEST_NAME_BYTES else ""
        return f"{tenant_id}/{shown}{self.run}/"

    def idempotency_key(self, line: int | None = None) -> str:
        """The idempotency key of the file's request, or of a line's. It differs from every key of an HTTP request,
        because those contain no spaces.
        """
        return f"inbox {self.run} {line or ''}"

    def job_id(self, put_at: datetime, line: int | None = None) -> str:
        """The id of the job of the file's request, or of a line's, the same in every read of the version; `put_at` is
        when the version was uploaded.
        """
        return derived_job_id(put_at, self.idempotency_key(line))


class LineOfFile(BaseModel):
    """One line of a batch as the state machine passes it: its position in bytes, not its text."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    file: InboxFile
    line: Annotated[int, Field(ge=1)]
    start: NonNegativeInt
    length: Annotated[int, Field(ge=1)]

    def result(self, outcome: str) -> str:
        """The key of the object with the line's result."""
        return f"{self.results_begin}{outcome}.json"

    @property
    def results_begin(self) -> str:
        """The prefix of the keys of this line's results."""
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
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)

    detail: _Detail


def read_created(event: object) -> InboxFile:
    """The file of an `Object Created` event of S3; raises `InvalidRequestError` naming missing or wrong fields."""
    try:
        detail = _Created.model_validate(event).detail
    except ValidationError as error:
        parts = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = [FieldError("".join(f"/{step}" for step in part["loc"]), part["msg"]) for part in parts]
        raise InvalidRequestError(wrong) from None
    found = detail.object
    return InboxFile(bucket=detail.bucket.name, key=found.key, version_id=found.version_id, size_bytes=found.size)


def accepted(file: InboxFile, line: int | None, job_id: str) -> dict[str, JsonValue]:
    """The result document of a request that became a job."""
    return {**_about(file, line), "status": "accepted", "job_id": job_id, "problem": None}


def refused(file: InboxFile, line: int | None, problem: Problem) -> dict[str, JsonValue]:
    """The result document of a refused request, which stored nothing."""
    document = {**problem.document(), "charged": "no"}
    return {**_about(file, line), "status": "refused", "job_id": None, "problem": document}


def _about(file: InboxFile, line: int | None) -> dict[str, JsonValue]:
    return {"object": "inbox_result", "file": {"key": file.key, "version_id": file.version_id}, "line": line}
