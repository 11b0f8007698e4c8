"""Which alarms the functions of a whole cloud raise, by the metrics in their logs and the alarms' own terms."""

import json
from pathlib import Path
from typing import Final

from local.deploy.transform import read_template
from tests.functions import ROOT
from tests.support.cloudwatch import CloudWatch, Identity, alarms_of

_BEFORE_S: Final = 1800
"""How long the stack is thought to have run in peace before."""


def raised(logs_dir: Path, stack: str = "fermata") -> set[str]:
    """Return the alarms of the functions' own metrics that these logs raise at any minute, or within five after."""
    seen = CloudWatch()
    lines = [line for path in logs_dir.glob("*Function.jsonl") for line in path.read_text("utf-8").splitlines()]
    written = {line: json.loads(line)["_aws"]["Timestamp"] // 1000 for line in lines if line.startswith('{"_aws"')}
    if not written:
        raise AssertionError(f"no function wrote a metric into {logs_dir}")
    begun_s = min(written.values()) - _BEFORE_S
    for minute in range(-_BEFORE_S // 60, _BEFORE_S // 60):
        seen.put(Identity("Fermata", "ReaperRuns", frozenset({("stack", stack)})), minute * 60, 1)
    for line in lines:
        if line in written:
            seen.put_lines(line, written[line] - begun_s)
    until_s = max(written.values()) - begun_s + 300
    alarms = alarms_of(read_template(ROOT / "template.yaml")["Resources"], stack)
    return {name for name, alarm in alarms.items() if seen.ever_alarms(alarm, until_s)}
