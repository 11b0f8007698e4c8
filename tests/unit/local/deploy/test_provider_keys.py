"""Where the providers' keys come from."""

from pathlib import Path

import pytest

from local.deploy.provider_keys import provider_keys
from local.errors import UsageError


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("# MINIMAX_API_KEY=old\nexport MINIMAX_API_KEY='real-key'\nOTHER=x\n", "utf-8")
    return path


class Forbidden(type(Path())):  # type: ignore[misc] # the concrete path class differs by platform and Python version
    """A file that must not be opened."""

    def read_text(self, *args: object, **kwargs: object) -> str:
        raise AssertionError(f"{self} was opened: {args} {kwargs}")


def test_providers_on_this_machine_get_a_key_of_their_own_each_time() -> None:
    first, second = (provider_keys(["minimax", "aimlapi"], {}, [], Forbidden(".env")) for _ in range(2))
    assert set(first) == {"minimax", "aimlapi"}
    assert len({*first.values(), *second.values()}) == 4


def test_a_given_key_is_the_one_that_counts() -> None:
    assert provider_keys(["minimax"], {"minimax": "given"}, [], Forbidden(".env")) == {"minimax": "given"}


def test_a_real_key_is_read_from_the_file(env_file: Path) -> None:
    assert provider_keys([], {}, ["minimax"], env_file) == {"minimax": "real-key"}


def test_a_given_key_for_a_real_provider_opens_no_file() -> None:
    assert provider_keys([], {"minimax": "given"}, ["minimax"], Forbidden(".env")) == {"minimax": "given"}


def test_a_missing_key_is_named_and_nothing_of_the_file_is_shown(env_file: Path) -> None:
    with pytest.raises(UsageError, match="AIMLAPI_API_KEY") as error:
        provider_keys([], {}, ["aimlapi"], env_file)
    assert "real-key" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.env"):
        provider_keys([], {}, ["minimax"], tmp_path / ".env")
