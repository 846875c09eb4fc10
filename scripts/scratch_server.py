"""A server with nothing but what is made here: a scratch DATA_DIR, the twins as providers, SQLite or PostgreSQL, an admin and a user."""

import contextlib
import glob
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ADMIN = {"email": "ada@example.org", "password": "a pass phrase of her own"}
USER = {"email": "bob@example.org", "password": "another pass phrase of his"}


class Failed(Exception):
    """Something that must start did not."""


def ask(url, path, body=None, token=None):
    """A JSON answer."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, log, until, **options):
    """A program, once `until` holds; told to stop in the end, and waited for."""
    with open(log, "ab") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
    try:
        deadline = time.monotonic() + 90
        while not until():
            if child.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{command[0]} does not start: {pathlib.Path(log).read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def answers(url):
    def asked():
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            return False

    return asked


@contextlib.contextmanager
def postgresql(folder):
    """The URL of a database of a PostgreSQL server of its own, reached by a socket in `folder`."""
    folders = os.environ["PATH"].split(":") + sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    programs = ("initdb", "postgres", "pg_isready", "createdb")
    found = [folder for folder in folders if all(os.path.exists(f"{folder}/{name}") for name in programs)]
    if not found:
        raise Failed("PostgreSQL's server is missing: scripts/setup.sh test installs it")
    program = lambda name: os.path.join(found[0], name)
    options = {"cwd": folder}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        names = [user.pw_name for user in pwd.getpwall()]
        owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        options |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    data = os.path.join(folder, "data")
    make = [program("initdb"), "-A", "trust", "-U", "ringback", "-E", "UTF8", "--locale=C", "--no-sync", "-D", data]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, **options)
    serve = [program("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    ready = [program("pg_isready"), "-q", "-U", "ringback", "-h", folder]
    is_ready = lambda: subprocess.run(ready, **options).returncode == 0
    with running(serve, os.path.join(folder, "log"), is_ready, **options):
        subprocess.run([program("createdb"), "-U", "ringback", "-h", folder, "ringback"], check=True, **options)
        yield f"postgres://ringback@localhost/ringback?host={folder}"


class Served:
    """A server that runs."""

    def __init__(self, url, log, binary):
        self.url, self.log, self.binary = url, log, binary

    def telephone(self):
        """Make a call that says a line; the answer is its id."""
        call = [self.binary, "call", "--url", self.url, "--scenario", "parrot", "--say", "Good morning."]
        subprocess.run(call, check=True, capture_output=True, timeout=90, cwd=self.log.parent)
        return ask(self.url, "/calls?limit=1", token=self.sign_in(ADMIN))[0]["call_id"]

    def sign_in(self, who):
        return ask(self.url, "/auth/login", who)["access_token"]


@contextlib.contextmanager
def served(binary, database="sqlite", **settings):
    """A server, its admin and its user registered. `settings` are variables of its environment."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ringback-api-"))
        os.chmod(folder, 0o755)
        sim, port = free_port(), free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": folder}
        lines = subprocess.run([binary, "sim", "--port", str(sim), "--env"], check=True, capture_output=True, text=True).stdout
        environment |= dict(line.split("=", 1) for line in lines.splitlines() if not line.startswith("#"))
        twins = [binary, "sim", "--port", str(sim), "--reply", "With pleasure."]
        stack.enter_context(running(twins, f"{folder}/sim.log", answers(f"http://127.0.0.1:{sim}/sim/requests")))
        if database == "postgresql":
            os.mkdir(f"{folder}/postgresql")
            environment["DATABASE_URL"] = stack.enter_context(postgresql(f"{folder}/postgresql"))
        url = f"http://127.0.0.1:{port}"
        environment |= {
            "PORT": str(port), "DATA_DIR": f"{folder}/data", "LOG_DIR": f"{folder}/logs", "LOG_LEVEL": "WARNING",
            "REGISTRATION": "open", "RATE_LIMITS": "off", "ACCESS_TOKEN_MINUTES": "60",
        } | settings
        serve = [binary, "serve"]
        log = pathlib.Path(folder, "server.log")
        stack.enter_context(running(serve, log, answers(f"{url}/ready"), env=environment, cwd=folder))
        for who in (ADMIN, USER):
            ask(url, "/auth/register", who)
        yield Served(url, log, binary)
