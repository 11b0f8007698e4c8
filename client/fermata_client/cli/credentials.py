"""Where the key and the base URL come from: the environment, else what `fermata login` kept."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fermata_client.errors import SettingsError

SERVICE: Final = "fermata"
KEY_VARIABLE: Final = "FERMATA_API_KEY"
URL_VARIABLE: Final = "FERMATA_BASE_URL"
_NO_KEYRING: Final = f"this machine has no keyring that can be used ({{}}); set {KEY_VARIABLE} instead"


class Keyring(Protocol):
    """A place for secrets, by service and name. Raises `SettingsError` where this machine has none."""

    def get(self, name: str) -> str | None:
        """The secret, None where none is kept."""
        ...

    def put(self, name: str, secret: str) -> None:
        """Keep a secret."""
        ...

    def forget(self, name: str) -> None:
        """Keep it no longer."""
        ...


class PlatformKeyring:
    """The keyring of the platform, by the package `keyring`."""

    def get(self, name: str) -> str | None:
        """The secret, None where none is kept."""
        import keyring
        from keyring.errors import KeyringError

        try:
            found: str | None = keyring.get_password(SERVICE, name)
        except KeyringError as error:
            raise SettingsError(_NO_KEYRING.format(error)) from error
        return found

    def put(self, name: str, secret: str) -> None:
        """Keep a secret."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, name, secret)
        except KeyringError as error:
            raise SettingsError(_NO_KEYRING.format(error)) from error

    def forget(self, name: str) -> None:
        """Keep it no longer."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise SettingsError(_NO_KEYRING.format(error)) from error


@dataclass(frozen=True)
class Credentials:
    """The key and the base URL. The environment comes first; `file` keeps the last login's base URL, never a key."""

    keyring: Keyring
    file: Path
    environment: Mapping[str, str]

    def base_url(self) -> str:
        """Where Fermata is; raises `SettingsError`."""
        found = self.environment.get(URL_VARIABLE) or self._kept_url()
        if not found:
            raise SettingsError(f"there is no base URL; run `fermata login URL`, or set {URL_VARIABLE}")
        return found

    def api_key(self, base_url: str) -> str:
        """The key for it; raises `SettingsError`."""
        found = self.environment.get(KEY_VARIABLE) or self.keyring.get(base_url)
        if not found:
            raise SettingsError(f"there is no API key for {base_url}; run `fermata login`, or set {KEY_VARIABLE}")
        return found

    def keep(self, base_url: str, api_key: str) -> None:
        """Keep both; raises `SettingsError`, or `OSError` from the disk."""
        self.keyring.put(base_url, api_key)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"base_url": base_url}) + "\n", encoding="utf-8")

    def forget(self, base_url: str) -> None:
        """Keep the key no longer; raises `SettingsError`."""
        self.keyring.forget(base_url)

    def _kept_url(self) -> str | None:
        try:
            kept = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self.file} cannot be read ({error}); run `fermata login` again") from error
        url = kept.get("base_url") if isinstance(kept, dict) else None
        return url if isinstance(url, str) else None


def credentials_of(file: Path) -> Credentials:
    """The credentials of this process on this platform."""
    return Credentials(PlatformKeyring(), file, os.environ)
