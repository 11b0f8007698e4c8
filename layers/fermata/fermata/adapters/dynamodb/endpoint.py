"""Where DynamoDB answers, by the variables that Lambda and the laptop set."""

from typing import Final

from fermata.errors import ConfigurationError
from fermata.variables import variable, variable_or

_SUFFIXES: Final = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
)
"""The domains of the partitions, by the beginning of their regions' names; the others are at amazonaws.com."""
_OTHER_ENDPOINTS: Final = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")


def region() -> str:
    """The region of this process; raises `ConfigurationError` where there is none."""
    return variable_or("AWS_DEFAULT_REGION") or variable("AWS_REGION")


def endpoint() -> str:
    """The address without a path. Raises `ConfigurationError` where a variable asks for one that is not known."""
    for name in _OTHER_ENDPOINTS:
        if variable_or(name, "false").lower() == "true":
            raise ConfigurationError(f"{name} has no effect here; set AWS_ENDPOINT_URL_DYNAMODB to the address instead")
    if variable_or("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false").lower() != "true":
        configured = variable_or("AWS_ENDPOINT_URL_DYNAMODB") or variable_or("AWS_ENDPOINT_URL")
        if configured:
            return configured.rstrip("/")
    name = region()
    suffix = next((domain for begin, domain in _SUFFIXES if name.startswith(begin)), "amazonaws.com")
    return f"https://dynamodb.{name}.{suffix}"
