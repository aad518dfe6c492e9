/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device receives: the signal at its input, which can change or go. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>

#include "device.h"

/**
 * enum signal - what there is at the input
 * @SIGNAL_RIGHT: what the device is set to, as far as it tells
 * @SIGNAL_OTHER: something else
 * @SIGNAL_NONE: nothing
 * @SIGNAL_UNSTABLE: something that the device cannot lock to
 * @SIGNAL_UNFIT: something that is beyond what the device can
 */
enum signal {
	SIGNAL_RIGHT,
	SIGNAL_OTHER,
	SIGNAL_NONE,
	SIGNAL_UNSTABLE,
	SIGNAL_UNFIT,
};

enum signal source_look(const struct device *device);

/*
 * Set the device to what its source sends, and watch for changes of it. Returns an exit
 * status, having said what is wrong.
 */
int source_set_up(struct device *device, const struct options *options);

/* Whether the device has told of a change since the last call */
bool source_has_changed(const struct device *device);

/* Says what the signal is now, and what to do about it, after an error */
void source_advise(const struct device *device);

#endif /* SOURCE_H */
