"""The alarms of a stack that are raised, as CloudWatch says with the operator's own credentials."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.denied import denied


def raised_alarms(cloudwatch: Any, stack: str) -> list[dict[str, str]] | str:  # noqa: ANN401 - a boto3 client, which the stubs know for few services
    """Return the name, the beginning and CloudWatch's reason of each raised alarm of a stack; one line of cause where
    they cannot be read.
    """
    prefix = f"{stack}-"
    # Another stack's name may begin with this one's and a hyphen; CloudFormation's part after it has one hyphen.
    own = re.compile(rf"{re.escape(prefix)}[A-Za-z0-9]+-[A-Za-z0-9]+")
    try:
        pages = cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, StateValue="ALARM", AlarmTypes=["MetricAlarm"]
        )
        return [
            {
                "alarm": alarm["AlarmName"].removeprefix(prefix),
                "since": alarm["StateUpdatedTimestamp"].isoformat(),
                "reason": alarm["StateReason"],
            }
            for page in pages
            for alarm in page["MetricAlarms"]
            if own.fullmatch(alarm["AlarmName"])
        ]
    except (BotoCoreError, ClientError) as error:
        return f"cannot be read (needs cloudwatch:DescribeAlarms): {denied(error) or error}"
