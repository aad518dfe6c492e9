// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which memory a device can use with ksalloc. libks tries it on the device; this file has the
 * sentences for what it found.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ks/ks.h>

#include "hints.h"
#include "memory.h"
#include "say.h"
#include "v4l2.h"

/* A request for zero buffers changes nothing. It fails with EINVAL if it is for other memory */
static bool refuses_dmabuf(int fd, __u32 type)
{
	struct v4l2_requestbuffers request = {
		.type = type,
		.memory = V4L2_MEMORY_DMABUF,
	};

	return v4l2_call(fd, VIDIOC_REQBUFS, &request) == -EINVAL;
}

bool memory_is_missing(int connection, int fd, __u32 type)
{
	struct ksallocator_framing_ex framing = {};
	struct ksallocator_framing needs = {};
	__u32 size = sizeof(framing);

	if (ks_get_framing_ex(connection, &framing, &size) || ks_get_framing(connection, &needs))
		return false;
	if (!framing.count_items)
		return true;
	/* The only item is memory of a heap */
	return framing.count_items == 1 &&
	       needs.requirements_flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY &&
	       refuses_dmabuf(fd, type);
}

static void describe_refusal(const struct ks_memory_attempt *attempt, char text[MEMORY_TEXT])
{
	switch (attempt->refusal) {
	case KSALLOC_REFUSAL_IMPORT:
		snprintf(text, MEMORY_TEXT, "its driver cannot import memory");
		break;
	case KSALLOC_REFUSAL_COUNT:
		snprintf(text, MEMORY_TEXT, "its driver can have only %u buffers",
			 attempt->frame);
		break;
	case KSALLOC_REFUSAL_MAP:
		snprintf(text, MEMORY_TEXT, "its driver refuses it%s",
			 attempt->help == LIBKS_HELP_CONTIGUOUS ?
			 ", because it is not contiguous" :
			 attempt->error == -ENOMEM ? ", because memory is short" : "");
		break;
	default:
		snprintf(text, MEMORY_TEXT, "%s", strerror(-attempt->error));
	}
}

static void describe_create(const struct ks_memory_attempt *attempt, char text[MEMORY_TEXT])
{
	if (attempt->help == LIBKS_HELP_LESS)
		snprintf(text, MEMORY_TEXT,
			 "too little memory, or more than the limit of this user");
	else if (attempt->help != LIBKS_HELP_OTHER_MEMORY)
		snprintf(text, MEMORY_TEXT, "%s", strerror(-attempt->error));
	else if (attempt->kind == LIBKS_MEMORY_DEVICE)
		snprintf(text, MEMORY_TEXT, "its driver cannot export it, or has fewer buffers");
	else
		snprintf(text, MEMORY_TEXT, "its driver cannot import memory");
}

static void describe(const struct ks_memory_attempt *attempt, char text[MEMORY_TEXT])
{
	switch (attempt->step) {
	case LIBKS_MEMORY_OPEN:
		if (attempt->name[0])
			snprintf(text, MEMORY_TEXT, "cannot be opened: %s",
				 strerror(-attempt->error));
		else
			snprintf(text, MEMORY_TEXT, "this kernel has none");
		break;
	case LIBKS_MEMORY_ALLOCATE:
		snprintf(text, MEMORY_TEXT, "no memory for frame %u: %s", attempt->frame,
			 strerror(-attempt->error));
		break;
	case LIBKS_MEMORY_CREATE:
		describe_create(attempt, text);
		break;
	case LIBKS_MEMORY_ACQUIRE:
		describe_refusal(attempt, text);
		break;
	default:
		snprintf(text, MEMORY_TEXT, "can be used");
	}
}

