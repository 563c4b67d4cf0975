"""MariaDB: a real, private server under `var/mariadb/` with the production settings, and throw-away ones to kill."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
from filelock import FileLock

from tests.services.service import Unavailable

NAME = "mariadb"
HOST = "127.0.0.1"
ADMIN = "admin"

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "deploy" / "mariadb.cnf"
VAR = ROOT / "var" / NAME

# Debian's `mariadb-server` starts a service of its own; `-core` is the same server without it.
PACKAGES = ("mariadb-server-core", "mariadb-client", "mariadb-backup", "openssl")
COMMANDS = ("mariadbd", "mariadb-install-db", "mariadb-dump", "mariadb-backup", "openssl")

# What depends on the machine: memory of the pool is taken as pages are read, the redo log stands on the disk at once.
SHARED_SIZE = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M")
THROWAWAY_SIZE = ("--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M")

# Below the ports that Linux gives to outgoing connections: a server that was killed finds its own still free.
PORTS = range(20_000, 32_000)
PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Server:
    """How a running server is reached: by TCP, with TLS where a client asks for it (`ca`), or as root by its socket."""

    host: str
    port: int
    socket: Path
    ca: Path
    admin_user: str
    admin_password: str

    def url(self, database: str = "") -> str:
        """Return a database's SQLAlchemy URL, as the administrator; `?ssl_ca=…` behind it makes it TLS."""
        return f"mariadb+pymysql://{self.admin_user}:{self.admin_password}@{self.host}:{self.port}/{database}"

    def connect(self) -> pymysql.Connection:
        """Return an autocommitting connection of the administrator, by TLS."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            ssl_ca=str(self.ca),
            ssl_verify_identity=True,
            autocommit=True,
        )

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Execute one statement as the administrator; return its rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@dataclass(frozen=True)
class Database:
    """An own database of one test."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        """The SQLAlchemy URL, as the administrator."""
        return self.server.url(self.name)

    def drop(self) -> None:
        """Drop it with all that is in it."""
        self.server.ask(f"DROP DATABASE IF EXISTS `{self.name}`")


class Instance:
    """One mariadbd on a data folder of its own. It outlives who started it, and is found again by its folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._data = folder / "data"
        self._pid = folder / "pid"
        self._log = folder / "log"
        self._options = options
        port = folder / "port"
        if not port.exists() or not (self.alive() or _free(int(port.read_text()))):
            port.write_text(str(next(candidate for candidate in iter(_any_port, None) if _free(candidate))))
        self.server = Server(
            host=HOST,
            port=int(port.read_text()),
            socket=self._data / "mariadb.sock",
            ca=VAR / "ca.pem",
            admin_user=ADMIN,
            admin_password=(VAR / "password").read_text(),
        )

    def url(self, database: str = "") -> str:
        """Return a database's SQLAlchemy URL, as the administrator."""
        return self.server.url(database)

    def alive(self) -> bool:
        """Return whether its process runs, and is still ours."""
        try:
            process = Path("/proc") / str(int(self._pid.read_text()))
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            command = (process / "cmdline").read_bytes()
        except (OSError, ValueError):
            return False
        if state in "ZX":
            return False
        # While a process turns from the shell into mariadbd its command line is empty.
        return not command or f"--datadir={self._data}\0".encode() in command

    def renew(self) -> None:
        """Give it a data folder as after the installation. It must not run."""
        shutil.rmtree(self._data, ignore_errors=True)
        if page_size := [option for option in self._options if option.startswith("--innodb-page-size")]:
            _install(self._data, *page_size)  # pages can't change later, so the template doesn't serve
        else:
            _run("cp", "--archive", "--reflink=auto", str(_template()), str(self._data))

    def start(self) -> None:
        """Start it on its data and port, detached from this process; return when it answers.

        Raises:
            Unavailable: it ended, or doesn't answer in time; with the end of its log.
        """
        self._pid.unlink(missing_ok=True)
        account = _account(self._data.parent)
        # A starting server deletes the temporary tables it finds in its folder, those of other servers too.
        temporary = self._data.parent / "tmp"
        temporary.mkdir(exist_ok=True)
        if account:
            shutil.chown(temporary, user=account[0].removeprefix("--user="))
        command = (
            *("mariadbd", f"--defaults-file={SETTINGS}", *account),
            *(f"--datadir={self._data}", f"--tmpdir={temporary}", "--socket=mariadb.sock"),
            *(f"--bind-address={HOST}", f"--port={self.server.port}"),
            *(f"--ssl-ca={VAR}/ca.pem", f"--ssl-cert={VAR}/server.pem", f"--ssl-key={VAR}/server-key.pem"),
            *(f"--init-file={VAR}/accounts.sql", *self._options),
        )
        with self._log.open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", 'echo $$ >"$0"; exec "$@"', self._pid, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )
        self.wait()

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            Unavailable: it ended, or doesn't answer in time; with the end of its log.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.server.ask("SELECT 1")
            except pymysql.OperationalError:
                if self._pid.exists() and self._pid.read_text().strip() and not self.alive():
                    break
                time.sleep(0.05)
            else:
                return
        raise Unavailable(NAME, f"no answer on port {self.server.port}; {self._log} ends: {_end(self._log)}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.alive():
            os.kill(int(self._pid.read_text()), number)
        while self.alive():
            time.sleep(0.01)


def obtain() -> str:
    """Install MariaDB where this user may and start the shared server; return its version and port.

    Raises:
        Unavailable: it isn't there and can't be installed, or doesn't start.
    """
    server = running()
    return f"{server.ask('SELECT VERSION()')[0][0]} on {server.host}:{server.port}"


def running() -> Server:
    """Return the shared server. One that is dead, or runs with other settings, is started anew and empty.

    Raises:
        Unavailable: it can't be had.
    """
    with _prepared() as fingerprint:
        shared = Instance(VAR, *SHARED_SIZE)
        started_with = VAR / "started-with"
        if shared.alive() and started_with.read_text() != fingerprint:
            shared.stop()
        if shared.alive():
            shared.wait()
        else:
            shared.renew()
            started_with.write_text(fingerprint)
            shared.start()
        return shared.server


def fresh_database(server: Server, prefix: str = "t") -> Database:
    """Return a new, empty database that nobody else uses."""
    database = Database(server, f"{prefix}_{secrets.token_hex(6)}")
    server.ask(f"CREATE DATABASE `{database.name}`")
    return database


@contextmanager
def throwaway(folder: Path, *options: str) -> Iterator[Instance]:
    """Run a server of one's own in `folder`, with more options of mariadbd, for one who kills or starves it.

    Raises:
        Unavailable: it can't be had.
    """
    with _prepared():
        folder.mkdir(parents=True, exist_ok=True)
        instance = Instance(folder, *THROWAWAY_SIZE, *options)
        instance.renew()
    try:
        instance.start()
        yield instance
    finally:
        instance.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


@contextmanager
def _prepared() -> Iterator[str]:
    """Hold the lock of `var/mariadb/` with all there that servers need; give what their data was made with."""
    _installed()
    VAR.mkdir(parents=True, exist_ok=True)
    with FileLock(VAR / "lock"):
        if not (VAR / "server.pem").exists():
            _make_secrets()
        version = _run("mariadbd", "--version")
        fingerprint = hashlib.sha256(version.encode() + SETTINGS.read_bytes()).hexdigest()
        made_with = VAR / "template-made-with"
        if not made_with.exists() or made_with.read_text() != fingerprint:
            _install(_template())
            made_with.write_text(fingerprint)
        yield fingerprint


def _installed() -> None:
    if all(map(shutil.which, COMMANDS)):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        wish = f"apt-get install {' '.join(PACKAGES)}"
        raise Unavailable(NAME, f"it is not installed, and only root on Debian can do that here: {wish}")
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    _run("apt-get", "update", "-qq")
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)


