"""What the names in a request stand for, which only the emulator knows; and the ARNs that follow from names."""

from typing import Protocol

from local.deploy.deployment import ACCOUNT_ID, REGION


class Facts(Protocol):
    """Looks things up in the emulator."""

    def hash_key(self, table: str, index: str | None) -> str | None:
        """Return the name of a table's or an index's partition key, None where there is no such table."""

    def secret_arn(self, secret_id: str) -> str | None:
        """Return the ARN of a secret by its name or ARN, None where there is none."""

    def machine_of(self, token: str) -> str | None:
        """Return the ARN of the machine whose execution waits for a task's token, None where none does."""


def arn_of(service: str, resource: str) -> str:
    """Return the ARN of a resource of the account, of which a request has only a name; an ARN stays as it is."""
    return resource if resource.startswith("arn:") else f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
