/* SPDX-License-Identifier: GPL-2.0-only */
/* The signal at the input of a device, which can change or disappear. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>

#include "device.h"

/**
 * enum signal - the signal at the input, compared with the settings of the device
 * @SIGNAL_RIGHT: the signal matches, or the device does not report it
 * @SIGNAL_OTHER: the signal has other timings or another standard
 * @SIGNAL_NONE: there is no signal
 * @SIGNAL_UNSTABLE: the device cannot lock to the signal
 * @SIGNAL_UNFIT: the device does not support the signal
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
 * Sets the device to the signal of its source, and subscribes to changes. Returns an exit
 * status, and prints errors.
 */
int source_set_up(struct device *device, const struct options *options);

/* Whether there was a change event since the last call */
bool source_has_changed(const struct device *device);

/* After an error, prints what is wrong with the signal, and how to fix it */
void source_advise(const struct device *device);

#endif /* SOURCE_H */
