"""The one place that runs Terraform: its commands as functions, its JSON messages as progress and errors."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lake.deploy.errors import DeployError, NotLoggedInError, StalePlanError, StateLockedError, TerraformError

PLUGINS: Final = "TF_PLUGIN_DIR"
"""Names a folder with the providers; without it they come from the public registry."""
Progress = Callable[[str], None]
_VERBS: Final = {"create": "made", "update": "changed", "delete": "destroyed", "read": "read"}
_LOGIN: Final = (
    "No valid credential sources",
    "ExpiredToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SSO Token",
)
_TAIL: Final = 600


@dataclass(frozen=True)
class Problem:
    """An error that Terraform told.

    Args:
        summary: its first line.
        detail: what follows; Terraform keeps sensitive values out of it.
        where: the resource, else the file and line; empty where it names none.
    """

    summary: str
    detail: str = ""
    where: str = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Problem:
        """From a diagnostic message (Terraform, "Machine-Readable UI", `diagnostic`)."""
        told = message["diagnostic"]
        place = told.get("range") or {}
        at = f"{place['filename']}:{place['start']['line']}" if place else ""
        return cls(told["summary"], (told.get("detail") or "").strip(), told.get("address") or at)


@dataclass(frozen=True)
class Terraform:
    """Terraform in the folder of one environment.

    Args:
        folder: the root module.
        binary: the program, found on the path.
        environment: of the program; default this process's.
        say: takes a line of progress.
    """

    folder: Path
    binary: str = "terraform"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    say: Progress = lambda _: None

    def init(self, backend: Sequence[str] = ()) -> None:
        """Prepares the folder: backend, modules, providers.

        Args:
            backend: `key=value` or files for `-backend-config`, where the backend's block leaves something open.

        Raises:
            TerraformError: the folder, the backend or a provider is not as it should be.
            NotLoggedInError: the backend refuses the credentials.
        """
        plugins = self.environment.get(PLUGINS)
        options = [f"-backend-config={item}" for item in backend] + ([f"-plugin-dir={plugins}"] if plugins else [])
        self._run("init", "-json", "-input=false", "-reconfigure", *options)

    def plan(
        self,
        out: Path,
        variables: Mapping[str, Any],
        *,
        targets: Sequence[str] = (),
        lock: bool = True,
        lock_seconds: int = 30,
    ) -> dict[str, Any]:
        """Plans, and saves the plan.

        Args:
            out: the plan's file; it may hold secrets, so only its owner can read it.
            variables: values of root variables.
            targets: only these addresses and what they need.
            lock: take the state's lock; a role that may only read cannot.
            lock_seconds: how long to wait for it.

        Returns:
            The plan, as `terraform show -json` tells it; it may hold secrets.

        Raises:
            TerraformError: the plan cannot be made.
            StateLockedError: somebody else is at work.
        """
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder) / "deploy.tfvars.json"
            given.write_text(json.dumps(dict(variables)), encoding="utf-8")
            options = [f"-target={address}" for address in targets]
            self._run(
                "plan",
                "-json",
                "-input=false",
                f"-out={out}",
                f"-var-file={given}",
                _lock(lock, lock_seconds),
                *options,
            )
        out.chmod(0o600)
        shown: dict[str, Any] = json.loads(self._run("show", "-json", str(out)))
        return shown

    def apply(self, plan: Path) -> None:
        """Applies a saved plan.

        Raises:
            StalePlanError: the state is newer than the plan.
            TerraformError: a resource could not be made; what was made before stays.
        """
        self._run("apply", "-json", "-input=false", str(plan))

    def outputs(self) -> dict[str, Any]:
        """The values of the state's outputs, sensitive ones left out."""
        told = json.loads(self._run("output", "-json"))
        return {name: item["value"] for name, item in told.items() if not item["sensitive"]}

    def _run(self, *arguments: str) -> str:
        """Runs one command, its progress told; what it wrote to stdout."""
        command = [self.binary, f"-chdir={self.folder}", *arguments]
        environment = {**self.environment, "TF_IN_AUTOMATION": "1"}
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                text=True,
            ) as process:
                return self._followed(process, arguments[0])
        except FileNotFoundError:
            remedy = "install Terraform 1.11 or newer, or name it with --terraform-binary"
            raise TerraformError("is not installed", where=self.binary, remedy=remedy) from None

    def _followed(self, process: subprocess.Popen[str], verb: str) -> str:
        # stderr holds little (a crash's text): it is read after the end, and cannot fill the pipe before.
        assert process.stdout is not None
        assert process.stderr is not None
        streams = verb in ("init", "plan", "apply")
        kept, problems = [], []
        for line in process.stdout:
            message = _message(line) if streams else None
            if message is None:
                kept.append(line)
            elif message.get("@level") == "error" and "diagnostic" in message:
                problems.append(Problem.of(message))
            else:
                self._tell(message)
        error_text = process.stderr.read()
        if process.wait():
            raise failure(verb, problems, error_text, str(self.folder))
        return "".join(kept)

    def _tell(self, message: Mapping[str, Any]) -> None:
        if message.get("type") == "apply_complete":
            hook = message["hook"]
            address, seconds = hook["resource"]["addr"], hook["elapsed_seconds"]
            self.say(f"{_VERBS.get(hook['action'], hook['action'])} {address} ({seconds} s)")
        elif message.get("type") == "apply_errored":
            self.say(f"failed {message['hook']['resource']['addr']}")


