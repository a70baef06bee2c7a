/* SPDX-License-Identifier: MIT
 * Runs the unit tests: one suite a file, each suite in a process of its own, as many at a time as there are processors. usage: unit_tests [SUITE...]
 *
 * A process for each test would cost ten times what the tests do, most of it in the sanitizers. So the tests of a suite share one, unless they are to
 * abort or leave something behind (FORKED); and a suite that did not get to its end is run again with a process for each test, which tells the one to blame.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITES(SHARED, FORKED)                                                                                                                       \
    SHARED(wire)                                                                                                                                     \
    SHARED(packet)                                                                                                                                   \
    SHARED(capability)                                                                                                                               \
    SHARED(greeting)                                                                                                                                 \
    SHARED(login)                                                                                                                                    \
    SHARED(auth)                                                                                                                                     \
    SHARED(reply_packet)                                                                                                                             \
    SHARED(reply)                                                                                                                                    \
    SHARED(reply_row)                                                                                                                                \
    SHARED(trackers)                                                                                                                                 \
    SHARED(command)                                                                                                                                  \
    SHARED(lexer)                                                                                                                                    \
    SHARED(name_list)                                                                                                                                \
    SHARED(name_set)                                                                                                                                 \
    SHARED(variable)                                                                                                                                 \
    SHARED(statement)                                                                                                                                \
    SHARED(residue_text)                                                                                                                             \
    SHARED(residue_prime)                                                                                                                            \
    SHARED(conf)                                                                                                                                     \
    SHARED(conf_change)                                                                                                                              \
    SHARED(stored_code)                                                                                                                              \
    SHARED(session_image)                                                                                                                            \
    SHARED(session_values)                                                                                                                           \
    SHARED(session)                                                                                                                                  \
    SHARED(session_doubt)                                                                                                                            \
    SHARED(account)                                                                                                                                  \
    SHARED(globals)                                                                                                                                  \
    FORKED(pool)                                                                                                                                     \
    FORKED(buffer)                                                                                                                                   \
    FORKED(deadline)                                                                                                                                 \
    SHARED(mailbox)                                                                                                                                  \
    FORKED(stream)                                                                                                                                   \
    FORKED(node)                                                                                                                                     \
    SHARED(notify)                                                                                                                                   \
    SHARED(backend)                                                                                                                                  \
    SHARED(stats)                                                                                                                                    \
    FORKED(log)

#define PROCESSES_MAX 4l
#define PATIENCE_SECONDS 300u /* with a suite whose tests share a process; else check has its own, for each test */

#define DECLARE(name) Suite *name##_suite(void);
SUITES(DECLARE, DECLARE)

struct counts {
    int run, failures, errors;
};

struct job {
    const char *name;
    Suite *(*make)(void);
    bool forked;
    bool again;    /* it did not get to its end with all of its tests in one process */
    pid_t pid;     /* 0: it does not run */
    int counts;    /* what the child writes them to */
    FILE *output;  /* all that is said, shown only if something failed */
};

#define SHARED(name) {#name, name##_suite, .forked = false},
#define FORKED(name) {#name, name##_suite, .forked = true},
static struct job jobs[] = {SUITES(SHARED, FORKED)};
#define JOBS (sizeof jobs / sizeof jobs[0])

static void must(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

/* --- in the suite's process --- */

static struct counts count(SRunner *runner)
{
    struct counts counts = {.run = srunner_ntests_run(runner)};
    TestResult **failed = srunner_failures(runner);

    for (int i = 0; i < srunner_ntests_failed(runner); i++) {
        counts.failures += tr_rtype(failed[i]) == CK_FAILURE;
        counts.errors += tr_rtype(failed[i]) != CK_FAILURE;
    }
    free(failed);
    return counts;
}

static void run_suite(const struct job *job, int out)
{
    SRunner *runner = srunner_create(job->make());
    struct counts counts;

    srunner_set_fork_status(runner, job->forked ? CK_FORK : CK_NOFORK);
    if (!job->forked)
        alarm(PATIENCE_SECONDS);
    srunner_run_all(runner, CK_NORMAL);
    counts = count(runner);
    srunner_free(runner);
    must(write(out, &counts, sizeof counts) == sizeof counts, "write");
    exit(EXIT_SUCCESS); /* where leaks are told */
}

/* --- in the first process --- */

static void start(struct job *job)
{
    int pipes[2];

    must(pipe(pipes) == 0, "pipe");
    must((job->output = tmpfile()) != NULL, "tmpfile");
    fflush(NULL);
    job->pid = fork();
    must(job->pid >= 0, "fork");
    if (job->pid == 0) {
        close(pipes[0]);
        must(dup2(fileno(job->output), STDOUT_FILENO) >= 0 && dup2(fileno(job->output), STDERR_FILENO) >= 0, "dup2");
        run_suite(job, pipes[1]);
    }
    close(pipes[1]);
    job->counts = pipes[0];
}

static void show(struct job *job)
{
    char text[4096];
    size_t length;

    rewind(job->output);
    while ((length = fread(text, 1, sizeof text, job->output)) > 0)
        fwrite(text, 1, length, stdout);
}

static struct job *job_of(pid_t pid)
{
    for (size_t i = 0; i < JOBS; i++)
        if (jobs[i].pid == pid)
            return &jobs[i];
    must(false, "a child that was not started here");
    return NULL;
}

/* What its process has found, after its end. told: it got so far. Whatever else went wrong is one more error. */
static struct counts judge(const struct job *job, struct counts counts, bool told, int status)
{
    const char *wrong = !told || status ? "its process failed" : job->again && counts.failures + counts.errors == 0 ? "its tests fail in one process" : NULL;

    if (wrong) {
        printf("%s: %s, status %d\n", job->name, wrong, status);
        counts.run++;
        counts.errors++;
    }
    return counts;
}

static void add(struct counts *sum, struct counts counts)
{
    sum->run += counts.run;
    sum->failures += counts.failures;
    sum->errors += counts.errors;
}

/* Its process has ended. False: it has to run once more. */
static bool finish(struct job *job, int status, struct counts *sum)
{
    struct counts counts = {0};
    bool told = read(job->counts, &counts, sizeof counts) == sizeof counts, over = told || job->forked;

    if (over)
        counts = judge(job, counts, told, status);
    if (!over || counts.failures + counts.errors)
        show(job);
    add(sum, counts);
    job->pid = 0;
    close(job->counts);
    fclose(job->output);
    job->forked = job->again = !over;
    return over;
}

static bool is_wanted(const struct job *job, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], job->name) == 0)
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    long processes = sysconf(_SC_NPROCESSORS_ONLN), running = 0;
    struct counts sum = {0};
    size_t next = 0;
    int passed, status;

    if (processes > PROCESSES_MAX)
        processes = PROCESSES_MAX;
    for (;;) {
        struct job *job;

        for (; next < JOBS && running < processes; next++) {
            if (!is_wanted(&jobs[next], argc - 1, argv + 1))
                continue;
            start(&jobs[next]);
            running++;
        }
        if (running == 0)
            break;
        job = job_of(wait(&status));
        if (finish(job, status, &sum))
            running--;
        else
            start(job);
    }
    passed = sum.run - sum.failures - sum.errors;
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n", sum.run ? passed * 100 / sum.run : 0, sum.run, sum.failures, sum.errors);
    return sum.run && passed == sum.run ? EXIT_SUCCESS : EXIT_FAILURE;
}
