/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random calls of all ioctls, with random files and arguments. Most of them can succeed.
 */
#ifndef SELFTESTS_ANYTHING_H
#define SELFTESTS_ANYTHING_H

#include <unistd.h>

#include "ioctls.h"
#include "rough.h"

/*
 * Descriptor numbers that are used, closed and replaced all the time: some for each kind of
 * file, and some for other files.
 */
#define SLOTS_EACH 4
#define OTHER FILE_NONE
#define SLOTS (FILE_KINDS * SLOTS_EACH)
#define FIRST_SLOT 300

#define PAGE ((unsigned int)getpagesize())

/* The state of a caller */
struct caller {
	unsigned int seed, first_seed;
	/* The last frame and event that it got */
	unsigned int index, event;
	/* The last buffer that it got from the node of a share, and where another one is mapped */
	unsigned int buffer, offset;
	/* The frame size that its connection needs */
	unsigned int frame_size;
	/* The result can be lost, so no descriptor may be in it */
	bool no_descriptor;
	/* Two pages, an inaccessible one, and a read-only one */
	unsigned char *pages;
};

void caller_prepare(struct caller *caller, unsigned int seed,
		    unsigned int frame_size);
/* The descriptor with a number below SLOTS */
int slot(unsigned int number);
int any_fd(unsigned int *seed, enum file_kind kind);
/* Addresses that fit into the page, do not fit, or cannot be written */
__u64 any_room(struct caller *caller);
const struct ioctl_entry *any_command(struct caller *caller);
/* Mostly @right */
unsigned long any_request(unsigned int *seed, unsigned long right);
/*
 * Makes an argument and returns its address. It ends at the inaccessible page, so a read
 * beyond it faults.
 */
void *make_argument(struct caller *caller, const struct ioctl_entry *command);

#endif
