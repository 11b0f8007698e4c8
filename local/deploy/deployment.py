"""The deployed template as plain values without AWS clients, for the rest of the one-machine cloud."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
MAX_ENVIRONMENTS = 64
"""Default number of execution environments of one cloud; each is a Python process of about 60 MB."""


def unqualified(arn: str) -> str:
    """Return the ARN of a function or a state machine without its version or alias."""
    return ":".join(arn.split(":")[:7])


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
    packages_dirs: tuple[Path, ...] = ()
    """Directories of installed packages that stand in for what a build would put into the layers."""
    role_arn: str = ""
    """The role whose rights its calls to AWS have."""
    reserved: int | None = None
    """The function's reserved concurrency, which is also its maximum; None where it shares environments."""
    version: int = 1
    """The version that was published last."""

    @property
    def python_path(self) -> tuple[Path, ...]:
        """Where the function's imports besides its own code lie."""
        return (*self.layer_dirs, *self.packages_dirs)


@dataclass(frozen=True)
class Authorizer:
    """A Lambda authorizer (payload 2.0, simple responses); answers are cached `ttl_s` seconds by header value."""

    name: str
    function_arn: str
    identity_header: str
    ttl_s: int


@dataclass(frozen=True)
class Route:
    """One route of an HTTP API; `path` is API Gateway's syntax (`/v1/jobs/{id}`, or `$default` with method `ANY`).
    `cors` are the rules of its API, `throttle` is the limit of its stage for each route.
    """

    method: str
    path: str
    function_arn: str
    authorizer: Authorizer | None
    cors: "Cors | None" = None
    throttle: "Throttle | None" = None


@dataclass(frozen=True)
class Throttle:
    """The requests that a route takes: so many a second, and `burst` at once."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True)
class Cors:
    """An HTTP API's CORS rules for pages of other origins; `origins` may be `*`."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age_s: int


@dataclass(frozen=True)
class Deployment:
    """The result of the deployment of one template: the values that the bridges need, and the stack's outputs."""

    functions: Mapping[str, FunctionSpec]
    """By function name (not logical id)."""
    routes: tuple[Route, ...]
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Logical id to physical id."""
    created: Mapping[str, Any] = field(default_factory=dict)
    """What was created, by logical id, for an update."""
