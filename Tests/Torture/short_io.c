// Preloaded into a program, makes its reads and writes short, or interrupted, as kernels may at any time: by a generator
// with the seed SHORT_IO_SEED. What the kernel does whole is left whole: what a pipe takes in one piece, and counters.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic uint64_t drawn;

static uint64_t draw(void) {
    static _Atomic int ready;
    if (!ready) {
        const char *seed = getenv("SHORT_IO_SEED");
        drawn = seed ? strtoull(seed, 0, 10) * 0x9e3779b97f4a7c15ull : 1;
        ready = 1;
    }
    uint64_t z = drawn += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static int is_interrupted(void) {
    if (draw() % 16) return 0;
    errno = EINTR;
    return 1;
}

static size_t shortened(size_t count) {
    uint64_t number = draw();
    if (count <= sizeof(uint64_t) || number % 3 == 0) return count;
    return number % 3 == 1 ? 1 + draw() % count : 1 + draw() % (count < 16 ? count : 16);
}

static int is_atomic(int fd, size_t count) {
    struct stat status;
    return count <= PIPE_BUF && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

#define NEXT(name) (next ? next : (next = (__typeof__(next))dlsym(RTLD_NEXT, name)))

ssize_t read(int fd, void *bytes, size_t count) {
    static ssize_t (*next)(int, void *, size_t);
    if (count > sizeof(uint64_t) && is_interrupted()) return -1;
    return NEXT("read")(fd, bytes, shortened(count));
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*next)(int, const void *, size_t);
    if (count > sizeof(uint64_t) && is_interrupted()) return -1;
    return NEXT("write")(fd, bytes, is_atomic(fd, count) ? count : shortened(count));
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
    static ssize_t (*next)(int, void *, size_t, off_t);
    if (is_interrupted()) return -1;
    return NEXT("pread")(fd, bytes, shortened(count), offset);
}

ssize_t pread64(int fd, void *bytes, size_t count, off_t offset) { return pread(fd, bytes, count, offset); }

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    static ssize_t (*next)(int, const void *, size_t, off_t);
    if (is_interrupted()) return -1;
    return NEXT("pwrite")(fd, bytes, shortened(count), offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t copy_file_range(int from, off_t *at, int to, off_t *offset, size_t count, unsigned flags) {
    static ssize_t (*next)(int, off_t *, int, off_t *, size_t, unsigned);
    if (is_interrupted()) return -1;
    return NEXT("copy_file_range")(from, at, to, offset, shortened(count), flags);
}

ssize_t splice(int from, off_t *at, int to, off_t *offset, size_t count, unsigned flags) {
    static ssize_t (*next)(int, off_t *, int, off_t *, size_t, unsigned);
    if (is_interrupted()) return -1;
    return NEXT("splice")(from, at, to, offset, shortened(count), flags);
}

int fsync(int fd) {
    static int (*next)(int);
    return is_interrupted() ? -1 : NEXT("fsync")(fd);
}
