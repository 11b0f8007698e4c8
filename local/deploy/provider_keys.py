"""Keys for the providers: random keys for those on this machine, given keys, and real keys from `.env` on request.
And a key of this machine's own, which signs songs.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from local.errors import UsageError


def provider_keys(
    local: Iterable[str], given: Mapping[str, str], real: Iterable[str], env_file: Path
) -> dict[str, str]:
    """Return a key per provider; `env_file` is opened only when `real` names a provider without a given key.

    A provider of the `local` ones that is no simulator may check any key or none, so a random one serves it, too.
    """
    keys = {name: secrets.token_urlsafe(24) for name in local} | dict(given)
    missing = [name for name in real if name not in given]
    if missing:
        keys |= _real_keys(missing, env_file)
    return keys


def store_signing_key(outputs: Mapping[str, str], client: Callable[[str], Any]) -> None:
    """Put a certificate for development into the signing secret of a stack that has one."""
    secret = outputs.get("SigningSecretArn")
    if secret:
        from local.deploy.signing_key import development_key

        client("secretsmanager").put_secret_value(SecretId=secret, SecretString=development_key())


def _real_keys(names: Iterable[str], env_file: Path) -> dict[str, str]:
    written = _read(env_file)
    keys = {name: written.get(_variable(name), "") for name in names}
    absent = [_variable(name) for name, key in keys.items() if not key]
    if absent:
        raise UsageError(f"--real needs {' and '.join(absent)} in {env_file.name}; add the line {absent[0]}=...")
    return keys


def _variable(provider: str) -> str:
    return f"{provider.upper()}_API_KEY"


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"--real needs {path.name}: {error.strerror}") from error
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals}
