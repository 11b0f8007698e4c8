"""Makes a simulated provider refuse one order, so that its fallback makes the song."""

from collections.abc import Mapping
from http import HTTPStatus

import httpx

from local.demo.errors import RefusalError
from local.demo.orders import Order


def arrange_refusal(client: httpx.Client, order: Order, prompt: str, simulators: Mapping[str, str]) -> None:
    """Set the order's fault, if any, at its first provider's simulator, for one request. Raises `RefusalError`."""
    if order.refused_with is None:
        return
    fault = {"fault": order.refused_with, "on": "create", "match": order.prompt(prompt), "times": 1}
    try:
        response = client.post(f"{simulators[order.provider]}/_sim/faults", json=fault)
    except httpx.HTTPError as error:
        raise RefusalError(
            f"expected the {order.provider} simulator to take a fault, found {type(error).__name__}"
        ) from error
    if response.status_code != HTTPStatus.CREATED:
        raise RefusalError(
            f"expected the {order.provider} simulator to take a fault with 201, found {response.status_code}"
        )
