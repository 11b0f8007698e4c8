"""Builds the application with SAM for both processors and checks that Lambda can run what `sam deploy` would upload.

The build for the template's own processor stands where a plain `sam deploy` looks for it, the other one beside it. Both
are uploaded to an S3 on this machine, and what is checked comes from there: each module has its compiled one beside it,
which Lambda's read-only folders could not keep. The uploads for x86_64 are imported under Python 3.13 beside nothing
but what the Lambda runtime brings, and compile nothing. Those for arm64 may not run here, so their compiled libraries
are read instead.
Exit status: 0 built and sound, 1 not, 2 the environment for it is broken.
"""

import _imp
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tooling.built import STAMP, digest_of_sources, note_build
from tooling.supply.bill import undeclared_packages, write_bill
from tooling.uploads import ROOT, SAM, UploadError, loopback_s3, sam_environment, unpack_uploads

PYTHON_DIR = ROOT / ".tools" / "python313" / "bin"
BUILD = ROOT / ".aws-sam"

ELF_MACHINES = {"x86_64": 62, "arm64": 183}
"""The `e_machine` of an ELF header (System V ABI) per `Architecture`."""
DEFAULT_ARCHITECTURE = "arm64"
"""The default of the template's parameter, so what a plain `sam build` builds."""
TARGETS = {"arm64": BUILD / "build", "x86_64": BUILD / "x86_64" / "built"}
"""Where each build stands. SAM keeps a file beside what it builds, so each has a parent of its own."""
EXTENSION_TAGS = (".cpython-313-", ".abi3.")
PLAIN_LIBRARIES = (".libs", "_data")
"""How folders with libraries that are no extensions of Python end: those that wheels bring for their extensions."""
MEDIA_FUNCTIONS = {"MeasureTracksFunction": ("fermata.adapters.loudness.sound_meter",)}
"""The functions with the media layer, and what they import from it later than their handler."""
MAGIC_3_13 = (3571).to_bytes(2, "little") + b"\r\n"
"""What compiled modules of any Python 3.13 begin with: its `importlib.util.MAGIC_NUMBER`."""
UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags of a compiled module that is believed without a look at its source (PEP 552)."""
UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Lambda's limit for a function together with its layers, in bytes."""

IMPORT_HANDLER = """
import sys, importlib, importlib.machinery
uploaded = [*sys.argv[1:3], *sys.argv[4:]]
sys.path[:0] = uploaded
compile_source = importlib.machinery.SourceFileLoader.source_to_code
def refuse_to_compile(loader, data, path, **options):
    assert not path.startswith(tuple(uploaded)), f"{path} was compiled anew"
    return compile_source(loader, data, path, **options)
importlib.machinery.SourceFileLoader.source_to_code = refuse_to_compile
import app, fermata
assert callable(app.lambda_handler)
for later in filter(None, sys.argv[3].split(",")):
    importlib.import_module(later)
assert fermata.__file__.startswith(sys.argv[2]), f"fermata came from {fermata.__file__}"
"""


