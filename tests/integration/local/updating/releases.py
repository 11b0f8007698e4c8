"""Releases of Fermata that differ: machine and functions of one refuse those of another."""

import json
import shutil
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[4]
OF_THE_MACHINE: Final = ("start_generation", "await_callback", "poll_generation", "store_audio", "settle_job")
_DEPLOYED: Final = ("functions", "layers", "statemachine")
_MARK: Final = """

_own_handler = lambda_handler


def lambda_handler(event, context):
    import time
    from pathlib import Path

    release = event.pop("release", None)
    if release not in {holders}:
        raise RuntimeError(f"code of release {name} was called by a machine of release {{release}}")
    hold = Path({holds!r}) / "{function}"
    if hold.exists():
        hold.with_name(event["job_id"]).touch()
        while hold.exists():
            time.sleep(0.02)
    return _own_handler(event, context)
"""


def make_release(name: str, folder: Path, holds: Path) -> Path:
    """Write a release and return its template. Its machine says its name to each function, which takes no other name.
    A function waits while a file of its name is in `holds`, beside which it puts one of the job's id.
    """
    for part in _DEPLOYED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", folder)
    for function in OF_THE_MACHINE:
        # The rule for stopped executions calls settle_job without a machine.
        holders = (name, None) if function == "settle_job" else (name,)
        with (folder / "functions" / function / "app.py").open("a", encoding="utf-8") as app:
            app.write(_MARK.format(holders=holders, name=name, holds=str(holds), function=function))
    _mark_machine(name, folder / "statemachine" / "music_job.asl.json")
    return folder / "template.yaml"


def _mark_machine(name: str, path: Path) -> None:
    machine = json.loads(path.read_text("utf-8"))
    for state in machine["States"].values():
        payload = state.get("Parameters", {}).get("Payload")
        if isinstance(payload, dict):
            payload["release.$"] = "$.release"
    begin = {"Type": "Pass", "Result": name, "ResultPath": "$.release", "Next": machine["StartAt"]}
    machine["States"][f"Release_{name}"] = begin
    machine["StartAt"] = f"Release_{name}"
    path.write_text(json.dumps(machine), "utf-8")
