"""One order for each model on offer, as `GET /v1/models` shows it."""

import re
from collections.abc import Mapping
from typing import Any

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.catalogue.offer import example_of


def model_examples(catalogue: Catalogue) -> Mapping[str, dict[str, Any]]:
    """A request that each model accepts as it stands, by a name that a component may have: that of the model which it
    orders, with `_` for what such names lack. A family's orders one of its members, which may be listed itself.
    """
    examples = [dict(example_of(model)) for model in catalogue.models]
    return {re.sub(r"[^A-Za-z0-9.-]+", "_", str(example["model"])): example for example in examples}
