/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that are stopped at a page fault, with userfaultfd
 */
#ifndef SELFTESTS_TRAP_H
#define SELFTESTS_TRAP_H

#include <unistd.h>

#include "ksalloc_test.h"

#define TRAP_PAGE ((size_t)getpagesize())

enum trap_kind {
	/* Before the call reads its argument */
	TRAP_READ,
	/* Before the call writes its answer */
	TRAP_WRITE,
};

/* The argument of a call that is stopped */
struct trap {
	char *page;
	char *content;
	enum trap_kind kind;
	int fault_fd;
	struct call call;
};

void trap_set(struct trap *trap, enum trap_kind kind, const void *arg,
	      size_t size);
/* Begins the call, and waits until it is stopped. */
void trap_spring(struct trap *trap, int fd, unsigned long request);
/* A thread is at the page fault and waits. */
void trap_wait(struct trap *trap);
/* Lets the call continue; trap_result() waits for its result. */
void trap_let_go(struct trap *trap);
int trap_result(struct trap *trap);
/* Both. The answer is at the beginning of the page. */
int trap_release(struct trap *trap);
/* The same, but the page is read-only: a call with an answer fails with EFAULT. */
int trap_release_faulting(struct trap *trap);

/* A read-only page with an argument */
void *read_only_page(const void *arg, size_t size);

/*
 * A camera that does not respond: a V4L2 call of this process holds the lock of the driver.
 * All other calls that need the driver wait until camera_let_go().
 */
struct held_camera {
	int video;
	struct trap trap;
};

void camera_hold(struct held_camera *held, unsigned int instance);
void camera_let_go(struct held_camera *held);

#endif
