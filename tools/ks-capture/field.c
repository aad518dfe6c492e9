// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interlaced video. A driver delivers both fields in one buffer, either with interleaved
 * rows or one field after the other; or each field in its own buffer.
 */
#include <linux/videodev2.h>

#include "field.h"
#include "say.h"

const char *field_name(__u32 field)
{
	static const char * const names[] = {
		[V4L2_FIELD_ANY] = "unknown",
		[V4L2_FIELD_NONE] = "progressive",
		[V4L2_FIELD_TOP] = "top",
		[V4L2_FIELD_BOTTOM] = "bottom",
		[V4L2_FIELD_INTERLACED] = "interlaced",
		[V4L2_FIELD_SEQ_TB] = "sequential-tb",
		[V4L2_FIELD_SEQ_BT] = "sequential-bt",
		[V4L2_FIELD_ALTERNATE] = "alternate",
		[V4L2_FIELD_INTERLACED_TB] = "interlaced-tb",
		[V4L2_FIELD_INTERLACED_BT] = "interlaced-bt",
	};

	return field < ARRAY_SIZE(names) ? names[field] : names[V4L2_FIELD_ANY];
}

bool field_is_half(__u32 field)
{
	return field == V4L2_FIELD_TOP || field == V4L2_FIELD_BOTTOM ||
	       field == V4L2_FIELD_ALTERNATE;
}

enum row_order field_rows(__u32 field)
{
	switch (field) {
	case V4L2_FIELD_SEQ_TB:
		return ROWS_TOP_FIRST;
	case V4L2_FIELD_SEQ_BT:
		return ROWS_BOTTOM_FIRST;
	default:
		return ROWS_IN_TURN;
	}
}

struct rate field_rate(__u32 field, struct rate frames)
{
	if (field == V4L2_FIELD_ALTERNATE)
		return rate_of(2 * frames.num, frames.den);
	return frames;
}

const char *field_noun(__u32 field, unsigned long count)
{
	if (field_is_half(field))
		return count == 1 ? "field" : "fields";
	return count == 1 ? "frame" : "frames";
}
