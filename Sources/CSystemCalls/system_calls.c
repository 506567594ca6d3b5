#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "system_calls.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int ss_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int ss_syncfs(int fd) { return (int)syscall(SYS_syncfs, fd); }

ssize_t ss_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length) {
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, 0u);
}

int ss_clone_file(int to, int from) { return ioctl(to, FICLONE, from); }

ssize_t ss_splice_to_pipe(int from, int64_t *offset, int pipe, size_t length) {
    return syscall(SYS_splice, from, offset, pipe, NULL, length, (unsigned)(SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
}

int ss_pipe2(int ends[2], int flags) { return (int)syscall(SYS_pipe2, ends, flags); }

ssize_t ss_getdents64(int directory, void *buffer, size_t length) {
    return syscall(SYS_getdents64, directory, buffer, length);
}

long ss_file_system_type(int fd) {
    struct statfs system;
    // The numbers have 32 bits, and some have the highest set.
    return fstatfs(fd, &system) == -1 ? -1 : (long)(uint32_t)system.f_type;
}

const int ss_seek_data = SEEK_DATA;
const int ss_seek_hole = SEEK_HOLE;
const int ss_resolve_beneath = RESOLVE_BENEATH;
const int ss_resolve_no_symlinks = RESOLVE_NO_SYMLINKS;
