// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test runner: see harness.h.
 *
 * The parent is a subreaper, so all processes that a test forked become its children and it
 * can kill them and wait for them. Failures are counted in a page that all processes of a
 * test share.
 */
#include "harness.h"
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Time limit for killed processes to end */
#define REAP_TIMEOUT_MS 10000

/* Maximum time that is counted between two checks of a time limit */
#define LIMIT_STEP_MS 1000

/* Prefix of marks in the kernel log */
#define LOG_MARK "selftest: "

struct verdict {
	int failures;
	bool skipped;
	char skip_reason[128];
};

void (*harness_before_all)(void);

static struct harness_test *tests;
static struct harness_test **tests_tail = &tests;

static struct verdict *verdict;
static sigjmp_buf test_end;
static pid_t test_pid, test_tid;

static const char *suite;
static unsigned int timeout_scale = 1;
static bool verbose;
static bool second_process;
/* Run only the tests that do not run with a second process */
static bool excepted_only;
static int kernel_log = -1;
static char log_judge[PATH_MAX + 64];
static regex_t log_suspicious;

void harness_register(struct harness_test *test)
{
	*tests_tail = test;
	tests_tail = &test->next;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

struct harness_limit harness_limit_begin(long long ms)
{
	return (struct harness_limit){ .left_ms = ms, .last_ms = now_ms() };
}

bool harness_limit_is_over(struct harness_limit *limit)
{
	long long now = now_ms();
	long long passed = now - limit->last_ms;

	limit->last_ms = now;
	limit->left_ms -= passed < LIMIT_STEP_MS ? passed : LIMIT_STEP_MS;
	return limit->left_ms <= 0;
}

/* One write for each line, because several processes write at the same time. */
static void put_line(const char *prefix, const char *format, va_list args)
{
	char line[1024];
	int used = snprintf(line, sizeof(line), "%s", prefix);
	int more = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	ssize_t ignored;

	if (more > (int)sizeof(line) - used - 2)
		more = sizeof(line) - used - 2;
	used += more;
	if (line[used - 1] != '\n')
		line[used++] = '\n';
	ignored = write(STDOUT_FILENO, line, used);
	(void)ignored;
}

static LIKE_PRINTF(1, 2) void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line("", format, args);
	va_end(args);
}

void harness_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line("# ", format, args);
	va_end(args);
}

/* Values from the kernel are often negative error codes: print their names. */
static const char *with_name(char *buf, size_t size, long long value)
{
	const char *name = NULL;

	if (value < 0 && value > -4096)
		name = strerrorname_np(-value);
	if (name)
		snprintf(buf, size, "%lld (-%s)", value, name);
	else if (value > 0xffff)
		snprintf(buf, size, "%lld (%#llx)", value, value);
	else
		snprintf(buf, size, "%lld", value);
	return buf;
}

static void count_failure(void)
{
	if (verdict)
		__atomic_add_fetch(&verdict->failures, 1, __ATOMIC_RELAXED);
}

bool harness_compare(const char *file, int line, const char *op, bool holds,
		     const char *left_text, long long left,
		     const char *right_text, long long right)
{
	char left_value[48], right_value[48];

	if (holds)
		return true;
	harness_note("%s:%d: expected %s %s %s, but the left is %s, the right %s",
		     file, line, left_text, op, right_text,
		     with_name(left_value, sizeof(left_value), left),
		     with_name(right_value, sizeof(right_value), right));
	count_failure();
	return false;
}

bool harness_compare_strings(const char *file, int line, bool want_equal,
			     const char *left, const char *right)
{
	if (left && right && !strcmp(left, right) == want_equal)
		return true;
	harness_note("%s:%d: expected \"%s\" %s \"%s\"", file, line,
		     left ? left : "(null)", want_equal ? "==" : "!=",
		     right ? right : "(null)");
	count_failure();
	return false;
}

bool harness_true(const char *file, int line, bool holds, const char *text)
{
	if (holds)
		return true;
	harness_note("%s:%d: expected %s", file, line, text);
	count_failure();
	return false;
}

void harness_abort(void)
{
	if (getpid() != test_pid)
		_exit(1);
	if (gettid() != test_tid)
		pthread_exit(NULL);
	siglongjmp(test_end, 1);
}

void harness_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verdict->skip_reason, sizeof(verdict->skip_reason), format,
		  args);
	va_end(args);
	verdict->skipped = true;
	harness_abort();
}

