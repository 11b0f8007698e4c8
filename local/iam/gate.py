"""The gate of the laptop's AWS: a call of a role is served if the policies allow it, and refused as AWS does if not."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from local.emulator.aws_calls import AwsCall
from local.emulator.s3.upload_forms import form_fields, is_upload_form
from local.iam.calls import s3
from local.iam.calls.facts import Facts
from local.iam.calls.needs import needs_of
from local.iam.decision import Caller
from local.iam.refusals import access_denied
from local.iam.rights import NOBODY, Rights

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_UNSIGNED = "the request is not signed, and so is nobody's"
_READS: frozenset[str] = frozenset({"GET", "HEAD"})


class Gate:
    """Judges requests by their signers. Whoever has another key than a role's is the account's administrator, who
    may do all; whoever signs nothing may do what a bucket lets everybody do.
    """

    def __init__(self, rights: Rights, facts: Facts) -> None:
        self.rights = rights
        self._facts = facts

    def serve(
        self, call: AwsCall, serve: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve a call, or refuse it."""
        fields = form_fields(environ) if is_upload_form(environ) else None
        key = call.access_key or _signer(environ, fields)
        caller = self.rights.caller(key) if key else NOBODY
        if caller is None:
            return serve(environ, start_response)
        service, _, _ = call.action.partition(":")
        needs = needs_of(call, environ, self._facts) if fields is None else s3.form_needs(environ, fields["key"])
        if needs is None:
            if caller is NOBODY:
                return access_denied(service, environ, _UNSIGNED)(environ, start_response)
            message = f"the laptop cannot judge {call.action} of {caller.arn}: local/iam/calls lacks what it needs"
            self.rights.note_refusal(caller.arn, call.action, message)
            return access_denied(service, environ, message)(environ, start_response)
        refusal = self.rights.refusal(caller, needs, noted=caller is not NOBODY)
        if refusal is not None:
            return access_denied(service, environ, refusal)(environ, start_response)
        if service == "s3" and environ["REQUEST_METHOD"] in _READS and s3.bucket_and_key(environ)[1]:
            return self._read(caller, serve, environ, start_response)
        return serve(environ, start_response)

    def _read(
        self, caller: Caller, serve: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve an object. S3 does not tell who may not list a bucket that there is none of this name."""
        refusals: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /) -> Any:  # noqa: ANN401 (a writer, which moto does not use)
            if status.startswith("404"):
                refused = self.rights.refusal(caller, [s3.to_tell_what_is_missing(environ)], noted=False)
                if refused is not None:
                    refusals.append(refused)
                    return lambda _: None
            return start_response(status, headers, exc_info)

        body = serve(environ, start)
        if not refusals:
            return body
        if close := getattr(body, "close", None):
            close()
        return access_denied("s3", environ, refusals[0])(environ, start_response)


def _signer(environ: "WSGIEnvironment", fields: Mapping[str, str] | None) -> str | None:
    """Return the access key id that signed a link or an upload's form."""
    said = fields
    if said is None:
        query = environ.get("QUERY_STRING", "")
        said = {name.lower(): value for name, value in parse_qsl(query)} if "=" in query else {}
    credential = said.get("x-amz-credential") or said.get("awsaccesskeyid")
    return credential.partition("/")[0] if credential else None
