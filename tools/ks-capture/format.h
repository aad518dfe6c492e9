/* SPDX-License-Identifier: GPL-2.0-only */
/* The choice of a format with a device, and setting it. */
#ifndef FORMAT_H
#define FORMAT_H

#include "device.h"
#include "v4l2.h"

/* These return an exit status, having said what is wrong */
int format_set(struct device *device, const struct options *options, struct format *got);
/* Whether frames of this format can be used; after device->picture is filled */
int format_check(const struct device *device, const struct options *options,
		 const struct format *got);

/* Says why @what could not be set */
int format_explain(const struct device *device, const char *what, int err);

#endif /* FORMAT_H */