void memory_describe(const struct ks_memory_attempt *attempt, char text[MEMORY_TEXT])
{
	char result[MEMORY_TEXT];

	describe(attempt, result);
	switch (attempt->kind) {
	case LIBKS_MEMORY_UDMABUF:
		snprintf(text, MEMORY_TEXT, "%s: %.128s", LIBKS_UDMABUF_DEVICE, result);
		break;
	case LIBKS_MEMORY_DEVICE:
		snprintf(text, MEMORY_TEXT, "its own memory: %.128s", result);
		break;
	default:
		snprintf(text, MEMORY_TEXT, "heap %s: %.128s",
			 attempt->name[0] ? attempt->name : "(any)", result);
	}
}

/* The path of what an attempt opens */
static void path_of(const struct ks_memory_attempt *attempt, char path[300])
{
	if (attempt->kind == LIBKS_MEMORY_UDMABUF)
		snprintf(path, 300, "%s", LIBKS_UDMABUF_DEVICE);
	else if (strchr(attempt->name, '/'))
		snprintf(path, 300, "%s", attempt->name);
	else
		snprintf(path, 300, "%s/%s", LIBKS_HEAP_DIR, attempt->name);
}

static void advise_named(const struct ks_memory_attempt *attempt)
{
	char path[300];

	path_of(attempt, path);
	if (attempt->kind == LIBKS_MEMORY_HEAP && attempt->step <= LIBKS_MEMORY_ALLOCATE) {
		if (attempt->step == LIBKS_MEMORY_ALLOCATE && !hint_is_heap(path))
			say_advice("%s is not a dma-buf heap.", path);
		hint_heaps();
	}
	say_advice("Without -H, ks-capture finds memory that works.");
}

static bool has(const struct ks_memory_report *report, enum ks_memory_help help)
{
	__u32 i;

	for (i = 0; i < report->count; i++)
		if (report->attempt[i].help == help)
			return true;
	return false;
}

/* Of several that cannot be opened, the last is best: udmabuf, whose memory is charged */
static void advise_permission(const struct ks_memory_report *report)
{
	char path[300];
	__u32 i = report->count;

	while (report->attempt[--i].help != LIBKS_HELP_PERMISSION)
		;
	path_of(&report->attempt[i], path);
	hint_permission(path);
}

/* The limit of the module is for all programs of a user together */
static void advise_limit(const struct ks_memory_report *report)
{
	__u32 i = 0;

	while (i < report->count && (report->attempt[i].step != LIBKS_MEMORY_CREATE ||
				     report->attempt[i].help != LIBKS_HELP_LESS))
		i++;
	if (i == report->count)
		return;
	say_advice("Other programs of this user may have a part of the limit: it is the parameter");
	say_advice("max_mbytes of the module ksalloc (0: half of the memory of the machine).");
}

void memory_advise(const struct ks_memory_report *report)
{
	if (has(report, LIBKS_HELP_PERMISSION))
		advise_permission(report);
	if (has(report, LIBKS_HELP_LESS))
		say_advice("Use fewer frames (-b) or smaller pictures (-s).");
	advise_limit(report);
	if (has(report, LIBKS_HELP_CONTIGUOUS))
		say_advice("A heap with contiguous memory may help (CONFIG_DMABUF_HEAPS_CMA).");
	if (report->count == 1)
		advise_named(&report->attempt[0]);
	else if (has(report, LIBKS_HELP_KERNEL))
		say_advice("Most kernels have udmabuf: sudo modprobe udmabuf");
}

void memory_list(int connection, int indent)
{
	const struct ksallocator_framing framing = {};
	struct ks_memory_report report;
	char text[MEMORY_TEXT];
	__u32 i;
	int ret;

	ret = ks_try_memory(connection, &framing, &report);
	if (ret)
		printf("%*smemory: not known: %s\n", indent, "",
		       ret == -EBUSY ? "another program captures from it" : strerror(-ret));
	for (i = 0; !ret && i < report.count; i++) {
		memory_describe(&report.attempt[i], text);
		printf("%*s%s\n", indent, "", text);
	}
}
