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


ADDRESSES_EACH = 16
"""One sshd listens on so many addresses at most; to listen on all of the machine's would be an invitation."""


class SSHServer:
    """Up within `with`; `shell` is the command that stands for ssh."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        self._folder, self._hosts = folder, hosts
        self._servers: list[subprocess.Popen[bytes]] = []
        with socket.socket() as probe:
            probe.bind((hosts[0], 0))
            self._port: int = probe.getsockname()[1]
        self.shell = f"ssh -F {folder}/client"

    def __enter__(self) -> SSHServer:
        self._folder.mkdir()
        for key in ("host-key", "user-key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._folder / key])
        (self._folder / "client").write_text(self._client_settings())
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"
        try:
            for first in range(0, len(self._hosts), ADDRESSES_EACH):
                settings = self._folder / f"server-{first}"
                settings.write_text(self._server_settings(self._hosts[first : first + ADDRESSES_EACH]))
                words = [program, "-D", "-f", str(settings), "-E", f"{settings}.log"]
                self._servers.append(subprocess.Popen(words))
            for host in self._hosts:
                self._await(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.terminate()
            server.wait()

    def _await(self, host: str) -> None:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((host, self._port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"sshd does not listen on {host}:{self._port}")

    def _server_settings(self, hosts: Sequence[str]) -> str:
        addresses = "\n".join(f"ListenAddress {host}" for host in hosts)
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
