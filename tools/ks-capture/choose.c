// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choice of a pixel format. The current format of the device is used if possible. Otherwise
 * the table of formats shows which one is best.
 */
#include <stddef.h>

#include "choose.h"
#include "pixel.h"

bool output_can_use(enum output_kind kind, __u32 fourcc)
{
	const struct pixel_format *format = pixel_format_find(fourcc);

	switch (kind) {
	case OUTPUT_NONE:
	case OUTPUT_RAW:
		return true;
	case OUTPUT_PNG:
		return format && format->kind != PIXEL_JPEG;
	case OUTPUT_Y4M:
		return format && (format->kind == PIXEL_YUV || format->kind == PIXEL_GREY);
	case OUTPUT_JPEG:
		return format && format->kind == PIXEL_JPEG;
	}
	return false;
}

/* Without an interpretation of the samples, the planes do not matter */
bool output_can_use_planes(enum output_kind kind, __u32 fourcc, unsigned int planes)
{
	if (!output_can_use(kind, fourcc))
		return false;
	return kind == OUTPUT_NONE || kind == OUTPUT_RAW || planes == pixel_memory_planes(fourcc);
}

bool offer_can_use(const struct offer *offer, enum output_kind kind)
{
	return output_can_use_planes(kind, offer->fourcc, offer->planes);
}

/*
 * Lower is better. Formats that are not in the table come last, and those with separate planes
 * after the same in one piece, which can be submitted faster
 */
static unsigned int rank(const struct offer *offer)
{
	const struct pixel_format *format, *wanted = pixel_format_find(offer->fourcc);
	unsigned int i;

	for (i = 0; (format = pixel_format_at(i)); i++)
		if (format == wanted)
			break;
	return 2 * i + (offer->planes > 1);
}

static bool is_better(const struct offer *a, const struct offer *b, __u32 current)
{
	if (a->has_size != b->has_size)
		return a->has_size;
	if (a->fourcc != b->fourcc && (a->fourcc == current || b->fourcc == current))
		return a->fourcc == current;
	if (a->emulated != b->emulated)
		return b->emulated;
	return rank(a) < rank(b);
}

__u32 choose_format(const struct offer *offers, unsigned int count, __u32 current,
		    enum output_kind kind)
{
	const struct offer *best = NULL;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!offer_can_use(&offers[i], kind))
			continue;
		if (!best || is_better(&offers[i], best, current))
			best = &offers[i];
	}
	return best ? best->fourcc : 0;
}
