"""GET /v1/ledger."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.csv_answers import page_of
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.ledger import LedgerEntry, LedgerList
from fermata.domain.money.reports.day_pages import parse_day_page
from fermata.domain.money.reports.ledger import LIST_NAME
from fermata.use_cases.accounts.read_ledger import read_ledger
from fermata.wiring.accounts import count_read
from fermata.wiring.runtime import now
from fermata.wiring.stores import ledger_store

api = create_api(Scope.ACCOUNT_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/ledger")
def get_ledger() -> Response[str]:
    """The movements of the tenant's credits."""
    event = api.current_event
    page = parse_day_page(caller(event).tenant_id, LIST_NAME, event.query_string_parameters, now())
    found = LedgerList.of(*read_ledger(page, ledger_store(), now()))
    return page_of(event, found, tuple(LedgerEntry.model_fields))