def _make_secrets() -> None:
    """Make the administrator's password, an authority and the server's certificate, signed by it; the latter last."""
    password = secrets.token_urlsafe(24)
    files = {
        "password": password,
        "accounts.sql": f"CREATE USER IF NOT EXISTS {ADMIN}@'%' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL PRIVILEGES ON *.* TO {ADMIN}@'%' WITH GRANT OPTION;\n",
        "server.ext": f"subjectAltName=IP:{HOST},DNS:localhost\nextendedKeyUsage=serverAuth\n",
    }
    for name, text in files.items():
        (VAR / name).touch(mode=0o600)
        (VAR / name).write_text(text)
    new_key = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = ("-x509", "-days", "3650", "-subj", "/CN=Tests of Federation")
    _run(*new_key, *authority, "-keyout", f"{VAR}/ca-key.pem", "-out", f"{VAR}/ca.pem")
    _run(*new_key, "-subj", f"/CN={HOST}", "-keyout", f"{VAR}/server-key.pem", "-out", f"{VAR}/server.csr")
    signed_by = ("-CA", f"{VAR}/ca.pem", "-CAkey", f"{VAR}/ca-key.pem", "-CAcreateserial", "-days", "3650")
    wanted = ("-req", "-in", f"{VAR}/server.csr", "-extfile", f"{VAR}/server.ext")
    _run("openssl", "x509", *wanted, *signed_by, "-out", f"{VAR}/server.pem")
    if account := _account(VAR):
        for name in ("accounts.sql", "server-key.pem"):
            shutil.chown(VAR / name, user=account[0].removeprefix("--user="))


def _template() -> Path:
    """Return the data folder that servers start from a copy of: copied in 0.1 s, installed in 3 s."""
    return VAR / "template"


def _install(data: Path, *options: str) -> None:
    """Make a data folder as MariaDB's installation makes it."""
    shutil.rmtree(data, ignore_errors=True)
    where = (f"--defaults-file={SETTINGS}", f"--datadir={data}", *_account(data.parent))
    size = ("--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M")
    _run("mariadb-install-db", *where, "--skip-test-db", *size, *options)


def _account(folder: Path) -> tuple[str, ...]:
    """Return under whom a server is run: never as root where Debian's `mysql` can reach its files."""
    if os.geteuid() != 0:
        return ()
    try:
        pwd.getpwnam("mysql")
    except KeyError:
        return ("--user=root",)
    ways = {place for end in (folder, VAR) for place in (end, *end.parents)}
    reachable = all(place.stat().st_mode & stat.S_IXOTH for place in ways)
    return ("--user=mysql",) if reachable else ("--user=root",)


def _any_port() -> int:
    return secrets.choice(PORTS)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((HOST, port)) != 0


def _end(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-600:]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(NAME, f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout
