/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture, from the options to the last frame. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "options.h"

/* Returns an exit status, and prints errors */
int capture(const struct options *options);

#endif /* CAPTURE_H */
