/* SPDX-License-Identifier: GPL-2.0-only */
/* Pictures and the two fields of interlaced video: V4L2_FIELD_* in words and numbers. */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>

#include <linux/types.h>

#include "parse.h"
#include "pixel.h"

/* A short name, for the report */
const char *field_name(__u32 field);

/* Whether a picture is one field, which has half of a frame's lines */
bool field_is_half(__u32 field);
/* How the rows of a picture lie in memory */
enum row_order field_rows(__u32 field);

/* How many pictures come in a second, where the device sends so many frames */
struct rate field_rate(__u32 field, struct rate frames);

/* What the picture is called in a count: "frames", "fields" */
const char *field_noun(__u32 field, unsigned long count);

#endif /* FIELD_H */
