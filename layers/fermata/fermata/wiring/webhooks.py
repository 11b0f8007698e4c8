"""What the use cases of webhooks work with."""

import random
from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.adapters import aws
from fermata.domain.tenants.plan_limits import (
    WEBHOOK_REPEATS,
)
from fermata.wiring import accounts, stores

if TYPE_CHECKING:
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts
    from fermata.use_cases.webhooks.start_delivery import TellPorts


def tell_ports() -> "TellPorts":
    """What begins the delivery of a job's end."""
    from fermata.adapters.step_functions.webhook_machine import StepFunctionsWebhookMachine
    from fermata.use_cases.webhooks.start_delivery import TellPorts

    machine_arn = config.load(config.TellSettings).webhook_delivery_machine_arn
    return TellPorts(stores.webhook_store(), StepFunctionsWebhookMachine(aws.stepfunctions(), machine_arn))


@lru_cache(maxsize=1)
def deliver_ports() -> "DeliverPorts":
    """What `deliver_webhook` works with."""
    from fermata.adapters.http.webhook_sender import HttpWebhookSender
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts

    settings = config.load(config.DeliverSettings)
    return DeliverPorts(
        jobs=stores.job_store(),
        webhooks=stores.webhook_store(),
        deliveries=stores.webhook_deliveries(),
        sender=HttpWebhookSender(
            settings.trusted_local_origins, settings.connect_timeout_seconds, settings.webhook_timeout_seconds
        ),
        wallets=stores.wallet_store(),
        repeats=accounts.call_meter(WEBHOOK_REPEATS),
        # Only spreads tries that failed together.
        chance=random.random,
    )


@lru_cache(maxsize=1)
def replay_ports() -> "ReplayPorts":
    """What `replay_webhook` works with."""
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts

    telling = tell_ports()
    return ReplayPorts(
        stores.job_store(), telling.webhooks, stores.webhook_deliveries(), telling.machine, stores.wallet_store()
    )
