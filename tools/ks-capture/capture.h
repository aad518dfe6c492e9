/* SPDX-License-Identifier: GPL-2.0-only */
/* The capture: from the command line's wishes to the last frame. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "options.h"

/* Returns an exit status, having said what is wrong */
int capture(const struct options *options);

#endif /* CAPTURE_H */
