"""The packages of layers that were not built: an environment of each under `.tools/`, made from its lock file.

The layer `fermata` needs none, because its packages belong to every function and are installed beside the interpreter
that runs the functions.
"""

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
MEDIA_ENVIRONMENT: Final = _ROOT / ".tools" / "media"
C2PA_ENVIRONMENT: Final = _ROOT / ".tools" / "c2pa"
_ENVIRONMENTS: Final = {_ROOT / "layers" / path.name: path for path in (MEDIA_ENVIRONMENT, C2PA_ENVIRONMENT)}


def packages_of(layer_dir: Path) -> tuple[Path, ...]:
    """Return the directories with a shipped layer's packages; none for a built layer, which contains them."""
    environment = _ENVIRONMENTS.get(layer_dir)
    return () if environment is None else tuple(environment.glob("lib/python*/site-packages"))
