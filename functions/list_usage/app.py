"""GET /v1/usage and GET /v1/usage/log."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.csv_answers import page_of
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.usage import UsageList, UsageLog, UsageLogEntry
from fermata.domain.money.reports.day_pages import parse_day_page
from fermata.domain.money.reports.usage_groups import parse_usage_request
from fermata.domain.money.reports.usage_log import LIST_NAME
from fermata.use_cases.accounts.read_usage import read_usage, read_usage_log
from fermata.wiring.accounts import count_read
from fermata.wiring.runtime import now
from fermata.wiring.stores import usage_store

api = create_api(Scope.ACCOUNT_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/usage")
def get_usage() -> Response[str]:
    """The tenant's usage by day and model, or in other groups."""
    event = api.current_event
    asked = parse_usage_request(caller(event).tenant_id, event.query_string_parameters, now())
    return answer(200, UsageList.of(*read_usage(asked, usage_store())))


@api.get("/v1/usage/log")
def get_usage_log() -> Response[str]:
    """The tenant's jobs that ended, one line each."""
    event = api.current_event
    page = parse_day_page(caller(event).tenant_id, LIST_NAME, event.query_string_parameters, now())
    return page_of(event, UsageLog.of(*read_usage_log(page, usage_store())), tuple(UsageLogEntry.model_fields))
