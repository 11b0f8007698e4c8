"""How long the chain of models of an order may be."""

from typing import Final

MAX_FALLBACKS: Final = 3
"""The most models that an order may name besides its first."""
