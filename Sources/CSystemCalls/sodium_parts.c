// Two functions that libsodium's digests and signatures are linked with, though they never call them here. Its own would
// bring all of its ciphers into the static agent, which needs none: 120 kB.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

void sodium_misuse(void) { abort(); }

void randombytes_buf(void *const bytes, const size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = getrandom((char *)bytes + done, size - done, 0);
        if (count > 0) done += (size_t)count;
        else if (count == 0 || errno != EINTR) abort();
    }
}
