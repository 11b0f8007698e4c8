"""The song's end is posted to the receiver, signed; collected only where a receiver was named."""

from typing import Any

from tests.e2e.stack import Stack
from tests.integration.webhook_receiver import Receiver


def test_the_end_of_a_song_is_posted_and_signed(
    stack: Stack, sung: dict[str, Any], secret: str, receiver: Receiver | None
) -> None:
    def tries() -> list[dict[str, Any]]:
        return list(stack.get(f"/v1/jobs/{sung['id']}/webhooks")["data"])

    stack.until(lambda: any(each["outcome"] == "delivered" for each in tries()), "a webhook that is delivered")
    if receiver:
        told = [post.verified(secret) for post in receiver.at("/e2e")]
        assert {event["type"] for event in told} == {"job.succeeded"}
        assert {event["data"]["job_id"] for event in told} == {sung["id"]}
        assert {event["data"]["spent_credits"] for event in told} == {sung["spent_credits"]}