static void run_child(struct harness_test *test, void *self)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	test_pid = getpid();
	test_tid = gettid();

	if (!sigsetjmp(test_end, 1)) {
		if (second_process)
			remote_start();
		if (test->setup)
			test->setup(self);
		test->run(self);
	}
	/* If the teardown fails, it ends here for the second time. */
	if (!sigsetjmp(test_end, 1)) {
		if (test->teardown)
			test->teardown(self);
	}
	_exit(0);
}

static bool exits_within(pid_t pid, long long ms)
{
	struct harness_limit limit = harness_limit_begin(ms);
	struct pollfd pfd = { .events = POLLIN };
	int ready = 0;

	pfd.fd = syscall(SYS_pidfd_open, pid, 0);
	if (pfd.fd < 0)
		return true;
	while (ready <= 0 && !harness_limit_is_over(&limit))
		ready = poll(&pfd, 1, LIMIT_STEP_MS);
	close(pfd.fd);
	return ready > 0;
}

/* Kills all processes of a test and waits for them; false if some do not end. */
static bool reap_all(pid_t group)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct harness_limit limit = harness_limit_begin(REAP_TIMEOUT_MS);

	do {
		pid_t pid;

		kill(-group, SIGKILL);
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0)
			return true;
		nanosleep(&pause, NULL);
	} while (!harness_limit_is_over(&limit));
	return false;
}

/* Copies of judge.awk and of its patterns are in the directory of the program. */
static void open_kernel_log(void)
{
	char program[PATH_MAX], path[PATH_MAX + 64], patterns[4096];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *file;

	if (length < 0) {
		perror("/proc/self/exe");
		exit(2);
	}
	program[length] = '\0';
	*strrchr(program, '/') = '\0';
	snprintf(log_judge, sizeof(log_judge),
		 "exec awk -v prefix='# kernel log: ' -f '%s/judge.awk'", program);

	snprintf(path, sizeof(path), "%s/judge.patterns", program);
	file = fopen(path, "r");
	if (!file || !fgets(patterns, sizeof(patterns), file) || !strchr(patterns, '\n')) {
		perror(path);
		exit(2);
	}
	fclose(file);
	*strchr(patterns, '\n') = '\0';
	if (regcomp(&log_suspicious, patterns, REG_EXTENDED | REG_NOSUB)) {
		fprintf(stderr, "%s: bad pattern\n", path);
		exit(2);
	}

	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
}

/*
 * Writes a mark to the kernel log, so that a reader sees which test logged a message. Does
 * not use dprintf(), because that requests the file position, which /dev/kmsg does not
 * support.
 */
static void mark_kernel_log(const char *name)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char mark[256];
	ssize_t ignored;

	if (fd < 0)
		return;
	snprintf(mark, sizeof(mark), "<7>" LOG_MARK "%s: %s\n", suite, name);
	ignored = write(fd, mark, strlen(mark));
	(void)ignored;
	close(fd);
}

/* Prints the problems in these kernel messages. It also fails if it cannot run. */
static void judge_messages(const char *messages)
{
	FILE *judge = popen(log_judge, "w");

	if (!judge) {
		perror("popen");
		exit(2);
	}
	fputs(messages, judge);
	if (pclose(judge))
		count_failure();
}

/*
 * Searches for problems in the kernel messages since the last call, without our own marks. A
 * record of /dev/kmsg is "NUMBERS;TEXT\n", and lines of details after that. Most messages match
 * no pattern of judge.awk. Then it is not started, because this process is slow in a guest.
 */
