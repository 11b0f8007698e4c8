"""A fake of the api url."""

from fermata.errors import (
    FermataError,
)


class FixedApiUrl:
    def __init__(self) -> None:
        self.url = "https://api.example.com"
        self.failure: FermataError | None = None

    def read(self) -> str:
        if self.failure is not None:
            raise self.failure
        return self.url
