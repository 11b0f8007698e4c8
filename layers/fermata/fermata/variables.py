"""The variables of the process, for functions that are too small for `config.py`, whose models take longer to import
than such a function to answer.
"""

import os
from collections.abc import Sequence

from fermata.errors import ConfigurationError


def variable(name: str) -> str:
    """Return a variable of the process; raises `ConfigurationError` that names one that is missing or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value


def names_a_proxy() -> bool:
    """Whether a variable names a proxy for requests of any scheme."""
    return any(name.lower().endswith("_proxy") and value for name, value in os.environ.items())


def variables_of_a_child(paths: Sequence[str]) -> dict[str, str]:
    """Return the variables for a process of ours that runs Python with these import paths. It needs no right in AWS, so
    it gets no credentials.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}


def variable_or(name: str, otherwise: str = "") -> str:
    """Return a variable of the process, or `otherwise` where it is missing or empty."""
    return os.environ.get(name) or otherwise
