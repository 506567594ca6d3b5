// Says, where a fault of this program's own ends it, which host it heard last: the words of a host may be what it stumbled
// over, and a bare "Trace/breakpoint trap" helps nobody. The handler calls nothing that is not safe there.

#include "system_calls.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int faults[] = {SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGBUS, SIGABRT};
enum { count = sizeof faults / sizeof *faults };
static struct sigaction before[count];
static char peer[256];

void ss_note_peer(const char *name) {
    size_t length = strnlen(name, sizeof peer - 1);
    peer[length] = 0;
    memcpy(peer, name, length);
}

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

static void tell(int number) {
    if (*peer) {
        say("\nslotsync: a fault of its own ends this command, after it heard ");
        say(peer);
        say(" last: please report it (SECURITY.md)\n");
    }
    // Whoever handled it before does so now.
    for (int i = 0; i < count; i++)
        if (faults[i] == number) sigaction(number, &before[i], NULL);
    raise(number);
}

void ss_tell_peer_of_faults(void) {
    struct sigaction action = {.sa_handler = tell};
    for (int i = 0; i < count; i++) sigaction(faults[i], &action, &before[i]);
}
