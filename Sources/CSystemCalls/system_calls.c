#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
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

int ss_bytes_to_read(int fd) {
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? bytes : 0;
}

int ss_set_pipe_size(int fd, int bytes) { return fcntl(fd, F_SETPIPE_SZ, bytes); }

int ss_pipe2(int ends[2], int flags) { return (int)syscall(SYS_pipe2, ends, flags); }

ssize_t ss_getdents64(int directory, void *buffer, size_t length) {
    return syscall(SYS_getdents64, directory, buffer, length);
}

int ss_exchange(int directory, const char *name, int other, const char *other_name) {
    return (int)syscall(SYS_renameat2, directory, name, other, other_name, (unsigned)RENAME_EXCHANGE);
}

int ss_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */); }

long ss_file_system_type(int fd) {
    struct statfs system;
    // The numbers have 32 bits, and some have the highest set.
    return fstatfs(fd, &system) == -1 ? -1 : (long)(uint32_t)system.f_type;
}

int ss_status(int directory, const char *name, struct ss_more_status *result) {
    struct statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(directory, name, flags, STATX_UID | STATX_MNT_ID, &status) == -1) return -1;
    result->mount = status.stx_mask & STATX_MNT_ID ? status.stx_mnt_id : 0;
    result->owner = status.stx_uid;
    uint64_t attributes = status.stx_attributes & status.stx_attributes_mask;
    result->is_mount_point = (attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    result->is_immutable = (attributes & STATX_ATTR_IMMUTABLE) != 0;
    result->is_append_only = (attributes & STATX_ATTR_APPEND) != 0;
    return 0;
}

int ss_set_mode(int directory, const char *name, unsigned mode) {
    return (int)syscall(452 /* fchmodat2 */, directory, name, mode, AT_SYMLINK_NOFOLLOW);
}

int ss_rename_exclusively(int from, const char *name, int to, const char *new_name) {
    return (int)syscall(SYS_renameat2, from, name, to, new_name, 1u);  // RENAME_NOREPLACE
}

static void own_path(char path[32], int fd) { snprintf(path, 32, "/proc/self/fd/%d", fd); }

int ss_unnamed_file(int directory, unsigned mode) {
    char path[32];
    int fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (fd == -1) return -1;
    own_path(path, fd);
    if (access(path, F_OK) == 0) return fd;
    close(fd);
    errno = ENOTSUP;
    return -1;
}

int ss_name_file(int fd, int directory, const char *name) {
    char path[32];
    own_path(path, fd);
    return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
}

ssize_t ss_list_attributes(const char *path, char *buffer, size_t length) {
    return llistxattr(path, buffer, length);
}

ssize_t ss_attribute(const char *path, const char *name, void *buffer, size_t length) {
    return lgetxattr(path, name, buffer, length);
}

ssize_t ss_list_open_attributes(int fd, void *buffer, size_t length) { return flistxattr(fd, buffer, length); }

ssize_t ss_open_attribute(int fd, const char *name, void *buffer, size_t length) {
    return fgetxattr(fd, name, buffer, length);
}

int ss_set_open_attribute(int fd, const char *name, const void *value, size_t length) {
    return fsetxattr(fd, name, value, length, 0);
}

int ss_remove_open_attribute(int fd, const char *name) { return fremovexattr(fd, name); }

static char *const *arguments;
static int has_own_root;

// Before Swift's runtime sets itself up. Linked statically, it looks for its own path in /proc, and ends the process
// where there is none (a chroot, a sandbox), unless SWIFT_ROOT says it.
__attribute__((constructor(101))) static void note_arguments(int count, char **words, char **variables) {
    (void)count, (void)variables;
    arguments = words;
    char path[1];
    // As Swift's runtime does: a sandbox may show the link and refuse to read it.
    has_own_root = readlink("/proc/self/exe", path, sizeof path) == -1 && !getenv("SWIFT_ROOT");
    if (has_own_root) setenv("SWIFT_ROOT", "/", 1);
}

int __real_open(const char *path, int flags, ...) __attribute__((weak));

// In the static agent all calls of open come here (Makefile: --wrap). Once a second Dispatch looks how its workers are, in
// /proc/N/stat, and ends the process if it cannot open that. What it gets in its place cannot be read, which it minds not.
int __wrap_open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    int fd = __real_open(path, flags, mode);
    size_t length = strlen(path);
    if (fd == -1 && length > 11 && !strncmp(path, "/proc/", 6) && !strcmp(path + length - 5, "/stat"))
        fd = __real_open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd;
}

// And all calls of clone3. Where a sandbox answers it with EPERM, as old container runtimes do, the C library would make
// neither a thread nor a process: it goes back to clone on ENOSYS alone.
int __wrap___clone3(void *arguments, size_t length, int (*start)(void *), void *argument) {
    (void)arguments, (void)length, (void)start, (void)argument;
    errno = ENOSYS;
    return -1;
}

// And all looks for a character's name, which no agent asks for: the tables of them would be half a megabyte. Nobody finds one.
long __wrap__swift_stdlib_getScalarName(uint32_t scalar, uint8_t *buffer, long capacity) {
    (void)scalar, (void)buffer, (void)capacity;
    return 0;
}

char *const *ss_arguments(void) {
    // What this process starts is not to inherit it.
    if (has_own_root) unsetenv("SWIFT_ROOT");
    has_own_root = 0;
    return arguments;
}

int ss_birth_time(int directory, const char *name, int follows, int64_t *seconds, uint32_t *nanoseconds) {
    struct statx status;
    if (statx(directory, name, AT_EMPTY_PATH | (follows ? 0 : AT_SYMLINK_NOFOLLOW), STATX_BTIME, &status) == -1) return -1;
    if (!(status.stx_mask & STATX_BTIME)) {
        errno = ENODATA;
        return -1;
    }
    *seconds = status.stx_btime.tv_sec;
    *nanoseconds = status.stx_btime.tv_nsec;
    return 0;
}

void ss_return_memory_from(int bytes) {
    mallopt(M_MMAP_THRESHOLD, bytes);
}

void ss_keep_freed_memory(int largest, int total) {
    mallopt(M_MMAP_THRESHOLD, largest);
    mallopt(M_TRIM_THRESHOLD, total);
}

int ss_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int ss_epoll_arm(int set, int fd, uint64_t entry, int writing, int known) {
    struct epoll_event event = {.events = (writing ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT, .data.u64 = entry};
    return epoll_ctl(set, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

int ss_epoll_remove(int set, int fd) {
    struct epoll_event event = {0};
    return epoll_ctl(set, EPOLL_CTL_DEL, fd, &event);
}

int ss_epoll_ready(int set, uint64_t *entries, int most) {
    struct epoll_event events[256];
    int count = epoll_wait(set, events, most < 256 ? most : 256, 0);
    for (int i = 0; i < count; i++) entries[i] = events[i].data.u64;
    return count;
}

const int ss_path_only = O_PATH;
const int ss_seek_data = SEEK_DATA;
const int ss_seek_hole = SEEK_HOLE;
const int ss_resolve_beneath = RESOLVE_BENEATH;
const int ss_resolve_no_symlinks = RESOLVE_NO_SYMLINKS;
const int ss_resolve_no_mounts = RESOLVE_NO_XDEV;
