"""POST and GET /v1/keys, POST /v1/keys/{id}/rotate and DELETE /v1/keys/{id}: a tenant's own API keys."""

from aws_lambda_powertools.event_handler import Response

from fermata.api import answers, requests, resolver
from fermata.api.responses.key import KeyList, NewKey
from fermata.use_cases.accounts.own_keys import issue_own_key, list_own_keys, revoke_own_key, rotate_own_key
from fermata.wiring.accounts import admit, count_change, count_read, key_ports
from fermata.wiring.runtime import key_randomness, now

api = resolver.create_api(resolver.Scope.ACCOUNT_MANAGE, count=count_read, count_changes=count_change, admit=admit)
lambda_handler = resolver.entry_point(api)


@api.post("/v1/keys")
def post_key() -> Response[str]:
    """201 with the new key, which no other answer shows."""
    who, body = requests.caller(api.current_event), requests.raw_body(api.current_event)
    return answers.answer(201, NewKey.of(issue_own_key(body, who, key_ports(), now(), key_randomness())))


@api.get("/v1/keys")
def get_keys() -> Response[str]:
    """A page of the tenant's keys."""
    who, parameters = requests.caller(api.current_event), api.current_event.query_string_parameters
    return answers.answer(200, KeyList.of(*list_own_keys(who.tenant_id, parameters, key_ports(), now())))


@api.post("/v1/keys/<key_id>/rotate")
def post_rotation(key_id: str) -> Response[str]:
    """201 with the key that takes the place of another."""
    who, body = requests.caller(api.current_event), requests.raw_body(api.current_event)
    return answers.answer(201, NewKey.of(rotate_own_key(key_id, body, who, key_ports(), now(), key_randomness())))


@api.delete("/v1/keys/<key_id>")
def delete_key(key_id: str) -> Response[str]:
    """204 once the key is revoked."""
    revoke_own_key(key_id, requests.caller(api.current_event), key_ports(), now())
    return answers.accepted_silently()
