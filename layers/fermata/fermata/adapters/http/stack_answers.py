"""Answers to CloudFormation, put to the address that S3 has signed for each of its events."""

import json
from typing import Final

import httpx

from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.errors import TransientError

_WITHIN_S: Final = 10


class HttpStackAnswers:
    """`StackAnswers` over HTTP."""

    def send(self, event: StackEvent, answer: StackAnswer) -> None:
        """Answer an event; raises `TransientError` where the answer does not arrive."""
        # Without a content type, because the signature of the address covers none.
        transport = httpx.HTTPTransport(retries=2)
        try:
            with httpx.Client(transport=transport, timeout=_WITHIN_S, trust_env=False) as client:
                client.put(event.response_url, content=_body(event, answer)).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Not the address: whoever has it may answer in this function's place.
            raise TransientError(f"CloudFormation did not take the answer: {type(error).__name__}") from None


def _body(event: StackEvent, answer: StackAnswer) -> bytes:
    said = {
        "Status": "SUCCESS" if answer.refusal is None else "FAILED",
        "PhysicalResourceId": answer.physical_id,
        "StackId": event.stack_id,
        "RequestId": event.request_id,
        "LogicalResourceId": event.logical_resource_id,
        "Data": dict(answer.attributes),
    }
    if answer.refusal is not None:
        said["Reason"] = answer.refusal
    return json.dumps(said).encode()
