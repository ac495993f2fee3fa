"""A PostgreSQL of the tests' own: a cluster in a short folder, reached through its socket alone."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.servers import START_TIMEOUT_SECONDS, require_server

# Where Debian puts the programs of each version.
_VERSIONS = Path("/usr/lib/postgresql")

# The first version that takes ICU for a whole cluster.
_ICU_VERSION = 15

GUARDED_PASSWORD = "q7-correct"

# One user needs a password; who may not come in at all is told so.
_WHO_MAY_COME_IN = """
local all guarded scram-sha-256
local all stranger reject
local all all trust
"""


class Postgresql:
    """A cluster that sorts by language, as many do, so that tests see whether we depend on it."""

    def __init__(self) -> None:
        """Make the cluster; PostgreSQL refuses to run as root, so then it is given to its own user."""
        folders = sorted(_VERSIONS.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
        initdb = require_server(
            "PostgreSQL", program="initdb", package="postgresql", folders=map(str, folders)
        )
        self._programs = initdb.resolve().parent
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        os.chown(self.home, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._has_guarded_user = False
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        if _version(initdb) >= _ICU_VERSION:
            options += ["--locale-provider=icu", "--icu-locale=en-US"]
        self._started("initdb", "--pgdata", str(self.home / "data"), *options).wait()
        (self.home / "data" / "pg_hba.conf").write_text(_WHO_MAY_COME_IN, encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it lets us in."""
        options = {
            "unix_socket_directories": str(self.home),
            "listen_addresses": "",
            "fsync": "off",
            "full_page_writes": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "password_encryption": "scram-sha-256",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._process = self._started("postgres", "-D", str(self.home / "data"), *settings)
        for _ in range(START_TIMEOUT_SECONDS * 100):
            try:
                self._do("SELECT 1")
            except psycopg.OperationalError:
                assert not _ended_within(self._process, seconds=0.01), f"it did not start:\n{self.log}"
            else:
                return
        raise AssertionError(f"PostgreSQL does not answer:\n{self.log}")

    def stop(self) -> None:
        """End it at once, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_TIMEOUT_SECONDS)
            self._process = None

    def remove(self) -> None:
        """Stop it and remove everything it had."""
        self.stop()
        shutil.rmtree(self.home)

    def new_database(self) -> str:
        """Make an empty database and tell its address."""
        self._databases += 1
        name = f"store{self._databases}"
        self._do(f"CREATE DATABASE {name}")
        return self.address(name)

    def drop(self, url: str) -> None:
        """Remove a database of :meth:`new_database`, whoever is connected: each has 300 files."""
        self._do(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def new_guarded_database(self) -> str:
        """Make an empty database of the user who needs a password; tell its name."""
        name = _name(self.new_database())
        if not self._has_guarded_user:
            self._do(f"CREATE ROLE guarded LOGIN PASSWORD '{GUARDED_PASSWORD}'")
            self._has_guarded_user = True
        self._do(f"ALTER DATABASE {name} OWNER TO guarded")
        return name

    def address(self, database: str, *, user: str = "postgres") -> str:
        """Tell the address of a database, for a user who may carry a password."""
        return f"postgresql://{user}@/{database}?host={self.home}"

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return (self.home / "log").read_text(encoding="utf-8")

    def _do(self, statement: str) -> None:
        with psycopg.connect(host=str(self.home), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _started(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own command
                [str(self._programs / program), *arguments],
                cwd=self.home,
                env={"LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user.pw_uid,
                group=self._user.pw_gid,
                extra_groups=[] if os.geteuid() == 0 else None,
                start_new_session=True,
            )


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _version(program: Path) -> int:
    """Ask a program of PostgreSQL for its version: "initdb (PostgreSQL) 15.18 (Debian …)"."""
    answer = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)  # noqa: S603  as above
    return int(answer.stdout.split()[2].partition(".")[0])


def _ended_within(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
