/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random calls of all ioctls: which, of what file, and with what argument. Most are right
 * as far as one can tell beforehand.
 */
#ifndef SELFTESTS_ANYTHING_H
#define SELFTESTS_ANYTHING_H

#include "ioctls.h"
#include "rough.h"

/*
 * The descriptors that are called, passed, closed and made again all the time: so many
 * of each kind of file, and of no kind.
 */
#define SLOTS_EACH 4
#define OTHER FILE_NONE
#define SLOTS (FILE_KINDS * SLOTS_EACH)
#define FIRST_SLOT 300

#define PAGE 4096U

/* One who calls */
struct caller {
	unsigned int seed, first_seed;
	/* What he got last */
	unsigned int index, event;
	/* Bytes that a frame of his connection needs */
	unsigned int frame_size;
	/* Two pages, one that is not there, and one that cannot be written */
	unsigned char *pages;
};

void caller_prepare(struct caller *caller, unsigned int seed,
		    unsigned int frame_size);
/* The descriptor with a number below SLOTS */
int slot(unsigned int number);
int any_fd(unsigned int *seed, enum file_kind kind);
const struct ioctl_entry *any_command(struct caller *caller);
/* Mostly the right one */
unsigned long any_request(unsigned int *seed, unsigned long right);
/*
 * Makes an argument, and returns where it is. It ends where the second page does, so
 * that nobody reads more than there is.
 */
void *make_argument(struct caller *caller, const struct ioctl_entry *command);

#endif
