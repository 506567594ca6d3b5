// Linux system calls that Swift's Glibc module does not show (it is built without _GNU_SOURCE, and
// `syscall` is variadic). Each wrapper has the kernel's contract: -1 and errno on failure.
// Their typed forms, with EINTR and Errno, are in SlotSync/POSIX. This header asks for no more of the C library than
// Swift's own modules do: what needs _GNU_SOURCE stands in system_calls.c, or the modules disagree about its types.
#ifndef SLOTSYNC_SYSTEM_CALLS_H
#define SLOTSYNC_SYSTEM_CALLS_H

#include <stdint.h>
#include <sys/types.h>

int ss_openat2(int directory, const char *path, int flags, unsigned mode, uint64_t resolve);
int ss_syncfs(int fd);
ssize_t ss_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length);

/// Shares the blocks of `from` with `to` (a reflink), where the file system can.
int ss_clone_file(int to, int from);

ssize_t ss_splice_to_pipe(int from, int64_t *offset, int pipe, size_t length);
int ss_pipe2(int ends[2], int flags);
/// Lets a pipe hold so many bytes; returns how many it holds then.
int ss_set_pipe_size(int fd, int bytes);
/// How many bytes a pipe or a socket holds that nobody has read; 0 where it cannot tell.
int ss_bytes_to_read(int fd);

/// Fills `buffer` with the next entries of an open directory.
ssize_t ss_getdents64(int directory, void *buffer, size_t length);

/// Swaps two names, both of which are there, at one instant. Not every file system can: EINVAL.
int ss_exchange(int directory, const char *name, int other, const char *other_name);

/// A file in memory alone, closed in child processes.
int ss_memory_file(const char *name);

/// The type of the file system that `fd` is on, as statfs(2) numbers them.
long ss_file_system_type(int fd);

/// What statx(2) says of `name` beside what fstatat(2) does. An empty name is the directory itself.
struct ss_more_status {
    /// The mount that it is on; 0 where the kernel does not tell (before 5.8).
    uint64_t mount;
    uint32_t owner;
    /// Whether something is mounted on it, or it may not be changed (chattr's `i` and `a`); 0 where the kernel does not tell.
    int is_mount_point, is_immutable, is_append_only;
};
int ss_status(int directory, const char *name, struct ss_more_status *result);

/// `fchmodat` of an entry itself, without /proc. ENOSYS before Linux 6.6.
int ss_set_mode(int directory, const char *name, unsigned mode);

/// `renameat` that replaces nothing: EEXIST. EINVAL where the file system cannot do that.
int ss_rename_exclusively(int from, const char *name, int to, const char *new_name);

/// A file without a name in `directory`, for writing, which is gone with its descriptor unless it gets a name. ENOTSUP
/// where it could not get one later (without /proc).
int ss_unnamed_file(int directory, unsigned mode);
/// Gives it a name that nothing has: EEXIST.
int ss_name_file(int fd, int directory, const char *name);

/// The names of `path`'s extended attributes, each with a NUL behind it, of a link itself.
ssize_t ss_list_attributes(const char *path, char *buffer, size_t length);
/// The value of one.
ssize_t ss_attribute(const char *path, const char *name, void *buffer, size_t length);
/// The same of an open file or directory.
ssize_t ss_list_open_attributes(int fd, void *buffer, size_t length);
ssize_t ss_open_attribute(int fd, const char *name, void *buffer, size_t length);
int ss_set_open_attribute(int fd, const char *name, const void *value, size_t length);
int ss_remove_open_attribute(int fd, const char *name);

/// The words that this process was started with; NULL behind the last. Swift's own list is read from /proc.
char *const *ss_arguments(void);

/// When `name` was made, a link itself unless it `follows` links ("": what `directory` is, a file too), where the file system
/// keeps that; ENODATA where it does not.
int ss_birth_time(int directory, const char *name, int follows, int64_t *seconds, uint32_t *nanoseconds);

/// Starts a program with all signals as they are at first. Nothing of this process is open in it but `input`, `output` and
/// `errors`. It leads a process group of its own; with `leads_session` a session, without a terminal.
///
/// `words`: the program, looked for in PATH if its name has no slash, and its arguments; `variables`: `KEY=VALUE` each,
/// above the environment of this process, `KEY` alone to leave one out, or NULL; `folder`: where it works; NULL: where
/// this process does. Returns its process ID.
int ss_spawn(char *const *words, char *const *variables, const char *folder, int input, int output, int errors,
             int leads_session);

/// Starts a thread, which calls `body` with `argument`. Signals that end a process or are handled come to others.
int ss_start_thread(unsigned long *thread, void *(*body)(void *), void *argument);
void ss_join_thread(unsigned long thread);
void ss_detach_thread(unsigned long thread);

/// From this size on, memory is given back to the system as soon as it is freed.
void ss_return_memory_from(int bytes);
/// Allocations up to `largest` bytes come from a heap, of which up to `total` stay with the process when they are free.
void ss_keep_freed_memory(int largest, int total);

/// An epoll set whose entries are numbers of the caller's.
int ss_epoll_create(void);
/// Asks for one event: that `fd` can be read (or written, if `writing`), or that its other end has hung up.
int ss_epoll_arm(int set, int fd, uint64_t entry, int writing, int known);
int ss_epoll_remove(int set, int fd);
/// The entries that are ready now, without waiting; returns how many.
int ss_epoll_ready(int set, uint64_t *entries, int most);

/// Says, when a fault ends this process, whom it heard last, by what was noted. Once a process.
void ss_tell_peer_of_faults(void);
void ss_note_peer(const char *name);

extern const int ss_path_only;
extern const int ss_seek_data;
extern const int ss_seek_hole;
extern const int ss_resolve_beneath;
extern const int ss_resolve_no_symlinks;
extern const int ss_resolve_no_mounts;

#endif
