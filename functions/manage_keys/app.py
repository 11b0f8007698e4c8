"""POST and GET /v1/keys, POST /v1/keys/{id}/rotate and DELETE /v1/keys/{id}: a tenant's own API keys."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import accepted_silently, answer
from fermata.api.requests import caller, raw_body
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.key import KeyList, NewKey
from fermata.domain.tenants.key_page import parse_key_page
from fermata.use_cases.accounts.own_keys import issue_own_key, list_own_keys, revoke_own_key, rotate_own_key
from fermata.wiring.accounts import count_change, count_read, key_ports
from fermata.wiring.runtime import key_randomness, now

api = create_api(Scope.ACCOUNT_MANAGE, count=count_read, count_changes=count_change)
lambda_handler = entry_point(api)


@api.post("/v1/keys")
def post_key() -> Response[str]:
    """201 with the new key, which no other answer shows."""
    who, body = caller(api.current_event), raw_body(api.current_event)
    return answer(201, NewKey.of(issue_own_key(body, who, key_ports(), now(), key_randomness())))


@api.get("/v1/keys")
def get_keys() -> Response[str]:
    """A page of the tenant's keys."""
    page = parse_key_page(caller(api.current_event).tenant_id, api.current_event.query_string_parameters)
    return answer(200, KeyList.of(*list_own_keys(page, key_ports(), now())))


@api.post("/v1/keys/<key_id>/rotate")
def post_rotation(key_id: str) -> Response[str]:
    """201 with the key that takes the place of another."""
    who, body = caller(api.current_event), raw_body(api.current_event)
    return answer(201, NewKey.of(rotate_own_key(key_id, body, who, key_ports(), now(), key_randomness())))


@api.delete("/v1/keys/<key_id>")
def delete_key(key_id: str) -> Response[str]:
    """204 once the key is revoked."""
    revoke_own_key(key_id, caller(api.current_event), key_ports(), now())
    return accepted_silently()
