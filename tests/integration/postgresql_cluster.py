"""A PostgreSQL server of the tests' own, on a socket in a temporary folder."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile


def programs():
    """The folder of initdb and pg_ctl, which Debian keeps out of PATH, by version; None without the package."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="postgresql-", dir="/tmp")  # sockets have short names
        self.user = None
        if os.geteuid() == 0:  # which the server refuses to run as
            self.user = "nobody"
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.databases = {}
        self._run("initdb", "-D", self.data, "-U", "blindproof", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    @property
    def data(self):
        return self.folder + "/data"

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder + "/log", "-o", f"-F -c listen_addresses='' -c max_connections=200 -k {self.folder}", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, owner):
        """Of a database of its own for each `owner`."""
        if owner not in self.databases:
            name = f"d{len(self.databases) + 1}"
            self._run("psql", "-q", "-h", self.folder, "-U", "blindproof", "-d", "postgres", "-c", f"CREATE DATABASE {name}")
            self.databases[owner] = f"postgresql://blindproof@/{name}?host={self.folder}"
        return self.databases[owner]

    def _run(self, program, *arguments):
        subprocess.run([programs() / program, *arguments], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=self.folder, user=self.user)
