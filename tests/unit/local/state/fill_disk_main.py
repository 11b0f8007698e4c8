"""Keeps items and files and logs each of them until its disk is full: `fill_disk_main.py FOLDER [BYTES]`.

With `BYTES`, no file may be longer. Prints the number of each item once it is kept, then why the next one was not.
"""

import resource
import sys
from pathlib import Path

from local.logs import JsonLines
from local.state.errors import StateWriteError
from local.state.files import Files
from local.state.store import Change, Store

ITEM = "x" * 3_000


def main(folder: Path, limit: int | None) -> None:
    """Fill the disk."""
    store, files, log = (
        Store(folder / "state.sqlite"),
        Files(folder / "objects"),
        JsonLines(folder / "logs" / "a.jsonl"),
    )
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    number = 0
    try:
        while True:
            try:
                files.add(ITEM.encode())
                store.write([Change("item", "jobs", f"{number:09}", ITEM)])
            except OSError as error:
                raise store.fail(error) from error
            log.write({"number": number, "text": ITEM})
            sys.stdout.write(f"{number:09}\n")
            sys.stdout.flush()
            number += 1
    except StateWriteError as error:
        sys.stdout.write(f"{error}\n")
    for _ in range(1_000):
        log.write({"text": ITEM})
    log.close()
    sys.stdout.write("still logging\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
