"""What an operator does with tenants and keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from fermata.domain.job_view import rfc3339
from fermata.domain.tenants import TENANT_ID, Tenant, new_api_key
from fermata.errors import FieldError, InvalidRequestError, NotFoundError
from fermata.ports import TenantStore

TenantId = Annotated[str, Field(pattern=f"^{TENANT_ID.pattern}$")]


class CreateTenant(BaseModel):
    """Create a tenant: lower-case letters, digits and hyphens."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["create_tenant"]
    tenant_id: TenantId


class IssueKey(BaseModel):
    """Issue an API key; the answer is the only place where it is ever shown."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["issue_key"]
    tenant_id: TenantId


_COMMAND: TypeAdapter[CreateTenant | IssueKey] = TypeAdapter(
    Annotated[CreateTenant | IssueKey, Field(discriminator="action")]
)


def manage_tenants(command: object, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    """Carry out one command and say what was done; raises `InvalidRequestError` or `NotFoundError`."""
    match _parse(command):
        case CreateTenant(tenant_id=tenant_id):
            if not tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=now)):
                raise InvalidRequestError([FieldError("/tenant_id", f"{tenant_id} exists already; choose another id")])
            return {"tenant_id": tenant_id, "created_at": rfc3339(now)}
        case IssueKey(tenant_id=tenant_id):
            if tenants.find_tenant(tenant_id) is None:
                raise NotFoundError(f"there is no tenant {tenant_id}; create it first")
            key, record = new_api_key(tenant_id, now, randomness)
            tenants.add_key(record)
            return {"tenant_id": tenant_id, "key_id": record.key_id, "scopes": list(record.scopes), "api_key": key}


def _parse(command: object) -> CreateTenant | IssueKey:
    try:
        return _COMMAND.validate_python(command)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_input=False)
        # The first step of a location is the action, by which pydantic chose the command.
        wrong = [FieldError("".join(f"/{step}" for step in part["loc"][1:]), part["msg"]) for part in parts]
        raise InvalidRequestError(wrong) from None
