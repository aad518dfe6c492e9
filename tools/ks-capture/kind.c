// SPDX-License-Identifier: GPL-2.0-only
/* Kinds of output. */
#include <strings.h>

#include "kind.h"
#include "say.h"

static const struct {
	const char *name;
	enum output_kind kind;
} kinds[] = {
	{ "raw", OUTPUT_RAW },
	{ "png", OUTPUT_PNG },
	{ "y4m", OUTPUT_Y4M },
	{ "jpeg", OUTPUT_JPEG },
	{ "jpg", OUTPUT_JPEG },
	{ "mjpg", OUTPUT_JPEG },
	{ "mjpeg", OUTPUT_JPEG },
};

const char *output_kind_name(enum output_kind kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "none";
}

enum output_kind output_kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcasecmp(name, kinds[i].name))
			return kinds[i].kind;
	return OUTPUT_NONE;
}
