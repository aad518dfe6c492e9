/* SPDX-License-Identifier: GPL-2.0-only */
/* The choice of a pixel format among those that a device offers. */
#ifndef CHOOSE_H
#define CHOOSE_H

#include <stdbool.h>

#include <linux/types.h>

#include "options.h"

/**
 * struct offer - a pixel format that the device has
 * @fourcc: the format
 * @emulated: converted in software from another format
 * @has_size: available in the requested size
 * @planes: number of memory planes of a frame
 */
struct offer {
	__u32 fourcc;
	bool emulated;
	bool has_size;
	unsigned int planes;
};

/* Whether a format can be written to an output */
bool output_can_use(enum output_kind kind, __u32 fourcc);
/* Likewise, with the number of memory planes in which the device stores it */
bool output_can_use_planes(enum output_kind kind, __u32 fourcc, unsigned int planes);
/* Whether an offered format can be written to an output */
bool offer_can_use(const struct offer *offer, enum output_kind kind);

/*
 * The format to use if the user requests none; 0 if none can be used. @current is the
 * format that the device has now.
 */
__u32 choose_format(const struct offer *offers, unsigned int count, __u32 current,
		    enum output_kind kind);

#endif /* CHOOSE_H */
