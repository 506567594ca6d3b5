"""A disk that remembers: one file, served by FUSE, under a loop device. Every write and every flush that the file
system above sends is kept in a log, from which `cuts` makes the disks that a power cut may leave.

The log is a sequence of records: eight bytes of offset, four of length (0: a flush), and the data, little-endian.
"""

import errno
import os
import stat
import struct
import subprocess
import sys
import time

HEAD = struct.Struct("<QI")


class Log:
    """Reads a log that is still being written."""

    def __init__(self, path):
        self.path = path

    def position(self):
        """How far the log goes now: whatever the file system sent before is before it."""
        return os.stat(self.path).st_size

    def records(self):
        """Yields (position behind the record, offset, data); data is None for a flush."""
        with open(self.path, "rb") as log:
            position = 0
            while head := log.read(HEAD.size):
                offset, length = HEAD.unpack(head)
                position += HEAD.size + length
                yield position, offset, log.read(length) if length else None


class Disk:
    """A recording disk with a file system on it, mounted while the context lasts."""

    def __init__(self, folder, kind, size):
        self.folder, self.kind, self.size = folder, kind, size
        self.image = os.path.join(folder, "image")
        self.log = Log(os.path.join(folder, "log"))
        self.fuse = os.path.join(folder, "fuse")
        self.mount = os.path.join(folder, "mount")

    def __enter__(self):
        for name in (self.fuse, self.mount):
            os.makedirs(name)
        with open(self.image, "wb") as image:
            image.truncate(self.size)
        make_file_system(self.kind, self.image)
        # The log begins with a file system that is made and whole.
        self.base = os.path.join(self.folder, "base")
        copy_sparse(self.image, self.base)
        open(self.log.path, "wb").close()
        self.server = subprocess.Popen([sys.executable, __file__, self.fuse, self.image, self.log.path])
        served = os.path.join(self.fuse, "disk")
        for _ in range(100):
            if os.path.exists(served):
                break
            time.sleep(0.05)
        mount(self.kind, served, self.mount)
        return self

    def __exit__(self, *_):
        unmount(self.mount)
        unmount(self.fuse)
        self.server.wait(timeout=60)


def make_file_system(kind, image):
    command = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
    subprocess.run(command[kind] + [image], check=True, stdout=subprocess.DEVNULL)


def mount(kind, image, folder):
    options = "loop,nouuid" if kind == "xfs" else "loop"
    if kind == "btrfs":
        # The kernel remembers disks by a number that all copies of one have.
        subprocess.run(["btrfs", "device", "scan", "--forget"], check=True, capture_output=True)
    subprocess.run(["mount", "-t", kind, "-o", options, image, folder], check=True)


def unmount(folder):
    """A loop device lets go of its file a moment after the file system on it is unmounted."""
    for _ in range(100):
        if subprocess.run(["umount", folder], stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", folder], check=True)


def copy_sparse(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


# What follows is the server, a process of its own: whoever waits for a disk must not be who serves it.


def serve(folder, image, log_path):
    import fusepy

    image = os.open(image, os.O_RDWR)
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND)

    class Server(fusepy.Operations):
        def getattr(self, path, fh=None):
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
            if path == "/disk":
                return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": os.fstat(image).st_size}
            raise fusepy.FuseOSError(errno.ENOENT)

        def readdir(self, path, fh):
            return [".", "..", "disk"]

        def open(self, path, flags):
            return 0

        def read(self, path, size, offset, fh):
            return os.pread(image, size, offset)

        def write(self, path, data, offset, fh):
            os.pwrite(image, data, offset)
            os.write(log, HEAD.pack(offset, len(data)) + data)
            return len(data)

        def fsync(self, path, datasync, fh):
            os.write(log, HEAD.pack(0, 0))
            return 0

    # One thread: the log has the order in which the file system sent things.
    fusepy.FUSE(Server(), folder, foreground=True, nothreads=True, big_writes=True, max_write=131072)


if __name__ == "__main__":
    serve(*sys.argv[1:])
