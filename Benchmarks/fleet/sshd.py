"""A real sshd on loopback with keys and settings of its own: 127.0.0.1, 127.0.0.2 and so on are hosts to a client."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from programs import run


class SSHServer:
    """Up within `with`; `shell` is the command that stands for ssh."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        self._folder, self._hosts = folder, hosts
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.shell = f"ssh -F {folder}/client"

    def __enter__(self) -> SSHServer:
        self._folder.mkdir()
        for key in ("host-key", "user-key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._folder / key])
        (self._folder / "server").write_text(self._server_settings())
        (self._folder / "client").write_text(self._client_settings())
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"
        options = ["-D", "-f", f"{self._folder}/server", "-E", f"{self._folder}/log"]
        self._server = subprocess.Popen([program, *options])
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((self._hosts[-1], self._port)) == 0:
                    return self
            time.sleep(0.05)
        self.__exit__()
        raise TimeoutError(f"sshd does not listen on {self._hosts[-1]}:{self._port}")

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait()

    def _server_settings(self) -> str:
        addresses = "\n".join(f"ListenAddress {host}" for host in self._hosts)
        return f"""\
Port {self._port}
{addresses}
HostKey {self._folder}/host-key
AuthorizedKeysFile {self._folder}/user-key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 1000
LogLevel ERROR
"""

    def _client_settings(self) -> str:
        return f"""\
Host *
    Port {self._port}
    User {getpass.getuser()}
    IdentityFile {self._folder}/user-key
    IdentitiesOnly yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    BatchMode yes
    LogLevel ERROR
"""
