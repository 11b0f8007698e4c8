"""What a deployed template looks like to the rest of the one-machine cloud: plain values, no AWS clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
MAX_ENVIRONMENTS = 64
"""Environments of one cloud, unless it is asked for another number; each is a Python of some 60 MB."""


@dataclass(frozen=True)
class FunctionSpec:
    """One Lambda function, ready to be started as a process. Times in seconds, memory in MiB."""

    logical_id: str
    name: str
    arn: str
    handler: str
    code_dir: Path
    layer_dirs: tuple[Path, ...]
    timeout_s: int
    memory_mb: int
    environment: Mapping[str, str]
    reserved: int | None = None
    """Environments that are kept for this function, which are also the most that it gets; None where it shares."""


@dataclass(frozen=True)
class Authorizer:
    """A Lambda authorizer (payload 2.0, simple responses); answers are cached `ttl_s` seconds by header value."""

    name: str
    function_arn: str
    identity_header: str
    ttl_s: int


@dataclass(frozen=True)
class Route:
    """One route of the HTTP API; `path` is API Gateway's syntax (`/v1/jobs/{id}`, or `$default` with method `ANY`)."""

    method: str
    path: str
    function_arn: str
    authorizer: Authorizer | None


@dataclass(frozen=True)
class Cors:
    """Which pages of other origins may call the HTTP API, with what, and what they may read; `origins` may be `*`."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age_s: int


@dataclass(frozen=True)
class Deployment:
    """The result of deploying one template: what the bridges need, and the stack's outputs."""

    functions: Mapping[str, FunctionSpec]
    """By function name (not logical id)."""
    routes: tuple[Route, ...]
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Logical id to physical id."""
    cors: Cors | None = None