static void check_kernel_log(void)
{
	bool suspicious = false;
	char *messages = NULL;
	char record[8192];
	FILE *kept = NULL;
	size_t size;
	char *text;
	ssize_t got;

	while (kernel_log >= 0) {
		got = read(kernel_log, record, sizeof(record) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		record[got] = '\0';
		text = strchr(record, ';') + 1;
		if (!strncmp(text, LOG_MARK, strlen(LOG_MARK)))
			continue;
		if (!kept)
			kept = open_memstream(&messages, &size);
		if (!kept) {
			perror("open_memstream");
			exit(2);
		}
		text[strcspn(text, "\n")] = '\0';
		fprintf(kept, "%s\n", text);
		suspicious = suspicious || !regexec(&log_suspicious, text, 0, NULL, 0);
	}
	if (kept) {
		fclose(kept);
		if (suspicious)
			judge_messages(messages);
		free(messages);
	}
}

static const char *exception_of(const struct harness_test *test)
{
	return second_process ? remote_exception(suite, test->name) : NULL;
}

static bool run_one(struct harness_test *test, unsigned int number)
{
	const char *exception = exception_of(test);
	unsigned int timeout_s = test->timeout_s * timeout_scale;
	long long start = now_ms();
	int status = 0;
	pid_t pid;

	if (exception) {
		say("ok %u %s # SKIP %s", number, test->name, exception);
		return true;
	}

	memset(verdict, 0, sizeof(*verdict));
	mark_kernel_log(test->name);

	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid)
		run_child(test, calloc(1, test->self_size + 1));
	setpgid(pid, pid);

	if (!exits_within(pid, timeout_s * 1000LL)) {
		harness_note("%s: no end within %u s", test->name, timeout_s);
		count_failure();
		kill(-pid, SIGKILL);
		if (exits_within(pid, REAP_TIMEOUT_MS))
			waitpid(pid, NULL, 0);
	} else if (waitpid(pid, &status, 0) == pid) {
		if (WIFSIGNALED(status)) {
			harness_note("%s: died of signal %d (%s)", test->name,
				     WTERMSIG(status),
				     strsignal(WTERMSIG(status)));
			count_failure();
		} else if (WEXITSTATUS(status)) {
			harness_note("%s: exit status %d", test->name,
				     WEXITSTATUS(status));
			count_failure();
		}
	}
	if (!reap_all(pid)) {
		harness_note("%s: a process cannot be killed", test->name);
		count_failure();
	}
	check_kernel_log();

	if (verbose)
		harness_note("%s: %lld ms", test->name, now_ms() - start);
	if (verdict->failures)
		say("not ok %u %s", number, test->name);
	else if (verdict->skipped)
		say("ok %u %s # SKIP %s", number, test->name,
		    verdict->skip_reason);
	else
		say("ok %u %s", number, test->name);
	return !verdict->failures;
}

/* The pattern matches the name of a test, the name of the suite, or suite:name. */
static bool matches(const struct harness_test *test, const char *glob)
{
	char full[256];

	if (excepted_only && !remote_exception(suite, test->name))
		return false;
	if (!glob)
		return true;
	snprintf(full, sizeof(full), "%s:%s", suite, test->name);
	return !fnmatch(glob, test->name, 0) || !fnmatch(glob, suite, 0) ||
		!fnmatch(glob, full, 0);
}

static void usage(FILE *to)
{
	fprintf(to,
		"Usage: %s [-1 | -2] [-l] [-t GLOB] [-s FACTOR] [-v]\n"
		"  -1         only the tests that -2 leaves out\n"
		"  -2         have the calls made by a second process, which gets the\n"
		"             descriptors over a socket; some tests are excepted\n"
		"  -l         list the tests\n"
		"  -t GLOB    run the tests whose names match; a suite's name, or\n"
		"             suite:test, will do as well\n"
		"  -s FACTOR  multiply all time-outs, for slow machines\n"
		"  -v         say how long each test took\n", suite);
}

int main(int argc, char **argv)
{
	unsigned int count = 0, number = 0, failed = 0;
	const char *glob = NULL;
	struct harness_test *test;
	bool list = false;
	int option;

	suite = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	while ((option = getopt(argc, argv, "12hlt:s:v")) != -1) {
		switch (option) {
		case '1':
			excepted_only = true;
			break;
		case '2':
			second_process = true;
			break;
		case 'l':
			list = true;
			break;
		case 't':
			glob = optarg;
			break;
		case 's':
			timeout_scale = atoi(optarg) > 0 ? atoi(optarg) : 1;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}

	for (test = tests; test; test = test->next)
		count += matches(test, glob);
	if (list) {
		for (test = tests; test; test = test->next)
			if (matches(test, glob) && !exception_of(test))
				puts(test->name);
		return 0;
	}

	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	if (harness_before_all)
		harness_before_all();
	open_kernel_log();

	say("TAP version 13");
	say("1..%u", count);
	for (test = tests; test; test = test->next)
		if (matches(test, glob))
			failed += !run_one(test, ++number);
	if (failed)
		harness_note("%u of %u failed", failed, number);
	return failed ? 1 : 0;
}
