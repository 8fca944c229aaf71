"""What the hops tell of their work: log lines, CloudWatch metrics, OpenLineage events."""

from lake.watch.lineage import Flow
from lake.watch.watch import OFF, Run, Step, Watch, seconds_since

__all__ = ["OFF", "Flow", "Run", "Step", "Watch", "seconds_since"]
