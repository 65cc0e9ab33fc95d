/* Runs a program and cuts the power of one file system right before the program's Nth write to any: what was not synced
 * until then is gone, as after a power cut. Calls of the program's own threads are counted, those of its children are not.
 *
 *     cut MOUNT sync|write NUMBER COUNT_FILE PROGRAM ARGUMENT...
 *
 * `sync` counts what makes things durable, `write` everything that changes a file or folder. Exit code 42: the power was
 * cut and the program killed; otherwise the program's own, and COUNT_FILE has the number of calls that were counted. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

#define FS_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define WITHOUT_FLUSHING 2u
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

static int is_sync(uint64_t call) {
    return call == SYS_fsync || call == SYS_fdatasync || call == SYS_syncfs;
}

static int is_write(const struct ptrace_syscall_info *at) {
    switch (at->entry.nr) {
    case SYS_openat:
        return (at->entry.args[2] & O_CREAT) != 0;
    case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_copy_file_range: case SYS_sendfile:
    case SYS_ftruncate: case SYS_mkdirat: case SYS_unlinkat: case SYS_linkat: case SYS_symlinkat:
    case SYS_renameat2: case SYS_fchmod:
#ifdef SYS_renameat
    case SYS_renameat:
#endif
#ifdef SYS_rename
    case SYS_rename: case SYS_mkdir: case SYS_unlink: case SYS_rmdir: case SYS_link: case SYS_symlink:
#endif
        return 1;
    default:
        return is_sync(at->entry.nr);
    }
}

static int fail(const char *what) {
    perror(what);
    return 3;
}

int main(int argc, char **argv) {
    if (argc < 6) return fprintf(stderr, "see the first lines of cut.c\n"), 2;
    int only_syncs = strcmp(argv[2], "sync") == 0;
    long wanted = atol(argv[3]), count = 0;
    int mount = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount < 0) return fail(argv[1]);
    pid_t program = fork();
    if (program < 0) return fail("fork");
    if (program == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(argv[5], argv + 5);
        _exit(127);
    }
    int status;
    if (waitpid(program, &status, 0) < 0 || ptrace(PTRACE_SETOPTIONS, program, 0, OPTIONS) < 0) return fail("ptrace");
    ptrace(PTRACE_SYSCALL, program, 0, 0);
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) return fail("waitpid");
        if (!WIFSTOPPED(status)) {
            if (thread != program) continue;
            FILE *counted = fopen(argv[4], "w");
            if (!counted || fprintf(counted, "%ld\n", count) < 0 || fclose(counted)) return fail(argv[4]);
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) {
            struct ptrace_syscall_info at;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof at, &at) > 0 && at.op == PTRACE_SYSCALL_INFO_ENTRY
                && (only_syncs ? is_sync(at.entry.nr) : is_write(&at)) && ++count == wanted) {
                uint32_t how = WITHOUT_FLUSHING;
                if (ioctl(mount, FS_IOC_SHUTDOWN, &how) < 0) return fail("FS_IOC_SHUTDOWN");
                kill(program, SIGKILL);
                while (waitpid(-1, &status, __WALL) > 0) {}
                return 42;
            }
            signal = 0;
        } else if (signal == SIGTRAP || signal == SIGSTOP) {
            /* An event of ours, or the first stop of a new thread. */
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, thread, 0, signal);
    }
}
