"""This API's own address from a parameter of Systems Manager, read once.

A function's environment cannot hold it: the API refers to the functions behind it, they to the state machine, and the
machine to the function that needs the address.
"""

from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmApiUrl:
    """`ApiUrl` over one parameter; an address that was read holds for the life of the environment."""

    def __init__(self, client: "SSMClient", parameter: str) -> None:
        self._client = client
        self._parameter = parameter
        self._url: str | None = None

    def read(self) -> str:
        """The address without a trailing slash; raises `TransientError`."""
        if self._url is None:
            self._url = self._read().rstrip("/")
        return self._url

    def _read(self) -> str:
        with aws_errors(f"the API's address could not be read from {self._parameter}"):
            return self._client.get_parameter(Name=self._parameter)["Parameter"]["Value"]
