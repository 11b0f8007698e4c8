"""GET /v1/account."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.use_cases.read_account import read_account
from fermata.wiring import count_read, now, wallet_store

api = http_api.create_api(http_api.Scope.ACCOUNT_READ, count=count_read)
lambda_handler = http_api.entry_point(api)


@api.get("/v1/account")
def get_account() -> Response[str]:
    """The tenant's plan and credits."""
    return http_api.answer(200, read_account(http_api.caller(api.current_event).tenant_id, wallet_store(), now()))
