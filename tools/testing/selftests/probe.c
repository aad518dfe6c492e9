// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "ksalloc_test.h"

#define GROUP "ksalloc_selftests"
#define EVENTS TRACING "/kprobe_events"
#define NAME_SIZE 64

/* An event has the name of its function */
static const char *event_of(const char *function)
{
	const char *colon = strchr(function, ':');

	return colon ? colon + 1 : function;
}

static int enable(const char *event, const char *value)
{
	char path[sizeof(TRACING "/events/" GROUP "//enable") + NAME_SIZE];

	snprintf(path, sizeof(path), TRACING "/events/" GROUP "/%s/enable", event);
	return write_text(path, value);
}

bool probe_begin(const char *function)
{
	const char *event = event_of(function);
	char text[3 * NAME_SIZE];

	ASSERT_GT(NAME_SIZE, strlen(function));
	/* A test that was killed leaves the event */
	probe_end(function);
	snprintf(text, sizeof(text), "p:" GROUP "/%s %s", event, function);
	if (write_text(EVENTS, text))
		return false;
	ASSERT_EQ(0, enable(event, "1"));
	return true;
}

int probe_count(const char *function)
{
	const char *event = event_of(function);
	char text[4096], name[NAME_SIZE], *line, *rest;
	int calls, missed, size, fields;

	size = read_text(TRACING "/kprobe_profile", text, sizeof(text));
	ASSERT_LT(0, size);
	ASSERT_GT((int)sizeof(text) - 1, size);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		fields = sscanf(line, "%63s %d %d", name, &calls, &missed);
		ASSERT_EQ(3, fields);
		if (strcmp(name, event))
			continue;
		ASSERT_EQ(0, missed);
		return calls;
	}
	ASSERT_TRUE(!"the function is counted");
	return 0;
}

void probe_end(const char *function)
{
	const char *event = event_of(function);
	char text[2 * NAME_SIZE];

	enable(event, "0");
	snprintf(text, sizeof(text), "-:" GROUP "/%s", event);
	write_text(EVENTS, text);
}

static const char *const mapping_functions[] = {
	"dma_buf_vmap",
	"dma_buf_vmap_unlocked",
	"dma_buf_map_attachment",
	"dma_buf_map_attachment_unlocked",
};

#define MAPPING_FUNCTIONS (sizeof(mapping_functions) / sizeof(*mapping_functions))

bool probe_maps_begin(void)
{
	unsigned int i;

	for (i = 0; i < MAPPING_FUNCTIONS; i++)
		if (!probe_begin(mapping_functions[i]))
			return false;
	return true;
}

int probe_maps_count(void)
{
	unsigned int i;
	int maps = 0;

	for (i = 0; i < MAPPING_FUNCTIONS; i++)
		maps += probe_count(mapping_functions[i]);
	return maps;
}

void probe_maps_end(void)
{
	unsigned int i;

	for (i = 0; i < MAPPING_FUNCTIONS; i++)
		probe_end(mapping_functions[i]);
}
