"""What to tell an operator whom AWS denies a call."""

import re
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

_CODES: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_RIGHT: Final = re.compile(r"not authorized to perform: (\S+)(?: on resource: (\S+))?")


def denied(error: BotoCoreError | ClientError) -> str | None:
    """One sentence that names the missing action and its resource as AWS's message does; None for another error."""
    if not isinstance(error, ClientError) or error.response.get("Error", {}).get("Code") not in _CODES:
        return None
    found = _RIGHT.search(error.response["Error"].get("Message", ""))
    if found is None:
        return f"your AWS credentials may not call {error.operation_name}; have that action allowed"
    action, resource = found[1].rstrip("."), found[2]
    there = f" on {resource.rstrip('.')}" if resource else ""
    return f"your AWS credentials lack the right {action}{there}; have that action allowed"
