"""Holds the licences of all that is deployed against what may be deployed, as in `make licences`.

Python packages say theirs in the metadata of what is installed in `.venv`, which has the layers' own versions; those
of the console stand on its page of licences. A compiled library in a wheel has its own, which no metadata says.
Exit status: 0 all may be deployed, 1 not.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from tooling.supply.deployed import Pin, console_licences, deployed_parts

ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib"),
        "MPL-2.0",  # certifi: binds its own files alone
    }
)
"""SPDX ids that ask for no more than a notice in what is deployed."""

_SPELLINGS: Final = {"BSD 3-Clause License": "BSD-3-Clause"}
"""What packages without an SPDX expression write instead of one."""


@dataclass(frozen=True)
class Library:
    """A compiled library that a wheel carries; `decision` names the record that lets one in that is not allowed."""

    package: str
    licence: str
    decision: str = ""


LIBRARIES: Final[Mapping[str, Library]] = {
    "libc2pa_c": Library("c2pa-python", "MIT OR Apache-2.0"),
    "libgfortran": Library("numpy", "GPL-3.0-or-later WITH GCC-exception-3.1", "0045-loudness-beside-the-job"),
    "libquadmath": Library("numpy", "LGPL-2.1-or-later", "0045-loudness-beside-the-job"),
    "libscipy_openblas64_": Library("numpy", "BSD-3-Clause"),
    "libsndfile_arm64": Library("soundfile", "LGPL-2.1-or-later", "0045-loudness-beside-the-job"),
    "libsndfile_x86_64": Library("soundfile", "LGPL-2.1-or-later", "0045-loudness-beside-the-job"),
}
"""By the name before its first `-` or `.`; extensions of Python are under their package's licence."""


def main() -> int:
    """Print the licence of each package, then every fault."""
    for part in deployed_parts():
        for pin in part.pins:
            print(f"{part.folder:24} {pin.name:24} {pin.version:12} {licence_of(pin) or '?'}")
    faults = licence_faults()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def licence_faults() -> list[str]:
    """A line for each package or library that may not be deployed, or whose licence is not known."""
    faults = []
    for part in deployed_parts():
        for pin in part.pins:
            where = f"{part.folder}: {pin.name} {pin.version}"
            fault = expression_fault(licence_of(pin))
            faults += [f"{where}: {fault}"] if fault else []
            names = _library_names(pin) if pin.ecosystem == "PyPI" else []
            faults += [f"{where}: {each}" for name in names if (each := library_fault(pin.name, name))]
    return faults


def expression_fault(licence: str | None) -> str | None:
    """Why something under this licence (an SPDX expression) may not be deployed; None if it may."""
    if not licence:
        return "expected a licence in its metadata, found none"
    try:
        expression = canonicalize_license_expression(licence)
    except InvalidLicenseExpression:
        return f"expected an SPDX expression or one of {sorted(_SPELLINGS)}, found {licence!r}"
    return None if _allows(expression) else f"{licence} is not among the licences of what may be deployed"


def _allows(expression: str) -> bool:
    """Whether one alternative of a canonical expression has only licences that are allowed."""
    while (innermost := re.search(r"\(([^()]*)\)", expression)) is not None:
        verdict = "MIT" if _allows(innermost[1]) else "no"
        expression = expression[: innermost.start()] + verdict + expression[innermost.end() :]
    return any(ALLOWED.issuperset(every.split(" AND ")) for every in expression.split(" OR "))


def library_fault(package: str, name: str) -> str | None:
    """Why a compiled library in a package's wheel may not be deployed; None if it may. `name` is its file's."""
    library = LIBRARIES.get(re.split(r"[-.]", name)[0])
    if library is None or library.package != package:
        return f"its wheel brings {name}; say under which licence in tooling.supply.licences.LIBRARIES"
    fault = expression_fault(library.licence)
    return f"its wheel brings {name}: {fault}" if fault and not library.decision else None


def licence_of(pin: Pin) -> str | None:
    """The licence that a deployed package states for itself, as SPDX if it does."""
    if pin.ecosystem == "npm":
        return console_licences().get((pin.name, pin.version))
    installed = _installed(pin)
    if installed is None:
        return None
    fields = [installed.metadata.get_all(field) or [""] for field in ("License-Expression", "License")]
    stated = next((values[0] for values in fields if values[0]), None)
    return _SPELLINGS.get(stated, stated) if stated else None


def _installed(pin: Pin) -> Distribution | None:
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        return None
    return found if found.version == pin.version else None


def _library_names(pin: Pin) -> Iterator[str]:
    installed = _installed(pin)
    for file in (installed.files if installed else None) or []:
        is_library = re.search(r"\.so(\.[\d.]+)?$", file.name)
        if is_library and not re.search(r"\.(cpython-[^.]+|abi3)\.so$", file.name):
            yield file.name


if __name__ == "__main__":
    sys.exit(main())
