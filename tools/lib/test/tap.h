/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests without the kernel module, with results in TAP: a table of functions. CHECK()
 * prints what failed and where, and the test continues.
 */
#ifndef TAP_H
#define TAP_H

#include <stdio.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Number of CHECK()s that failed in the running test */
extern int tap_failures;

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			tap_failures++;					\
			printf("# %s:%d: %s\n", __FILE__, __LINE__,	\
			       #condition);				\
		}							\
	} while (0)

#define CHECK_EQ(is, should)						\
	do {								\
		long long is_ = (long long)(is);			\
		long long should_ = (long long)(should);		\
									\
		if (is_ != should_) {					\
			tap_failures++;					\
			printf("# %s:%d: %s is %lld, not %lld\n",	\
			       __FILE__, __LINE__, #is, is_, should_);	\
		}							\
	} while (0)

#define CHECK_STR(is, should)						\
	do {								\
		const char *is_ = (is);					\
		const char *should_ = (should);				\
									\
		if (!is_ || strcmp(is_, should_)) {				\
			tap_failures++;					\
			printf("# %s:%d: %s is \"%s\", not \"%s\"\n",	\
			       __FILE__, __LINE__, #is,			\
			       is_ ? is_ : "(null)", should_);	\
		}							\
	} while (0)

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Returns the exit status for main() */
int tap_run(const struct tap_test *tests, int count);

#endif /* TAP_H */
