// Starts processes and threads. posix_spawn is told all that a child is to be, so no code of ours runs between fork and
// exec; nothing here needs a pidfd, or /proc.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// The environment of this process with `variables` in place of those of the same names, a name alone in place of none;
/// NULL: no memory. The list is the caller's, its texts are not.
static char **environment_with(char *const *variables) {
    size_t count = 0, added = 0, kept = 0;
    while (environ && environ[count]) count++;
    while (variables && variables[added]) added++;
    char **result = malloc((count + added + 1) * sizeof *result);
    if (!result) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = 0;
        while (other < added) {
            size_t name = strcspn(variables[other], "=");
            if (!strncmp(environ[i], variables[other], name) && environ[i][name] == '=') break;
            other++;
        }
        if (other == added) result[kept++] = environ[i];
    }
    for (size_t i = 0; i < added; i++)
        if (strchr(variables[i], '=')) result[kept++] = variables[i];
    result[kept] = NULL;
    return result;
}

/// - Parameter closes: whether to close what somebody left open without close-on-exec.
static int spawn(pid_t *child, char *const *words, char *const *environment, const char *folder, const int ends[3],
                 int leads_session, int closes) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&files);
    if (error) return error;
    if ((error = posix_spawnattr_init(&attributes))) goto without_attributes;
    for (int end = 0; end < 3 && !error; end++) error = posix_spawn_file_actions_adddup2(&files, ends[end], end);
    if (!error && closes) error = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (!error && folder) error = posix_spawn_file_actions_addchdir_np(&files, folder);
    if (!error &&
        // Threads block signals, and a blocked signal stays blocked in a child.
        !(error = posix_spawnattr_setsigmask(&attributes, &none)) &&
        !(error = posix_spawnattr_setsigdefault(&attributes, &all)) &&
        !(error = posix_spawnattr_setpgroup(&attributes, 0)) &&
        !(error = posix_spawnattr_setflags(
              &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                               (leads_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP))))
        error = posix_spawnp(child, words[0], &files, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
without_attributes:
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int ss_spawn(char *const *words, char *const *variables, const char *folder, int input, int output, int errors,
             int leads_session) {
    pid_t child = -1;
    int error = 0;
    const int given[3] = {input, output, errors};
    int ends[3] = {-1, -1, -1};
    char **environment = environment_with(variables);
    if (!environment) error = ENOMEM;
    // Copies that stand above the three, so that none is overwritten before it has its place.
    for (int end = 0; end < 3 && !error; end++)
        if ((ends[end] = fcntl(given[end], F_DUPFD_CLOEXEC, 3)) == -1) error = errno;
    if (!error) error = spawn(&child, words, environment, folder, ends, leads_session, 1);
    // Where close_range is forbidden and there is no /proc, nothing can be closed. All that is ours closes by itself.
    if (error == EPERM || error == ENOSYS || error == EACCES || error == ENOENT || error == EBADF)
        if (ends[2] != -1) error = spawn(&child, words, environment, folder, ends, leads_session, 0);
    for (int end = 0; end < 3; end++)
        if (ends[end] != -1) close(ends[end]);
    free(environment);
    if (!error) return child;
    errno = error;
    return -1;
}

int ss_start_thread(unsigned long *thread, void *(*body)(void *), void *argument) {
    static const int own[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGPIPE};
    sigset_t most, before;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&most, own[i]);
    pthread_t made;
    pthread_sigmask(SIG_BLOCK, &most, &before);
    int error = pthread_create(&made, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        errno = error;
        return -1;
    }
    *thread = (unsigned long)made;
    return 0;
}

void ss_join_thread(unsigned long thread) { pthread_join((pthread_t)thread, NULL); }

void ss_detach_thread(unsigned long thread) { pthread_detach((pthread_t)thread); }
