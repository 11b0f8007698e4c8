"""How parameters name a field of a job's metadata."""

from typing import Final

METADATA: Final = "metadata."
"""What the name of such a parameter begins with; the field's own name follows."""
ANY_NAME: Final = "metadata.NAME"
"""What stands for all such parameters in the document."""
