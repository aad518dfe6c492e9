/* SPDX-License-Identifier: GPL-2.0-only */
/* The two fields of interlaced video: V4L2_FIELD_* as text and numbers. */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>

#include <linux/types.h>

#include "parse.h"
#include "pixel.h"

/* A short name for the report */
const char *field_name(__u32 field);

/* Whether a picture is a single field, which has half of the lines of a frame */
bool field_is_half(__u32 field);
/* The order of the rows of a picture in memory */
enum row_order field_rows(__u32 field);

/* Pictures per second, if the device captures this number of frames per second */
struct rate field_rate(__u32 field, struct rate frames);

/* The noun for a number of pictures: "frames", "fields" */
const char *field_noun(__u32 field, unsigned long count);

#endif /* FIELD_H */
