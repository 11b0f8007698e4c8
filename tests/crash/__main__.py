"""`python -m tests.crash [SHAPE ...]`: the matrix of these shapes, or of all, as one JSON line each."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.crash.in_process import InProcessCloud, quiet
from tests.crash.matrix import run_matrix
from tests.crash.shapes import SHAPES


def main(names: Sequence[str]) -> None:
    """Run the matrix; what it found is for the reader to judge."""
    with quiet() as heard, tempfile.TemporaryDirectory() as scratch:
        cloud = InProcessCloud(Path(scratch))
        for shape in [shape for shape in SHAPES if not names or shape.name in names]:
            heard.write(json.dumps(run_matrix(cloud, shape).as_json()) + "\n")
            heard.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
