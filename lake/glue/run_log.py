"""What a run wrote to CloudWatch.

From Glue 5.0 on, standard output and error of the script go to the log group `…/output`, Spark's own log to `…/error`
(AWS Glue, "Logging for AWS Glue jobs").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lake.glue.calls import AwsError, call, patient, regions_named

GROUPS: Final = "/aws-glue/jobs"
GROUP_ARGUMENT: Final = "--custom-logGroup-prefix"
STREAM_ARGUMENT: Final = "--custom-logStream-prefix"
OVERLAP_MS: Final = 60_000
"""Events may come this much later than events with a later time: so far back each question goes."""


def logs_client() -> Any:
    """A client of CloudWatch Logs.

    Raises:
        AwsError: the session has no region.
    """
    import boto3

    with regions_named():
        return boto3.client("logs", config=patient())


@dataclass
class RunLog:
    """The log of one run: standard output and error of driver and executors.

    Args:
        client: of CloudWatch Logs.
        group: log group.
        streams: what the names of the run's streams begin with.
        since: milliseconds since 1970, from which on events are the run's.
    """

    client: Any
    group: str
    streams: str
    since: int = 0
    _newest: int = 0
    _seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, client: Any, arguments: Mapping[str, str], run_id: str, since: int = 0, *, secured: str = "") -> RunLog:
        """The log of a run.

        Args:
            client: of CloudWatch Logs.
            arguments: of the run, the job's own among them.
            run_id: its id.
            since: milliseconds since 1970, before which it had not started.
            secured: the part of the group's name that a security configuration adds (`Job.secured`).
        """
        group = f"{arguments.get(GROUP_ARGUMENT, GROUPS)}{secured}/output"
        return cls(client, group, arguments.get(STREAM_ARGUMENT, run_id), since)

    def new_lines(self) -> list[str]:
        """The lines that came since it was asked last, in the order of their times; none before there is a log.

        Raises:
            AwsError: AWS does not answer or refuses.
        """
        begin = max(self.since, self._newest - OVERLAP_MS)
        request: dict[str, Any] = {
            "logGroupName": self.group,
            "logStreamNamePrefix": self.streams,
            "startTime": begin,
        }
        lines: list[str] = []
        while True:
            try:
                page = call(self.client, "filter_log_events", self.group, **request)
            except AwsError as error:
                if error.code == "ResourceNotFoundException":
                    return lines
                raise
            for event in page.get("events", ()):
                if event["logStreamName"].startswith(self.streams) and event["eventId"] not in self._seen:
                    self._seen.add(event["eventId"])
                    self._newest = max(self._newest, event["timestamp"])
                    lines += event["message"].splitlines()
            if not page.get("nextToken"):
                return lines
            request["nextToken"] = page["nextToken"]
