"""Identifies AWS requests by action and resource."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote

_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/[^/]+/([^/]+)/aws4_request")
_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
_RESOURCE_KEYS: Final = (
    "TableName", "SecretId", "executionArn", "stateMachineArn", "QueueUrl", "QueueName", "FunctionName", "EventBusName",
    "Rule", "Name", "name", "RoleName", "TopicArn", "logGroupName",
)  # fmt: skip
_S3_SUBRESOURCES: Final = {
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("POST", "delete"): "DeleteObjects",
}


@dataclass(frozen=True)
class AwsCall:
    """One request to AWS; `access_key` is None for an unsigned request or a presigned link. `items` is the number
    of items in a DynamoDB request, 1 for any other. `request` is the body of one in JSON, or the fields of a form.
    """

    access_key: str | None
    action: str
    resource: str | None
    items: int = 1
    request: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def invoked_function(method: str, path: str) -> str | None:
    """Return the name or ARN of the function that a Lambda Invoke request names, None for any other request."""
    match = _INVOKE.fullmatch(path) if method == "POST" else None
    return unquote(match[1]) if match else None


def read_call(environ: dict[str, Any], body: bytes) -> AwsCall:
    """Return the call with the action in IAM's form, for example `dynamodb:GetItem` on a table."""
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, service = (found[1], found[2]) if found else (None, "s3")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        request = _json_object(body)
        action = f"{service}:{target.rsplit('.', 1)[-1]}"
        return AwsCall(access_key, action, _json_resource(request), _items_of(request), request)
    if service == "s3":
        return AwsCall(access_key, f"s3:{_s3_action(environ)}", environ["PATH_INFO"].strip("/") or None)
    name = invoked_function(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    if name:
        return AwsCall(access_key, "lambda:Invoke", name)
    form = parse_qs(body.decode("utf-8", "replace"))
    if "Action" in form:
        resources = [form[key][0] for key in _RESOURCE_KEYS if key in form]
        action, resource = f"{service}:{form['Action'][0]}", resources[0] if resources else None
        return AwsCall(access_key, action, resource, request={name: values[0] for name, values in form.items()})
    return AwsCall(access_key, f"{service}:{environ['REQUEST_METHOD']}", environ["PATH_INFO"])


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _items_of(request: dict[str, Any]) -> int:
    """The number of items in a DynamoDB transaction or batch; 1 for any other request."""
    batches = request.get("RequestItems", {}).values()
    of_batches = sum(len(batch.get("Keys", ()) if isinstance(batch, dict) else batch) for batch in batches)
    return len(request.get("TransactItems", ())) or of_batches or 1


def _json_resource(request: dict[str, Any]) -> str | None:
    for key in _RESOURCE_KEYS:
        if isinstance(request.get(key), str):
            return str(request[key])
    tables = {
        str(operation.get("TableName"))
        for item in request.get("TransactItems", [])
        for operation in item.values()
        if isinstance(operation, dict)
    }
    return ",".join(sorted(tables)) or ",".join(request.get("RequestItems", {})) or None


def _s3_action(environ: dict[str, Any]) -> str:
    method, query = environ["REQUEST_METHOD"], parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    for (verb, subresource), action in _S3_SUBRESOURCES.items():
        if verb == method and subresource in query:
            return action
    of_object = "/" in environ["PATH_INFO"].strip("/")
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    if of_object:
        return f"{method.capitalize()}Object"
    if method == "GET" and environ["PATH_INFO"] == "/":
        return "ListBuckets"
    return {"GET": "ListObjects", "PUT": "CreateBucket", "HEAD": "HeadBucket"}.get(
        method, f"{method.capitalize()}Bucket"
    )
