/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test harness.
 *
 * Each test runs in its own child process and process group, with a time limit: a test that
 * hangs fails, and processes that a test leaves are killed before the next test starts. A
 * test also fails if the kernel logs a warning or an error. The results are written as TAP.
 *
 * A test ends at its first failed ASSERT_*. EXPECT_* records a failure and the test
 * continues. Both can be used in helper functions, in threads and in forked processes of
 * the test. The teardown of the fixture runs in either case.
 *
 * An id such as B3 in the comment of a test names a row of Documentation/conformance.rst.
 *
 *	FIXTURE(door) { int fd; };
 *	FIXTURE_SETUP(door) { self->fd = open(...); ASSERT_LE(0, self->fd); }
 *	FIXTURE_TEARDOWN(door) { close(self->fd); }
 *
 *	TEST_F(door, opens) { EXPECT_EQ(0, door_open(self->fd)); }
 *	TEST(arithmetic) { EXPECT_EQ(4, 2 + 2); }
 */
#ifndef SELFTESTS_HARNESS_H
#define SELFTESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define HARNESS_TIMEOUT_S 30

struct harness_test {
	const char *name;
	void (*run)(void *self);
	void (*setup)(void *self);
	void (*teardown)(void *self);
	size_t self_size;
	unsigned int timeout_s;
	struct harness_test *next;
};

void harness_register(struct harness_test *test);

/* A comment in the output. A newline at the end is not needed. */
LIKE_PRINTF(1, 2) void harness_note(const char *format, ...);
bool harness_compare(const char *file, int line, const char *op, bool holds,
		     const char *left_text, long long left,
		     const char *right_text, long long right);
bool harness_compare_strings(const char *file, int line, bool want_equal,
			     const char *left, const char *right);
bool harness_true(const char *file, int line, bool holds, const char *text);
/* Ends the test, or the thread or process of the test that calls this. */
noreturn void harness_abort(void);
LIKE_PRINTF(1, 2) noreturn void harness_skip(const char *format, ...);

/*
 * A time limit for a loop. Between two checks, at most one second is counted: the clock
 * jumps if the machine was stopped, and such a jump does not make anything late.
 */
struct harness_limit {
	long long left_ms;
	long long last_ms;
};

struct harness_limit harness_limit_begin(long long ms);
bool harness_limit_is_over(struct harness_limit *limit);

/* Called in the parent before any test of the suite; can be NULL. */
extern void (*harness_before_all)(void);

#define FIXTURE(fixture) struct fixture##_fixture
#define FIXTURE_SETUP(fixture) \
	static void fixture##_setup(struct fixture##_fixture *self)
#define FIXTURE_TEARDOWN(fixture) \
	static void fixture##_teardown(struct fixture##_fixture *self)

#define TEST_TIMEOUT(test, seconds) \
	static void test_##test(void); \
	static void test_##test##_run(void *self) \
	{ \
		(void)self; \
		test_##test(); \
	} \
	static __attribute__((constructor)) void test_##test##_register(void) \
	{ \
		static struct harness_test entry = { \
			.name = #test, \
			.run = test_##test##_run, \
			.timeout_s = (seconds), \
		}; \
		harness_register(&entry); \
	} \
	static void test_##test(void)

#define TEST(test) TEST_TIMEOUT(test, HARNESS_TIMEOUT_S)

#define TEST_F_TIMEOUT(fixture, test, seconds) \
	static void fixture##_##test(struct fixture##_fixture *self); \
	static void fixture##_##test##_run(void *self) \
	{ \
		fixture##_##test(self); \
	} \
	static void fixture##_##test##_setup(void *self) \
	{ \
		fixture##_setup(self); \
	} \
	static void fixture##_##test##_teardown(void *self) \
	{ \
		fixture##_teardown(self); \
	} \
	static __attribute__((constructor)) void \
	fixture##_##test##_register(void) \
	{ \
		static struct harness_test entry = { \
			.name = #fixture "." #test, \
			.run = fixture##_##test##_run, \
			.setup = fixture##_##test##_setup, \
			.teardown = fixture##_##test##_teardown, \
			.self_size = sizeof(struct fixture##_fixture), \
			.timeout_s = (seconds), \
		}; \
		harness_register(&entry); \
	} \
	static void fixture##_##test(struct fixture##_fixture *self)

#define TEST_F(fixture, test) TEST_F_TIMEOUT(fixture, test, HARNESS_TIMEOUT_S)

#define HARNESS_COMPARE(left, op, right) ({ \
	long long left_ = (long long)(left); \
	long long right_ = (long long)(right); \
	harness_compare(__FILE__, __LINE__, #op, left_ op right_, \
			#left, left_, #right, right_); \
})
#define HARNESS_STRINGS(want_equal, left, right) \
	harness_compare_strings(__FILE__, __LINE__, want_equal, left, right)
#define HARNESS_TRUE(condition, text) \
	harness_true(__FILE__, __LINE__, !!(condition), text)
#define HARNESS_OR_ABORT(check) do { \
	if (!(check)) \
		harness_abort(); \
} while (0)

/* The expected value comes first. */
#define EXPECT_EQ(expected, seen) HARNESS_COMPARE(expected, ==, seen)
#define EXPECT_NE(expected, seen) HARNESS_COMPARE(expected, !=, seen)
#define EXPECT_LT(expected, seen) HARNESS_COMPARE(expected, <, seen)
#define EXPECT_LE(expected, seen) HARNESS_COMPARE(expected, <=, seen)
#define EXPECT_GT(expected, seen) HARNESS_COMPARE(expected, >, seen)
#define EXPECT_GE(expected, seen) HARNESS_COMPARE(expected, >=, seen)
#define EXPECT_TRUE(condition) HARNESS_TRUE(condition, #condition)
#define EXPECT_FALSE(condition) \
	HARNESS_TRUE(!(condition), "not " #condition)
#define EXPECT_STREQ(expected, seen) HARNESS_STRINGS(true, expected, seen)
#define EXPECT_STRNE(expected, seen) HARNESS_STRINGS(false, expected, seen)

#define ASSERT_EQ(expected, seen) HARNESS_OR_ABORT(EXPECT_EQ(expected, seen))
#define ASSERT_NE(expected, seen) HARNESS_OR_ABORT(EXPECT_NE(expected, seen))
#define ASSERT_LT(expected, seen) HARNESS_OR_ABORT(EXPECT_LT(expected, seen))
#define ASSERT_LE(expected, seen) HARNESS_OR_ABORT(EXPECT_LE(expected, seen))
#define ASSERT_GT(expected, seen) HARNESS_OR_ABORT(EXPECT_GT(expected, seen))
#define ASSERT_GE(expected, seen) HARNESS_OR_ABORT(EXPECT_GE(expected, seen))
#define ASSERT_TRUE(condition) \
	HARNESS_OR_ABORT(HARNESS_TRUE(condition, #condition))
#define ASSERT_FALSE(condition) \
	HARNESS_OR_ABORT(HARNESS_TRUE(!(condition), "not " #condition))
#define ASSERT_STREQ(expected, seen) \
	HARNESS_OR_ABORT(EXPECT_STREQ(expected, seen))

#define SKIP(...) harness_skip(__VA_ARGS__)

#endif
