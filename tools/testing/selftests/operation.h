/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An operation: an ioctl, or a kind of use of it, whose failures are tested.
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
	/* A reader */
	int reader;
	/* A share of the other camera, the path of its node, and a handle */
	int share;
	char node[32];
	int handle;
	/* The current operation */
	const struct operation *op;
	/*
	 * A frame that the test holds, a descriptor that it closes, or the number of an
	 * event
	 */
	int index;
	/* A descriptor of that frame, or -1 */
	int dmabuf;
	/* Descriptors of dma-bufs for KSALLOC_IMPORT */
	int imported[2 * FRAMES];
	/* The argument of the last call, with the answer */
	union ioctl_argument arg;
};

struct operation {
	/* The ioctl; NULL if the operation is not an ioctl */
	const struct ioctl_entry *ioctl;
	/* The kind of use, if there are several of the ioctl; or the name, if there is no ioctl */
	const char *use;
	/* The constant part of the argument; operation.c sets the rest */
	union ioctl_argument arg;
	/* The state before the call, with all frames submitted if that is possible */
	enum ksstate state;
	/*
	 * Prepares the call, and does nothing if that is already done. If NULL, only the state is
	 * entered
	 */
	void (*prepare)(struct faults_fixture *self);
	/* Makes the ioctl; NULL for call_fd() */
	int (*call)(int fd, unsigned long request, void *arg);
	/* Makes the call, if it is more than the ioctl or another function */
	int (*run)(struct faults_fixture *self);
	/* Undoes the effects of a success; NULL if there are none */
	void (*undo)(struct faults_fixture *self, int result);
	/* Expected errno for lack of memory, besides ENOMEM */
	int also;
	/* Expected errno for a failed copy, besides EFAULT */
	int also_copy;
	/* If the answer cannot be written, the module tries once more. */
	bool answers_again;
	/* A way down, which does not fail for lack of memory */
	bool never_fails;
	/* Frames circulate before or after the call */
	bool circulates;
	/* A function of the kernel below which nothing fails, instead of the usual one */
	const char *except;
	/* A part of the call runs in a work item, so in another task: see inject_arm_space() */
	bool with_work_item;
	/*
	 * The operation takes place after this number of copies. If a later one fails, it is undone
	 * as after a success. 0 if a call that fails has no effect
	 */
	unsigned int copies_before;
	/* Writes all that a failed call must not change, besides what operation.c compares */
	void (*describe)(struct faults_fixture *self, char *text, size_t size);
	/*
	 * At least so many bytes are allocated between two points that fail, for a call
	 * with_work_item and very many points; 0 if each point fails
	 */
	unsigned int step;
	/* Points that fail, one after the other, in a call with_work_item; 0 for one */
	unsigned int failures;
	/* Minimum number of points */
	unsigned int points[KINDS];
};

/* The beginning of a struct operation. The following fields are for the argument. */
#define CALLS(NAME, member, ...) \
	.ioctl = &ioctls[IOCTL_##NAME], \
	.arg.member = { __VA_ARGS__ }

/* A struct operation, tested by the test of this name */
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
/*
 * Expects that the suite has an operation for each ioctl of readers, or for each other ioctl. The
 * ioctls of readers include KSALLOC_READER_OPEN
 */
void operation_expect_each_ioctl(bool of_readers);

/*
 * For a fixture: opens the first camera, with an allocator. Skips the test if the kernel injects no
 * failures
 */
void operation_set_up(struct faults_fixture *self);
/* Closes the files that the fixture has opened, also if the set-up has ended early */
void operation_tear_down(struct faults_fixture *self);
void operation_prepare_state(struct faults_fixture *self, unsigned int state);
/* The device runs, and has filled a frame. */
void operation_prepare_filled(struct faults_fixture *self);
/* For @run: closes the file with the descriptor @index */
int operation_run_close(struct faults_fixture *self);
/* Closes what a call has returned */
void operation_undo_descriptor(struct faults_fixture *self, int fd);
/* Frees the frame that KSALLOC_ALLOC has returned, and closes its descriptor if there is one */
void operation_undo_alloc(struct faults_fixture *self, int result);
/* Submits the frame again that KSALLOC_COMPLETE has returned */
void operation_undo_complete(struct faults_fixture *self, int result);
/* Makes the ioctl, and checks that its argument is unchanged if it fails */
int operation_ioctl(struct faults_fixture *self);
/* Tests all failures of an operation. */
void operation_fail(struct faults_fixture *self, const struct operation *op);
/* The same, and makes a capture after that. */
void operation_try(struct faults_fixture *self, const struct operation *op);

/* Results of all tests of this run */
struct tally {
	unsigned int operations;
	unsigned int injected[KINDS];
	unsigned int failed;
	/* Results of the current operation */
	unsigned int points[KINDS];
	/* The fixture, as the process of the last kind left it */
	int index;
};

extern struct tally *tally;

#endif
