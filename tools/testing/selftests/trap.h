/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that are held up where a test wants them, by userfaultfd.
 */
#ifndef SELFTESTS_TRAP_H
#define SELFTESTS_TRAP_H

#include "ksalloc_test.h"

#define TRAP_PAGE 4096

enum trap_kind {
	/* The call is held up before it can read its argument, */
	TRAP_READ,
	/* or after it has done its work, before it can write its answer. */
	TRAP_WRITE,
};

/* An argument that its call is held up at */
struct trap {
	char *page;
	char content[TRAP_PAGE];
	enum trap_kind kind;
	int fault_fd;
	struct call call;
};

void trap_set(struct trap *trap, enum trap_kind kind, const void *arg,
	      size_t size);
/* Begin the call, and wait until it is held up. */
void trap_spring(struct trap *trap, int fd, unsigned long request);
/* Let it go on, and wait for its result. */
void trap_let_go(struct trap *trap);
int trap_result(struct trap *trap);
/* Both. The answer is at the beginning of the page. */
int trap_release(struct trap *trap);
/* The same, but the page cannot be written to: EFAULT, where there is an answer. */
int trap_release_faulting(struct trap *trap);

/* A page that an argument can be read from, and no answer be written to */
void *read_only_page(const void *arg, size_t size);

/*
 * A camera whose driver does not come back: somebody else's call holds its lock. Each
 * call that needs the driver waits until it is let go.
 */
struct held_camera {
	int video;
	struct trap trap;
};

void camera_hold(struct held_camera *held, unsigned int instance);
void camera_let_go(struct held_camera *held);

#endif
