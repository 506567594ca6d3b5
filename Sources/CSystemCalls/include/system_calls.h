// Linux system calls that Swift's Glibc module does not show (it is built without _GNU_SOURCE, and
// `syscall` is variadic). Each wrapper has the kernel's contract: -1 and errno on failure.
// Their typed forms, with EINTR and Errno, are in SlotSync/POSIX.
//
// This header includes no header of the C library: what those declare under _GNU_SOURCE differs from
// what they declare to CZlib and CXXHash, and Swift refuses two forms of one type.
#ifndef SLOTSYNC_SYSTEM_CALLS_H
#define SLOTSYNC_SYSTEM_CALLS_H

#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>

int ss_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve);

int ss_syncfs(int fd);

long ss_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length);

/// Shares the blocks of `from` with `to` (a reflink), where the file system can.
int ss_clone_file(int to, int from);

long ss_splice_to_pipe(int from, int64_t *offset, int pipe, size_t length);

int ss_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

int ss_pipe2(int ends[2], int flags);

/// Fills `buffer` with the next entries of an open directory.
long ss_getdents64(int directory, void *buffer, size_t length);

/// The type of the file system that `fd` is on, as statfs(2) numbers them.
long ss_file_system_type(int fd);

extern const int ss_o_path;
extern const int ss_o_tmpfile;

enum {
    ss_seek_data = 3,
    ss_seek_hole = 4,
    ss_resolve_beneath = RESOLVE_BENEATH,
    ss_resolve_no_symlinks = RESOLVE_NO_SYMLINKS,
    ss_resolve_no_magiclinks = RESOLVE_NO_MAGICLINKS,
};

#endif
