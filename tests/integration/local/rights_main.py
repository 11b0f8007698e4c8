"""`python -m local up` with a template that lacks one right: `rights_main SID ACTION ...`, all else as for `up`."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.cli import parse_settings
from local.deploy.transform import read_template
from local.settings import PROJECT_ROOT
from local.stopping import StopRequested, stop_on_signals
from local.up import ReadyLine, run_up

_PATHS = ("CodeUri", "ContentUri", "DefinitionUri")


def without(template: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """Take one action from a statement, which must be there once, and let all paths start at the project."""
    found = [each for each in _statements(template["Resources"]) if each.get("Sid") == sid]
    (statement,) = found
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    actions.remove(action)
    # A statement without actions is no statement; one that names none of Fermata's calls gives nothing.
    statement["Action"] = actions or ["sts:GetCallerIdentity"]
    for resource in template["Resources"].values():
        for name in _PATHS:
            if isinstance(resource.get("Properties", {}).get(name), str):
                resource["Properties"][name] = str(PROJECT_ROOT / resource["Properties"][name])
    return template


def _statements(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for each in value.values():
            yield from _statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from _statements(each)


def main(argv: Sequence[str]) -> int:
    """Run a cloud until a signal stops it."""
    stop_on_signals()
    sid, action, *arguments = argv
    settings = parse_settings("up", arguments)
    template = (settings.state_dir or Path()).with_name("template.json")
    template.write_text(json.dumps(without(read_template(settings.template), sid, action), default=str), "utf-8")
    with suppress(StopRequested):
        run_up(replace(settings, template=template), ReadyLine())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
