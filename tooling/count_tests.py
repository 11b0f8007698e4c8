"""Prints how many tests of a JUnit report passed and failed; exit status 1 where none ran or the report is missing."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def count_tests(report: Path) -> tuple[int, int]:
    """Passed and failed (errors included) tests; skipped ones count as neither."""
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - our own file
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    failed = totals["failures"] + totals["errors"]
    return totals["tests"] - failed - totals["skipped"], failed


if __name__ == "__main__":
    try:
        passed, failed = count_tests(Path(sys.argv[1]))
    except (OSError, ET.ParseError) as error:
        sys.exit(f"no report of the test run: {error}")
    if passed + failed == 0:
        sys.exit("the test run ran no test")
    print(passed, failed)
