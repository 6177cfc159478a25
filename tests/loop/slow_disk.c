/* A disk that is slow, and a record of who on the main thread would have waited for it.
 *
 * Loaded by LD_PRELOAD. While `slow_disk_on` says so, whatever must reach the disk takes 200 ms
 * more on every thread but the main one. On the main thread no call that touches a file waits:
 * it raises SIGUSR2 instead, for which Python writes down the stack, since the same call on a slow
 * disk would hold up the event loop. Waiting there for a lock longer than WAIT_MS is told alike.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define SLOW_MS 200
/* The interpreter's own short waits on a busy machine are no disk's: those take SLOW_MS or more. */
#define WAIT_MS 150

static volatile int on;
static volatile int told;
static __thread int inside;

void slow_disk_on(int value) { told = 0; on = value; }
int slow_disk_told(void) { return told; }

static int is_main(void) { return syscall(SYS_gettid) == getpid(); }

static int no_disk(const char *path) {
    return !strncmp(path, "/proc", 5) || !strncmp(path, "/sys", 4) || !strncmp(path, "/dev", 4);
}

static int is_file(int fd) {
    char name[64], to[512];
    struct stat found;
    if (fd <= 2 || fstat(fd, &found) || !S_ISREG(found.st_mode)) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, to, sizeof to - 1);
    if (length < 0) return 0;
    to[length] = 0;
    return !no_disk(to);
}

static void tell(void) {
    if (told < 400) {
        told++;
        raise(SIGUSR2);
    }
}

static void touch(int must_reach) {
    int kept = errno;
    inside = 1;
    if (is_main()) {
        tell();
    } else if (must_reach) {
        struct timespec wait = {0, SLOW_MS * 1000000L};
        nanosleep(&wait, NULL);
    }
    inside = 0;
    errno = kept;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void opened(const char *path, int flags) {
    if (on && !inside && !no_disk(path)) touch(flags & O_CREAT);
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = va_arg(rest, mode_t);                                                        \
        va_end(rest);                                                                              \
        opened(path, flags);                                                                       \
        return NEXT(name)(path, flags, mode);                                                      \
    }
#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                       \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = va_arg(rest, mode_t);                                                        \
        va_end(rest);                                                                              \
        opened(path, flags);                                                                       \
        return NEXT(name)(folder, path, flags, mode);                                              \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define ON_FILE(must_reach)                                                                        \
    if (on && !inside && (must_reach || is_main()) && is_file(fd)) touch(must_reach)

int fsync(int fd) { ON_FILE(1); return NEXT(fsync)(fd); }
int fdatasync(int fd) { ON_FILE(1); return NEXT(fdatasync)(fd); }
ssize_t read(int fd, void *to, size_t size) { ON_FILE(0); return NEXT(read)(fd, to, size); }
ssize_t write(int fd, const void *from, size_t size) { ON_FILE(0); return NEXT(write)(fd, from, size); }
ssize_t pread(int fd, void *to, size_t size, off_t at) { ON_FILE(0); return NEXT(pread)(fd, to, size, at); }
ssize_t pread64(int fd, void *to, size_t size, off64_t at) { ON_FILE(0); return NEXT(pread64)(fd, to, size, at); }
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { ON_FILE(0); return NEXT(pwrite)(fd, from, size, at); }
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) { ON_FILE(0); return NEXT(pwrite64)(fd, from, size, at); }

#define ON_PATH(path)                                                                              \
    if (on && !inside && !no_disk(path)) touch(1)
int unlink(const char *path) { ON_PATH(path); return NEXT(unlink)(path); }
int rmdir(const char *path) { ON_PATH(path); return NEXT(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { ON_PATH(path); return NEXT(mkdir)(path, mode); }
int rename(const char *from, const char *to) { ON_PATH(from); return NEXT(rename)(from, to); }

/* SQLite's locks. */
#define FCNTL(name)                                                                                \
    int name(int fd, int command, ...) {                                                           \
        va_list rest;                                                                              \
        va_start(rest, command);                                                                   \
        void *value = va_arg(rest, void *);                                                        \
        va_end(rest);                                                                              \
        if (command == F_SETLK || command == F_SETLKW) ON_FILE(0);                                 \
        return NEXT(name)(fd, command, value);                                                     \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* Python's locks are semaphores; its interpreter lock is none, so that waiting for it is not told. */
#define WAITED(call)                                                                               \
    if (!on || inside || !is_main()) return call;                                                  \
    struct timespec began, ended;                                                                  \
    clock_gettime(CLOCK_MONOTONIC, &began);                                                        \
    int result = call, kept = errno;                                                               \
    clock_gettime(CLOCK_MONOTONIC, &ended);                                                        \
    long took = (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;  \
    if (took >= WAIT_MS) tell();                                                                   \
    errno = kept;                                                                                  \
    return result
int sem_wait(sem_t *lock) { WAITED(NEXT(sem_wait)(lock)); }
int sem_timedwait(sem_t *lock, const struct timespec *end) { WAITED(NEXT(sem_timedwait)(lock, end)); }
int sem_clockwait(sem_t *lock, clockid_t clock, const struct timespec *end) {
    WAITED(NEXT(sem_clockwait)(lock, clock, end));
}
