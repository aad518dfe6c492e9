/* SPDX-License-Identifier: GPL-2.0-only */
/* Choice and configuration of the format of a device. */
#ifndef FORMAT_H
#define FORMAT_H

#include "device.h"
#include "v4l2.h"

/* These return an exit status, and print errors */
int format_set(struct device *device, const struct options *options, struct format *got);
/* Checks whether frames of this format can be used. device->picture must be set */
int format_check(const struct device *device, const struct options *options,
		 const struct format *got);

/* Prints why @what could not be set */
int format_explain(const struct device *device, const char *what, int err);

#endif /* FORMAT_H */
