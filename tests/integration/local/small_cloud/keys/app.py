"""Authorizes one key."""

from typing import Any


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Say yes to `Bearer good`."""
    return {"isAuthorized": event["identitySource"] == ["Bearer good"], "context": {"tenant": "small"}}
