"""Wires the use cases of webhooks."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fermata import config
from fermata.domain.tenants.plan_limits import WEBHOOK_REPEATS, Allowance
from fermata.wiring import accounts, outward, runtime, stores

if TYPE_CHECKING:
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts
    from fermata.use_cases.webhooks.set_endpoint import EndpointPorts
    from fermata.use_cases.webhooks.start_delivery import StartDeliveryPorts
    from fermata.use_cases.webhooks.try_webhook import TryWebhookPorts

_LONGEST_TEST_S: Final = 25


def start_delivery_ports() -> "StartDeliveryPorts":
    """Return the ports that start the webhook delivery of a job's end."""
    from fermata.use_cases.webhooks.start_delivery import StartDeliveryPorts

    machine_arn = config.load(config.StartDeliverySettings).webhook_delivery_machine_arn
    return StartDeliveryPorts(stores.webhook_store(), outward.webhook_machine(machine_arn))


@lru_cache(maxsize=1)
def deliver_ports() -> "DeliverPorts":
    """Return the ports of `deliver_webhook`."""
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts

    settings = config.load(config.DeliverSettings)
    return DeliverPorts(
        jobs=stores.job_store(),
        webhooks=stores.webhook_store(),
        deliveries=stores.webhook_deliveries(),
        sender=outward.webhook_sender(settings),
        wallets=stores.wallet_store(),
        repeats=accounts.call_meter(WEBHOOK_REPEATS),
        metrics=runtime.metrics(),
        chance=runtime.chance,
    )


@lru_cache(maxsize=1)
def endpoint_ports() -> "EndpointPorts":
    """Return the ports of a tenant's endpoint and secret."""
    from fermata.use_cases.webhooks.set_endpoint import EndpointPorts

    return EndpointPorts(stores.webhook_store(), config.load(config.EndpointSettings).trusted.webhooks)


@lru_cache(maxsize=1)
def try_ports() -> "TryWebhookPorts":
    """Return the ports of `try_webhook`. API Gateway answers its caller after 30 s, so the test gives up before."""
    from fermata.use_cases.webhooks.try_webhook import TryWebhookPorts

    settings = config.load(config.DeliverSettings)
    within_s = min(settings.webhook_timeout_seconds, _LONGEST_TEST_S)
    sender = outward.webhook_sender(settings.model_copy(update={"webhook_timeout_seconds": within_s}))
    return TryWebhookPorts(stores.webhook_store(), sender, runtime.now)


def count_test(tenant_id: str) -> Allowance | None:
    """Count one test of a webhook against the plan's limit of posts that repeat a webhook."""
    return accounts.call_meter(WEBHOOK_REPEATS).count(tenant_id, runtime.now())


@lru_cache(maxsize=1)
def replay_ports() -> "ReplayPorts":
    """Return the ports of `replay_webhook`."""
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts

    starting = start_delivery_ports()
    return ReplayPorts(
        stores.job_store(), starting.webhooks, stores.webhook_deliveries(), starting.machine, stores.wallet_store()
    )
