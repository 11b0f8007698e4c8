"""The settings that functions run with in tests."""

from typing import Final

TRUSTED_ORIGINS: Final = frozenset({"http://127.0.0.1:9000"})
PROVIDERS: Final = ("minimax", "skillboss", "apiinone", "aimlapi")
