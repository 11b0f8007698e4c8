"""The API's own URL from a Systems Manager parameter, read once.

An environment variable would make a circular dependency in the template: the API refers to its functions, the functions
to the state machine, and the state machine to the function that needs the URL.
"""

from typing import TYPE_CHECKING

from fermata.adapters.aws_errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmApiUrl:
    """`ApiUrl` over one parameter; the URL is cached for the life of the execution environment."""

    def __init__(self, client: "SSMClient", parameter: str) -> None:
        self._client = client
        self._parameter = parameter
        self._url: str | None = None

    def read(self) -> str:
        """The URL without a trailing slash; raises `TransientError`."""
        if self._url is None:
            self._url = self._read().rstrip("/")
        return self._url

    def _read(self) -> str:
        with aws_errors(f"the API's address could not be read from {self._parameter}"):
            return self._client.get_parameter(Name=self._parameter)["Parameter"]["Value"]
