"""`python -m tests.crash [--of N] [--seed S] [SHAPE ...]`: the matrix of these shapes, or of all, as a JSON line each;
with `--of` one of every so many sites.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.crash.in_process import InProcessCloud, quiet
from tests.crash.matrix import Share, run_matrix
from tests.crash.shapes import SHAPES


def main(argv: Sequence[str]) -> None:
    """Run the matrix; what it found is for the reader to judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE")
    chosen = parser.parse_args(argv)
    share = Share(chosen.of, chosen.seed)
    with quiet() as heard, tempfile.TemporaryDirectory() as scratch:
        cloud = InProcessCloud(Path(scratch))
        for shape in [shape for shape in SHAPES if not chosen.shapes or shape.name in chosen.shapes]:
            heard.write(json.dumps(run_matrix(cloud, shape, share).as_json()) + "\n")
            heard.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
