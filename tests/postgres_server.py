"""A PostgreSQL server of a test session's own: in a temporary folder, on a Unix socket, as an unprivileged user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

GIVEN = os.environ.get("MIRRORFAST_TEST_POSTGRES")


def binaries() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def unprivileged() -> dict[str, Any]:
    """Options of subprocess.run: the server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("no PostgreSQL: started as root, and there is no user postgres nor nobody to run it as")
    return {}


@contextmanager
def running() -> Iterator[str]:
    """Start a server for a session; gives the URL of its database ``postgres``."""
    if GIVEN is not None:
        yield GIVEN
        return
    place = binaries()
    if place is None:
        pytest.skip("no PostgreSQL: initdb is not installed (Debian: apt-get install postgresql)")
    as_user = unprivileged()
    # Short: the address of a Unix socket holds some hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="mfpg", dir="/tmp"))
    try:
        if as_user:
            os.chown(folder, as_user["user"], as_user["group"])
        data, log = folder / "data", folder / "log"
        quiet: dict[str, Any] = {"capture_output": True, "text": True, "cwd": folder, "timeout": 240, **as_user}
        made = subprocess.run(
            [place / "initdb", "-D", data, "-U", "mirrorfast", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            **quiet,
        )
        if made.returncode:
            pytest.skip(f"no PostgreSQL: initdb failed: {made.stderr.strip()[-300:]}")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=40"
        # Its output must not be a pipe of ours: the server keeps it open.
        with log.open("w") as output:
            started = subprocess.run(
                [place / "pg_ctl", "-D", data, "-w", "-t", "120", "-o", options, "start"],
                **(quiet | {"capture_output": False, "stdin": subprocess.DEVNULL}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if started.returncode:
            pytest.fail(f"PostgreSQL did not start: {log.read_text()[-1_000:]}")
        try:
            yield f"postgresql+psycopg://mirrorfast@/postgres?host={folder}"
        finally:
            subprocess.run([place / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
