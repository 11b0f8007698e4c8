"""GET /v1/voices: the voices of models that speak."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.voice import VoiceList
from fermata.use_cases.orders.list_voices import VoiceQuery, list_voices
from fermata.wiring.accounts import count_read
from fermata.wiring.orders import voice_ports
from fermata.wiring.runtime import now

api = create_api(Scope.JOBS_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/voices")
def get_voices() -> Response[str]:
    """The voices of one model or of all, in one language or in all."""
    asked, tenant_id = api.current_event.query_string_parameters, caller(api.current_event).tenant_id
    query = VoiceQuery(asked.get("model"), asked.get("language"))
    return answer(200, VoiceList.of(list_voices(query, tenant_id, voice_ports(), now())))
