"""Secrets, endpoints and finished jobs that tests of webhooks begin with."""

from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import new_secret
from tests.fakes.world import World
from tests.songs import delivered_job, song_request

SECRET: Final = new_secret(bytes(range(24)))
NEXT_SECRET: Final = new_secret(bytes(range(24, 48)))
URL: Final = "https://hooks.example.com/fermata?token=canary"
CALLBACK_URL: Final = "https://orders.example.com/42?token=canary"
ORIGIN: Final = "https://hooks.example.com"


def listening_world(job: Job | None = None, url: str | None = URL) -> World:
    """A world with a finished job, whose tenant has a secret and listens at `url`."""
    world = World()
    world.webhooks.point(WebhookEndpoint(tenant_id="acme", url=url), SECRET)
    world.jobs.create(job or delivered_job())
    return world


def called_back() -> Job:
    """A delivered job that named an address of its own."""
    return delivered_job(request=song_request(callback_url=CALLBACK_URL))
