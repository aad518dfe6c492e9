/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For each ioctl, a call that succeeds, and how to undo it.
 *
 * A new ioctl needs an entry in usage.c only if an argument of zeroes is not valid, or if
 * the call has another effect than a new descriptor.
 */
#ifndef SELFTESTS_USAGE_H
#define SELFTESTS_USAGE_H

#include "ioctls.h"
#include "ksalloc_test.h"

/* Value of the bytes of out fields before a call */
#define FILLER 0xa5

/* A running connection, and another one in STOP */
FIXTURE(abi) {
	struct rig rig;
	int spare_video;	/* of the other camera, not connected */
	int idle_video;		/* of the other camera, connected */
	int idle_connection;	/* in STOP */
	int fed_connection;	/* of the other camera, in PAUSE, with frames that circulate */
	int reader;		/* of fed_connection */
	int eventfd;
	int dmabuf;		/* of the frame that is submitted, or -1 */
};

/* A file for calls on a kind of file, or for an ioctl */
int usage_fd(const struct abi_fixture *self, enum file_kind kind);
int usage_op_fd(const struct abi_fixture *self, const struct ioctl_entry *op);
/* Fills in an argument for a call that succeeds. */
void usage_fill(struct abi_fixture *self, const struct ioctl_entry *op, void *arg);
/* Undoes a call, whether it succeeded or failed. */
void usage_undo(struct abi_fixture *self, const struct ioctl_entry *op,
		const void *arg, int result);

#endif
