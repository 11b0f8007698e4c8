"""What a check before a deployment found."""

from dataclasses import dataclass
from enum import Enum


class Weight(Enum):
    """What a finding means for the deployment."""

    FINE = "ok"
    UNKNOWN = "unknown"
    """It could not be asked, or AWS did not say; the deployment may work all the same."""
    NARROW = "narrow"
    """It works, with less than the settings suggest."""
    REFUSED = "refused"
    """The deployment, or its first order, would fail."""


@dataclass(frozen=True)
class Finding:
    """One sentence for the operator, and what it means."""

    weight: Weight
    sentence: str


def fine(sentence: str) -> Finding:
    """What is as the deployment needs it."""
    return Finding(Weight.FINE, sentence)


def unknown(sentence: str) -> Finding:
    """What could not be asked."""
    return Finding(Weight.UNKNOWN, sentence)


def narrow(sentence: str) -> Finding:
    """What works, but narrowly."""
    return Finding(Weight.NARROW, sentence)


def refused(sentence: str) -> Finding:
    """What the deployment or its first order would fail at."""
    return Finding(Weight.REFUSED, sentence)
