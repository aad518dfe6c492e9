/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of the formats that a device offers suits an output best. */
#ifndef CHOOSE_H
#define CHOOSE_H

#include <stdbool.h>

#include <linux/types.h>

#include "options.h"

/**
 * struct offer - a pixel format that the device has
 * @fourcc: the format
 * @emulated: made in software from another one
 * @has_size: it comes in the size that is asked for
 * @planes: in how many pieces of memory a frame lies; ksalloc takes one
 */
struct offer {
	__u32 fourcc;
	bool emulated;
	bool has_size;
	unsigned int planes;
};

/* Whether an output can be made from a format */
bool output_can_use(enum output_kind kind, __u32 fourcc);
/* Whether it can be made from what is offered */
bool offer_can_use(const struct offer *offer, enum output_kind kind);

/*
 * The format to take where the user names none; 0 where none will do. @current
 * is the one that the device is set to. Where that cannot be used for its pieces, the
 * same in one piece counts as @current.
 */
__u32 choose_format(const struct offer *offers, unsigned int count, __u32 current,
		    enum output_kind kind);

#endif /* CHOOSE_H */
