/* SPDX-License-Identifier: GPL-2.0-only */
/* PNG pictures. */
#ifndef PNGFILE_H
#define PNGFILE_H

#include "output.h"

/*
 * Writes a frame as a picture. Returns 0 or a negative errno value; -EIO after printing the
 * error of libpng.
 */
int pngfile_write(struct output *output, const struct image *image);

#endif /* PNGFILE_H */
