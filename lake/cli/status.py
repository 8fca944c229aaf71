"""Show the parts of the stack, their ports, and the capture."""

from __future__ import annotations

from dataclasses import asdict

from lake.cli._base import App, lake_command


@lake_command("status", example=("lake status", "lake status --json"))
def command(app: App) -> int:
    """Show each part and the pipeline's connector; the exit code is 0 only when all of them run.

    A part is running only when the recorded process owns its port and answers as ours. With --json, the newest metrics
    of the pipeline's hops are there too.
    """
    from lake.watch.newest import newest

    parts = app.stack.status()
    captures = app.stack.capture_states([app.pipeline_name])
    healthy = all(part.state == "running" for part in parts)
    captured = {name: {"state": state, "detail": detail} for name, (state, detail) in captures.items()}
    document = {
        "home": str(app.home.root),
        "healthy": healthy,
        "parts": {part.name: asdict(part) for part in parts},
        "captures": captured,
        "metrics": newest(app.home.logs, app.pipeline_name),
    }
    lines = [f"{'part':<12} {'state':<10} {'port':>6} {'pid':>8}"]
    for part in parts:
        lines.append(f"{part.name:<12} {part.state:<10} {part.port or '-':>6} {part.pid or '-':>8}")
        lines += [f"    {line}" for line in part.detail.splitlines()]
    for name, capture in captured.items():
        lines.append(f"capture of {name}: {capture['state']}")
        lines += [f"    {line}" for line in capture["detail"].splitlines()]
    app.emit(document, "\n".join(lines))
    return 0 if healthy and all(c["state"] in {"RUNNING", "ABSENT"} for c in captured.values()) else 1
