"""Which rights of the template no run ever used: `python -m tooling.unused_rights [--write] DIR`.

`DIR` holds what the tests' clouds left there when `FERMATA_RIGHTS` named it: `given-rights-*.jsonl` and
`used-rights-*.jsonl`. A right that stays without a use stands in `unused_rights.json` with its reason, as
`ROLE STATEMENT ACTION`, in which `*` stands for any text. The exit code is 1 where a right is neither used nor listed;
an entry of the list that matches none that is unused is only named, because a test may use a right by chance. For the
same reason `used_rights.json` has what runs before this one used; `--write` adds what this one did, and drops what the
template no longer gives.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

LISTED: Final = Path(__file__).with_name("unused_rights.json")
RECORDED: Final = Path(__file__).with_name("used_rights.json")


def read_rights(directory: Path, name: str) -> set[str]:
    """Return all rights in the files of one name, each as `ROLE STATEMENT ACTION`."""
    lines = [line for path in directory.glob(f"{name}-*.jsonl") for line in path.read_text("utf-8").splitlines()]
    rights = [json.loads(line) for line in lines]
    return {f"{right['role']} {right['statement']} {right['action']}" for right in rights}


def problems(given: Iterable[str], used: Iterable[str], listed: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return a line for each right that is neither used nor listed, and one for each entry that matches no unused
    right.
    """
    unused = sorted({*given} - {*used})
    unknown = [f"never used: {right}" for right in unused if not any(fnmatchcase(right, each) for each in listed)]
    stale = [each for each in listed if not any(fnmatchcase(right, each) for right in unused)]
    return unknown, [f"listed, but used or gone: {each}" for each in stale]


def main(argv: list[str]) -> int:
    """Print the problems; 2 where the directory holds no run."""
    directory, recorded = Path(argv[-1]), set[str](json.loads(RECORDED.read_text("utf-8")))
    given = read_rights(directory, "given-rights")
    if not given:
        print(f"{directory} holds no run: set FERMATA_RIGHTS to it and run the integration tests", file=sys.stderr)
        return 2
    used = read_rights(directory, "used-rights")
    if "--write" in argv:
        recorded = given & (recorded | used)
        RECORDED.write_text(json.dumps(sorted(recorded), indent=2) + "\n", "utf-8")
    unknown, stale = problems(given, recorded | used, json.loads(LISTED.read_text("utf-8")))
    earlier = [f"used by an earlier run alone: {right}" for right in sorted(given & recorded - used)]
    print("\n".join([*unknown, *stale, *earlier, f"{len(given)} rights, {len(given & used)} used"]))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
