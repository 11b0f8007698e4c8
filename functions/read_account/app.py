"""GET /v1/account."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.account import Account
from fermata.use_cases.accounts.read_account import read_account
from fermata.wiring.accounts import count_read
from fermata.wiring.runtime import now
from fermata.wiring.stores import wallet_store

api = create_api(Scope.ACCOUNT_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/account")
def get_account() -> Response[str]:
    """The tenant's plan and credits."""
    wallet = read_account(caller(api.current_event).tenant_id, wallet_store())
    return answer(200, Account.of(wallet, now()))
