"""A throwaway PostgreSQL cluster; ``python -m tests.postgres COMMAND`` runs a command on one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
# No disk is waited for: nothing here outlives the command.
SPEED = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=64MB"


def programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, of the newest PostgreSQL there is."""
    packaged = sorted(DEBIAN.glob("[0-9]*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    places = [*reversed(packaged), *([Path(on_path).resolve().parent] if on_path else [])]
    return next((place for place in places if (place / "pg_ctl").is_file()), None)


def missing() -> str | None:
    """Return why there can be no cluster here, or nothing."""
    if programs() is None:
        return "no PostgreSQL server is installed (Debian: apt install postgresql)"
    if os.geteuid() == 0 and _owner() is None:
        return "PostgreSQL never runs as root, and there is no account postgres or nobody"
    return None


class Cluster:
    """A cluster on a private Unix socket, removed at the end."""

    def __enter__(self) -> Cluster:
        self.folder = Path(tempfile.mkdtemp(prefix="evenhand-pg-", dir="/tmp"))
        found = programs()
        if found is None:
            raise RuntimeError(missing())
        self.programs = found
        owner = _owner() if os.geteuid() == 0 else None
        if owner is not None:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.owner = owner
        data = str(self.folder / "data")
        self._call("initdb", "-D", data, "-U", "evenhand", "-A", "trust", "-E", "UTF8", "-N",
                   "--locale", "C.UTF-8")  # fmt: skip
        options = f"{SPEED} -c listen_addresses= -c unix_socket_directories={self.folder}"
        self._call("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options,
                   "start")  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._call("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str = "postgres") -> str:
        """Return the ``DATABASE_URL`` of a database."""
        return f"postgres://evenhand@/{self.folder}/{name}"

    def make(self, name: str) -> str:
        """Make an empty database and return its ``DATABASE_URL``."""
        self._call("createdb", "-h", str(self.folder), "-U", "evenhand", name)
        return self.url(name)

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments], cwd=self.folder, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"},
            user=None if self.owner is None else self.owner.pw_uid,
            group=None if self.owner is None else self.owner.pw_gid,
            extra_groups=None if self.owner is None else [],
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")


def _owner() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def main(command: list[str]) -> int:
    """Run the command with ``DATABASE_URL`` set to a new cluster."""
    reason = missing()
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 2
    # Unasked, a terminated Python leaves the cluster and the command behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Cluster() as cluster:
        environment = {**os.environ, "DATABASE_URL": cluster.make("evenhand")}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
