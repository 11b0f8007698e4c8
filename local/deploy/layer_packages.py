"""The packages of layers that were not built: an environment of each under `.tools/`, made from its lock file.

The layer `fermata` needs none, because its packages belong to every function and are installed beside the interpreter
that runs the functions.
"""

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
MEDIA_ENVIRONMENT: Final = _ROOT / ".tools" / "media"


def packages_of(layer_dir: Path) -> tuple[Path, ...]:
    """Return the directories with a shipped layer's packages; none for a built layer, which contains them."""
    return tuple(MEDIA_ENVIRONMENT.glob("lib/python*/site-packages")) if layer_dir == _ROOT / "layers" / "media" else ()
