/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An operation: an ioctl, or a kind of use of it, whose failures are tried.
 */
#ifndef SELFTESTS_OPERATION_H
#define SELFTESTS_OPERATION_H

#include "inject.h"
#include "ioctls.h"
#include "ksalloc_test.h"

#define FRAMES 3
#define TIMEOUT_S 90

FIXTURE(faults) {
	/* With an allocator of FRAMES frames */
	struct rig rig;
	/* A V4L2 file without a connection, and an allocator that is not assigned */
	int video, second;
	int eventfd;
	/* The operation at hand */
	const struct operation *op;
	/* A frame that the test has, a descriptor that it closes, or an event's number */
	int index;
	/* Of that frame, or -1 */
	int dmabuf;
	/* Of the last call, with the answer */
	union ioctl_argument arg;
};

struct operation {
	/* What is called; NULL where that is no ioctl */
	const struct ioctl_entry *ioctl;
	/* What kind of use, where the ioctl has several */
	const char *use;
	/* As far as it is always the same; operation.c has the rest */
	union ioctl_argument arg;
	/* What the call finds: a state, with all frames submitted where that can be, */
	enum ksstate state;
	/* or what this brings about, which does nothing where it is there already */
	void (*prepare)(struct faults_fixture *self);
	/* Where it is more than the ioctl, or none */
	int (*run)(struct faults_fixture *self);
	/* Takes the effects of a success back; without one, there are none */
	void (*undo)(struct faults_fixture *self, int result);
	/* What may be said for lack of memory, beside ENOMEM */
	int also;
	/* What may be said for a copy that failed, beside EFAULT */
	int also_copy;
	/* An answer that cannot be written is written once more. */
	bool answers_again;
	/* The way down, which does not fail for lack of memory */
	bool never_fails;
	/* A function of the kernel's below which nothing fails, in place of the usual */
	const char *except;
	/* At least so many points */
	unsigned int points[KINDS];
};

/* The beginning of a struct operation; what follows is for the ioctl's argument. */
#define CALLS(NAME, member, ...) \
	.ioctl = &ioctls[IOCTL_##NAME], \
	.arg.member = { __VA_ARGS__ }

/* A struct operation, which the test of this name tries */
#define OPERATION(test) \
	static const struct operation operation_##test; \
	static __attribute__((constructor)) void operation_##test##_list(void) \
	{ \
		operation_list(&operation_##test); \
	} \
	TEST_F_TIMEOUT(faults, test, TIMEOUT_S) \
	{ \
		operation_try(self, &operation_##test); \
	} \
	static const struct operation operation_##test

void operation_list(const struct operation *op);
/* Is there one of this ioctl? */
bool operation_exists(const struct ioctl_entry *ioctl);

void operation_prepare_state(struct faults_fixture *self, unsigned int state);
/* The ioctl itself, which does not touch its argument where it fails */
int operation_ioctl(struct faults_fixture *self);
/* Tries all failures of an operation, and a capture after that. */
void operation_try(struct faults_fixture *self, const struct operation *op);

/* What all tests of this run together have done */
struct tally {
	unsigned int operations;
	unsigned int injected[KINDS];
	unsigned int failed;
	/* Of the operation at hand */
	unsigned int points[KINDS];
	/* The fixture's, as the process of the last kind left it */
	int index;
};

extern struct tally *tally;

#endif
