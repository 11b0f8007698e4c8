"""From a request to the rights that it needs, for each service."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from local.emulator.aws_calls import AwsCall, invoked_function
from local.iam.calls import dynamodb, named, s3
from local.iam.calls.facts import Facts
from local.iam.decision import Need

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def needs_of(call: AwsCall, environ: "WSGIEnvironment", facts: Facts) -> tuple[Need, ...] | None:
    """Return the rights that a request needs, None where nothing here knows them. An upload's form is known by its
    fields, see `local.iam.calls.s3.form_needs`.
    """
    service, _, operation = call.action.partition(":")
    if service == "s3":
        return s3.needs_of(environ)
    function = invoked_function(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    if function is not None:
        return (named.invocation(function, _one(parse_qs(environ.get("QUERY_STRING", "")), "Qualifier")),)
    try:
        if service == "dynamodb":
            return dynamodb.needs_of(operation, call.request, facts)
        return named.needs_of(call.action, call.request, facts)
    except (AttributeError, KeyError, TypeError):
        # A request of another form than the API's.
        return None


def _one(query: Mapping[str, list[str]], name: str) -> str | None:
    return query.get(name, [None])[0]
