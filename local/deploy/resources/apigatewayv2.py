"""AWS::ApiGatewayV2::Api and its stage: routes and authorizers, read from the OpenAPI body that AWS SAM writes."""

import hashlib
import re
from dataclasses import replace
from typing import Annotated, Final, Literal

from annotated_types import Len
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from local.deploy.deployment import REGION, Authorizer, Cors, Route, Throttle
from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack, UnsupportedValueError

_FUNCTION_OF_URI: Final = re.compile(r"functions/(arn:[^/]+)/invocations")
_IDENTITY_HEADER: Final = re.compile(r"\$request\.header\.([A-Za-z0-9-]+)")
_NO_AUTHORIZER: Final = "NONE"
_DEFAULT_ROUTE: Final = "$default"


class _OpenApiPart(Properties):
    model_config = ConfigDict(alias_generator=to_camel)


class Integration(_OpenApiPart):
    """The function behind a route."""

    type: Literal["aws_proxy"]
    http_method: Literal["POST"]
    uri: str
    payload_format_version: Literal["2.0"]


class Operation(_OpenApiPart):
    """One method of a path."""

    integration: Integration = Field(alias="x-amazon-apigateway-integration")
    security: list[dict[str, list[str]]] | None = None
    is_default_route: bool = False


class LambdaAuthorizer(_OpenApiPart):
    """A function that identifies the caller."""

    type: Literal["request"]
    authorizer_uri: str
    authorizer_payload_format_version: Literal["2.0"]
    enable_simple_responses: Literal[True]
    identity_source: Annotated[list[str], Len(1, 1)]
    # Lambda authorizers of HTTP APIs cache no answer by default.
    authorizer_result_ttl_in_seconds: int = 0


class SecurityScheme(_OpenApiPart):
    """A named authorizer."""

    authorizer: LambdaAuthorizer = Field(alias="x-amazon-apigateway-authorizer")


class Components(_OpenApiPart):
    """The named authorizers."""

    security_schemes: dict[str, SecurityScheme] = Field(default_factory=dict)


class CorsConfiguration(_OpenApiPart):
    """Rights of pages of other origins; API Gateway answers their preflight requests itself."""

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int = 0


class Body(_OpenApiPart):
    """An OpenAPI document with API Gateway's extensions."""

    cors: CorsConfiguration | None = Field(default=None, alias="x-amazon-apigateway-cors")
    paths: dict[str, dict[str, Operation]] = Field(default_factory=dict)
    components: Components = Field(default_factory=Components)


class ApiProperties(Properties):
    """An HTTP API."""

    body: Body


class RouteSettings(Properties):
    """The limit of each route, in requests a second and at once."""

    throttling_rate_limit: Annotated[float, Field(ge=0)]
    throttling_burst_limit: Annotated[int, Field(ge=0)]


class StageProperties(Properties):
    """The only stage that the HTTP bridge serves: the default one, always up to date."""

    api_id: str
    stage_name: Literal["$default"]
    auto_deploy: Literal[True]
    default_route_settings: RouteSettings | None = None
    route_settings: dict[str, RouteSettings] = Field(default_factory=dict)
    """By route key, for example `GET /console`."""


def _create_api(logical_id: str, properties: ApiProperties, stack: Stack) -> Created:
    """Read the routes for the bridge. The emulator gets no API, because its first use would take half a second."""
    api_id = hashlib.sha256(f"{stack.name}-{logical_id}".encode()).hexdigest()[:10]
    endpoint = f"https://{api_id}.execute-api.{REGION}.amazonaws.com"
    attributes = {"ApiEndpoint": endpoint, "ApiId": api_id}
    return Created(api_id, attributes, routes=_routes(properties.body))


def _cors(given: CorsConfiguration | None) -> Cors | None:
    if given is None:
        return None
    return Cors(given.allow_origins, given.allow_methods, given.allow_headers, given.expose_headers, given.max_age)


def _routes(body: Body) -> tuple[Route, ...]:
    schemes = body.components.security_schemes
    authorizers = {name: _authorizer(name, scheme.authorizer) for name, scheme in schemes.items()}
    cors = _cors(body.cors)
    return tuple(
        replace(_route(path, method, operation, authorizers), cors=cors)
        for path, operations in body.paths.items()
        for method, operation in operations.items()
    )


def _route(path: str, method: str, operation: Operation, authorizers: dict[str, Authorizer]) -> Route:
    where = f"Body.paths.{path}.{method}"
    return Route(
        method="ANY" if method == "x-amazon-apigateway-any-method" else method.upper(),
        path=_DEFAULT_ROUTE if operation.is_default_route else path,
        function_arn=_function_arn(operation.integration.uri, where),
        authorizer=_required_authorizer(operation, authorizers, where),
    )


def _required_authorizer(operation: Operation, authorizers: dict[str, Authorizer], where: str) -> Authorizer | None:
    required = [name for alternative in operation.security or [] for name in alternative if name != _NO_AUTHORIZER]
    unknown = [name for name in required if name not in authorizers]
    if unknown or len(required) > 1:
        found = ", ".join(required)
        raise UnsupportedValueError(f"{where}.security", f"expected at most one authorizer of this API, found {found}")
    return authorizers[required[0]] if required else None


def _authorizer(name: str, authorizer: LambdaAuthorizer) -> Authorizer:
    where = f"Body.components.securitySchemes.{name}"
    identity = _IDENTITY_HEADER.fullmatch(authorizer.identity_source[0])
    if identity is None:
        found = authorizer.identity_source[0]
        raise UnsupportedValueError(where, f"expected one request header as identity source, found {found}")
    ttl_s = authorizer.authorizer_result_ttl_in_seconds
    return Authorizer(name, _function_arn(authorizer.authorizer_uri, where), identity[1], ttl_s)


def _function_arn(uri: str, where: str) -> str:
    match = _FUNCTION_OF_URI.search(uri)
    if match is None:
        raise UnsupportedValueError(where, f"expected the URI of a Lambda function, found {uri}")
    return match[1]


def _create_stage(_logical_id: str, properties: StageProperties, _stack: Stack) -> Created:
    default = properties.default_route_settings
    limits = {properties.api_id: default} if default else {}
    limits |= {f"{properties.api_id} {route_key}": limit for route_key, limit in properties.route_settings.items()}
    throttles = {
        name: Throttle(limit.throttling_rate_limit, limit.throttling_burst_limit) for name, limit in limits.items()
    }
    return Created(properties.stage_name, throttles=throttles)


RESOURCE_TYPES: Final = (
    ResourceType("AWS::ApiGatewayV2::Api", ApiProperties, _create_api, frozenset({"ApiEndpoint", "ApiId"})),
    ResourceType("AWS::ApiGatewayV2::Stage", StageProperties, _create_stage),
)