def main() -> int:
    """Build both, then report every fault found."""
    if not _runs(PYTHON_DIR / "python"):
        print(f"{PYTHON_DIR}/python does not run any more; remove .tools/python313 and build again", file=sys.stderr)
        return 2
    sources = digest_of_sources(ROOT)
    (ROOT / STAMP).unlink(missing_ok=True)
    with ThreadPoolExecutor(len(TARGETS)) as pool:
        ended = dict(zip(TARGETS, pool.map(_sam_build, TARGETS, TARGETS.values()), strict=True))
    if any(ended.values()):
        print(f"sam build ended with {ended}", file=sys.stderr)
        return 1
    faults: list[str] = []
    with loopback_s3() as endpoint:
        for architecture, target in TARGETS.items():
            template = target / "template.yaml"
            template.write_text(for_one_architecture(template.read_text("utf-8"), architecture), "utf-8")
            faults += upload_faults(architecture, endpoint)
    print(f"{write_bill(BUILD).relative_to(ROOT)}: what the uploads are made of")
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        note_build(ROOT, sources)
    return 1 if faults else 0


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _sam_build(architecture: str, target: Path) -> int:
    """Needs no account; SAM takes the python3.13 that it finds first on the path, so ours stands there."""
    chosen = ["--build-dir", str(target), "--parameter-overrides", f"Architecture={architecture}"]
    options = [] if architecture == DEFAULT_ARCHITECTURE else chosen
    built = subprocess.run(
        [SAM, "build", "--no-cached", *options],
        cwd=ROOT,
        env=sam_environment(PATH=f"{PYTHON_DIR}{os.pathsep}{os.environ['PATH']}"),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if built.returncode != 0:
        print(built.stdout, file=sys.stderr)
    return built.returncode


def for_one_architecture(template: str, architecture: str) -> str:
    """A built template that takes no processor but that of its layers, so that CloudFormation refuses any other one."""
    either = "    Default: arm64\n    AllowedValues:\n    - arm64\n    - x86_64\n"
    if template.count(either) != 1:
        raise ValueError(f"the built template has no parameter Architecture as expected:\n{either}")
    return template.replace(either, f"    Default: {architecture}\n    AllowedValues:\n    - {architecture}\n")


def upload_faults(architecture: str, endpoint: str) -> list[str]:
    """What Lambda could not run of the uploads for a processor, found in the uploaded archives alone."""
    template = None if architecture == DEFAULT_ARCHITECTURE else TARGETS[architecture] / "template.yaml"
    with TemporaryDirectory(prefix="fermata-uploads-") as name:
        folder = Path(name)
        try:
            unpack_uploads(template, folder, endpoint)
        except UploadError as error:
            return [str(error)]
        undeclared = [each for layer in folder.glob("*/python") for each in undeclared_packages(layer)]
        faults = [
            *layer_faults(folder),
            *bytecode_faults(folder),
            *undeclared,
            *library_faults(folder, architecture),
            *size_faults(folder, architecture),
        ]
        return [*faults, *(import_faults(folder) if architecture == "x86_64" else [])]


def layer_faults(target: Path) -> list[str]:
    """A layer whose packages Python would not find: Lambda unpacks it below /opt and looks into /opt/python."""
    packages = {"FermataLayer": ("fermata", "pydantic"), "MediaLayer": ("numpy",)}
    expected = [target / layer / "python" / name / "__init__.py" for layer in packages for name in packages[layer]]
    return [f"{path.relative_to(target)}: the uploaded layer lacks it" for path in expected if not path.exists()]


def bytecode_faults(target: Path) -> list[str]:
    """Modules that every start would compile anew: without a compiled one of Python 3.13 that is believed unchecked."""
    modules = [path for path in sorted(target.rglob("*.py")) if path.is_file()]
    faults = [fault for fault in map(_bytecode_fault, modules) if fault]
    print(f"{len(modules) - len(faults)} of {len(modules)} uploaded modules are compiled for Python 3.13")
    return faults if modules else [f"{target}: no module found"]


def _bytecode_fault(module: Path) -> str | None:
    compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
    if not compiled.exists():
        return f"{module}: has no compiled module beside it"
    header = compiled.read_bytes()[:16]
    source_hash = _imp.source_hash(int.from_bytes(MAGIC_3_13, "little"), module.read_bytes())
    if header != MAGIC_3_13 + UNCHECKED_HASH + source_hash:
        return f"{compiled}: begins with {header.hex(' ')}, expected an unchecked hash of its source for Python 3.13"
    return None


def library_faults(target: Path, architecture: str) -> list[str]:
    """Compiled files that Lambda could not load: another processor, or another Python's extension."""
    libraries = list(_elf_files(target))
    if not libraries:
        return [f"{target}: no compiled library found, although pydantic-core has one; the layer is not complete"]
    faults = []
    for path, machine in libraries:
        if machine != ELF_MACHINES[architecture]:
            faults.append(
                f"{path}: built for ELF machine {machine}, expected {ELF_MACHINES[architecture]} ({architecture})"
            )
        is_extension = not path.parent.name.endswith(PLAIN_LIBRARIES)
        if is_extension and not any(tag in path.name for tag in EXTENSION_TAGS):
            faults.append(f"{path}: expected a name with one of {EXTENSION_TAGS}, since Lambda runs CPython 3.13")
    return faults


def _elf_files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                header = file.read(20)
            if header.startswith(b"\x7fELF"):
                yield path, int.from_bytes(header[18:20], "little")


def size_faults(target: Path, architecture: str) -> list[str]:
    """Print what the layers and the largest function weigh; a fault if they do not fit Lambda together."""
    sizes = {folder.name: _size(folder) for folder in target.iterdir() if folder.is_dir()}
    layer, media = sizes.pop("FermataLayer", 0), sizes.pop("MediaLayer", 0)
    largest = max(sizes, key=lambda name: sizes[name])
    together = layer + media + sizes[largest]
    print(
        f"{architecture}: layer {_mib(layer)} unzipped, media layer {_mib(media)}, "
        f"largest function {largest} {_mib(sizes[largest])}; "
        f"together {together / UNZIPPED_LIMIT:.0%} of Lambda's {_mib(UNZIPPED_LIMIT)}"
    )
    if 0 in (layer, media) or together > UNZIPPED_LIMIT:
        expected = f"both layers and the largest function within {_mib(UNZIPPED_LIMIT)}"
        return [f"{target}: expected {expected}, found {_mib(together)}"]
    return []


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def import_faults(target: Path) -> list[str]:
    """Import every function's handler the way Lambda would, without a setting in the environment."""
    functions = sorted(path.parent for path in target.glob("*/app.py"))
    expected = len(list((ROOT / "functions").glob("*/app.py")))
    if len(functions) != expected:
        return [f"{target}: expected {expected} functions with an app.py, found {len(functions)}"]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(_import_fault, functions) if fault]
    print(f"x86_64: {expected - len(faults)} of {expected} handlers import under Python 3.13 from the uploads alone")
    return faults


def _import_fault(function: Path) -> str | None:
    layer, media = (function.parent / name / "python" for name in ("FermataLayer", "MediaLayer"))
    later = MEDIA_FUNCTIONS.get(function.name, ())
    environment = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "POWERTOOLS_SERVICE_NAME": "fermata"}
    imported = subprocess.run(
        [
            PYTHON_DIR / "python",
            "-I",
            "-B",
            "-c",
            IMPORT_HANDLER,
            function,
            layer,
            ",".join(later),
            *([media] if later else []),
        ],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return (
        None
        if imported.returncode == 0
        else f"{function.name}: its handler does not import:\n{imported.stderr.strip()}"
    )


if __name__ == "__main__":
    sys.exit(main())