def _message(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _lock(wanted: bool, seconds: int) -> str:
    return f"-lock-timeout={seconds}s" if wanted else "-lock=false"


def failure(verb: str, problems: Sequence[Problem], error_text: str, folder: str) -> DeployError:
    """The error for a command that failed: what Terraform said, and what to do where the reason is known."""
    if not problems:
        text = " ".join(error_text.split())[-_TAIL:]
        return TerraformError(f"{verb} failed: {text}", where=folder, remedy="run it by hand there")
    said = "\n  ".join(_said(problem) for problem in problems)
    first = problems[0]
    if first.summary == "Error acquiring the state lock":
        holder = _holder(first.detail)
        remedy = "wait until that run has ended; if it was killed: terraform force-unlock"
        return StateLockedError(f"another run holds the state{holder}", where=folder, remedy=remedy)
    if "plan is stale" in first.summary:
        return StalePlanError("the state is newer than the plan", where=folder, remedy="plan again: lake deploy plan")
    if any(word in f"{item.summary} {item.detail}" for item in problems for word in _LOGIN):
        return not_logged_in(folder)
    remedy = "mend the cause, then plan and apply again" if verb == "apply" else "mend the cause, then run it again"
    return TerraformError(f"{verb} failed: {said}", where=first.where or folder, remedy=remedy)


def not_logged_in(where: str) -> NotLoggedInError:
    """The error for absent, refused or expired credentials."""
    remedy = "log in (aws sso login, or AWS_PROFILE); a workflow gets its role by OIDC"
    return NotLoggedInError("AWS takes no credentials from here", where=where, remedy=remedy)


def _said(problem: Problem) -> str:
    parts = [problem.where, problem.summary, " ".join(problem.detail.split())[:_TAIL]]
    return ": ".join(part for part in parts if part)


def _holder(detail: str) -> str:
    """Who holds the lock, since when, from the lines that Terraform prints of it."""
    lines = (line.strip().partition(":") for line in detail.splitlines())
    found = {name: value.strip() for name, _, value in lines}
    known = [found[name] for name in ("Who", "Created") if found.get(name)]
    return f" ({', '.join(known)})" if known else ""


def planned_outputs(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs whose values a plan already knows, sensitive ones left out."""
    outputs: Iterable[tuple[str, Any]] = (plan.get("planned_values") or {}).get("outputs", {}).items()
    return {name: item["value"] for name, item in outputs if not item["sensitive"] and "value" in item}
