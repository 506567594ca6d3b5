// Linux system calls that Swift's Glibc module does not show (it is built without _GNU_SOURCE, and
// `syscall` is variadic). Each wrapper has the kernel's contract: -1 and errno on failure.
// Their typed forms, with EINTR and Errno, are in SlotSync/POSIX.
#ifndef SLOTSYNC_SYSTEM_CALLS_H
#define SLOTSYNC_SYSTEM_CALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline int ss_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int ss_syncfs(int fd) { return (int)syscall(SYS_syncfs, fd); }

static inline ssize_t ss_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length) {
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, 0u);
}

/// Shares the blocks of `from` with `to` (a reflink), where the file system can.
static inline int ss_clone_file(int to, int from) { return ioctl(to, FICLONE, from); }

static inline ssize_t ss_splice_to_pipe(int from, int64_t *offset, int pipe, size_t length) {
    return syscall(SYS_splice, from, offset, pipe, NULL, length, (unsigned)(SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
}

static inline int ss_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

static inline int ss_pipe2(int ends[2], int flags) { return (int)syscall(SYS_pipe2, ends, flags); }

enum {
    ss_o_path = O_PATH,
    ss_o_tmpfile = O_TMPFILE,
    ss_seek_data = SEEK_DATA,
    ss_seek_hole = SEEK_HOLE,
    ss_resolve_beneath = RESOLVE_BENEATH,
    ss_resolve_no_symlinks = RESOLVE_NO_SYMLINKS,
    ss_resolve_no_magiclinks = RESOLVE_NO_MAGICLINKS,
};

#endif
