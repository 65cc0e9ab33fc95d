/* A wall clock that is set back by a day once a file is there; the monotonic clock goes on as it did. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *sign = getenv("CLOCK_IS_SET_BACK");
    if (!failed && clock == CLOCK_REALTIME && sign && access(sign, F_OK) == 0) {
        time->tv_sec -= 24 * 60 * 60;
    }
    return failed;
}
