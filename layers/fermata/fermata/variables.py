"""The variables of the process, for functions that are too small for `config.py`, whose models take longer to import
than such a function to answer.
"""

import os

from fermata.errors import ConfigurationError


def variable(name: str) -> str:
    """Return a variable of the process; raises `ConfigurationError` that names one that is missing or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value
