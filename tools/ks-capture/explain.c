// SPDX-License-Identifier: GPL-2.0-only
/*
 * Explanations of errors of ksalloc and of its stream, with advice. One errno has several
 * reasons, so the state of the device and of the heap is checked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "hints.h"
#include "memory.h"
#include "pipeline.h"
#include "say.h"
#include "source.h"
#include "v4l2.h"

/* Advice that does not depend on the call */
static void explain_other(int err)
{
	switch (err) {
	case -EMFILE:
	case -ENFILE:
		say_advice("Each frame has a file descriptor: raise the limit (ulimit -n), or use");
		say_advice("fewer frames (-b).");
		break;
	case -ENOMEM:
		say_advice("Not enough memory: use fewer frames (-b) or a smaller size (-s).");
		break;
	default:
		hint_other(err);
	}
}

/* Makes another connection, to query the device */
static int connect_again(const struct device *device)
{
	int ks, connection;

	ks = ks_open(NULL);
	if (ks < 0)
		return ks;
	connection = ks_connect(ks, device->fd);
	close(ks);
	return connection;
}

static void explain_connect(const struct device *device, int err)
{
	say_error("%s cannot be connected to ksalloc: %s", device->path, strerror(-err));
	if (!hint_connect(device->fd, err))
		explain_other(err);
}

bool explain_refused(const struct device *device)
{
	int connection = connect_again(device);

	if (connection >= 0)
		close(connection);
	/* Other errors can be temporary */
	if (connection != -EINVAL && connection != -EOPNOTSUPP)
		return false;
	explain_connect(device, connection);
	return true;
}

static void explain_ksalloc(int err)
{
	say_error("cannot open %s: %s", LIBKS_DEVICE, strerror(-err));
	if (!hint_ksalloc(err))
		explain_other(err);
}

/* Number of frames that the device needs; 0 if that is unknown */
static unsigned int frames_needed(const struct device *device)
{
	struct ksallocator_framing framing = {};
	int connection = connect_again(device);

	if (connection < 0)
		return 0;
	ks_get_framing(connection, &framing);
	close(connection);
	return framing.frames;
}

bool explain_memory_missing(const struct device *device)
{
	int connection = connect_again(device);
	bool missing;

	if (connection < 0)
		return false;
	missing = memory_is_missing(connection, device->fd, device->type);
	close(connection);
	if (!missing)
		return false;
	say_error("%s cannot be used with ksalloc", device->path);
	say_advice("Its driver can neither import nor export memory (dma-bufs).");
	say_advice("A program that copies each picture can use it: v4l2-ctl -d %s --stream-mmap",
		   device->path);
	say_advice("ks-capture --list shows which cameras can be used here.");
	return true;
}

/* Returns whether the format has changed, and prints it */
static bool explain_changed_format(const struct device *device)
{
	struct v4l2_format v4l2 = { .type = device->type };
	const struct picture *picture = &device->picture;
	char code[FOURCC_TEXT];
	struct format is;

	if (v4l2_call(device->fd, VIDIOC_G_FMT, &v4l2))
		return false;
	is = v4l2_read(&v4l2);
	if (is.fourcc == device->fourcc && is.width == picture->width &&
	    is.height == picture->height)
		return false;
	say_advice("Another program has changed its format, to %s %ux%u. Try again.",
		   fourcc_text(is.fourcc, code), is.width, is.height);
	return true;
}

static void explain_create_invalid(const struct device *device, const struct options *options)
{
	unsigned int needs = frames_needed(device);

	if (options->buffers && options->buffers < needs)
		say_advice("The device needs at least %u: -b %u", needs, needs);
	else if (!explain_changed_format(device))
		hint_log();
}

/* The memory does not matter for these errors */
static void explain_frames(const struct device *device, const struct options *options, int err)
{
	/* "Argument list too long" would be misleading */
	say_error("cannot make the frames: %s", err == -E2BIG ? "too many" : strerror(-err));
	switch (err) {
	case -EINVAL:
		explain_create_invalid(device, options);
		break;
	case -E2BIG:
		say_advice("Use fewer with -b; the maximum is %d.", KSALLOC_MAX_FRAMES);
		break;
	case -EBUSY:
		hint_busy(device->path);
		break;
	default:
		explain_other(err);
	}
}

/* The reasons one by one, and what helps */
static void explain_memory(const struct device *device, const struct ks_memory_report *memory)
{
	char text[MEMORY_TEXT];
	__u32 i;

	if (memory->count == 1)
		say_error("%s cannot use the memory of -H", device->path);
	else
		say_error("%s cannot use any memory of this machine", device->path);
	for (i = 0; i < memory->count; i++) {
		memory_describe(&memory->attempt[i], text);
		say_advice("%s", text);
	}
	memory_advise(memory);
}

static void explain_setup(const struct device *device, int err)
{
	say_error("cannot set up the frames: %s", strerror(-err));
	if ((err == -EINVAL || err == -EOPNOTSUPP) && explain_changed_format(device))
		return;
	explain_other(err);
}

/* Whether other memory could be better */
static bool is_about_memory(const struct failure *failure)
{
	const struct ks_memory_report *memory = &failure->memory;
	enum ks_memory_help help;

	if (failure->starts || !memory->count)
		return false;
	help = memory->attempt[memory->count - 1].help;
	return help != LIBKS_HELP_LATER && help != LIBKS_HELP_NONE;
}

static void explain_open(const struct device *device, const struct options *options,
			 const struct failure *failure)
{
	switch (failure->step) {
	case LIBKS_STEP_OPEN:
		explain_ksalloc(failure->err);
		break;
	case LIBKS_STEP_CONNECT:
		explain_connect(device, failure->err);
		break;
	case LIBKS_STEP_HEAP:
	case LIBKS_STEP_CREATE:
	case LIBKS_STEP_ACQUIRE:
		if (is_about_memory(failure))
			explain_memory(device, &failure->memory);
		else
			explain_frames(device, options, failure->err);
		break;
	default:
		explain_setup(device, failure->err);
	}
}

static void explain_start(const struct device *device, int err)
{
	say_error("cannot start %s: %s", device->path, strerror(-err));
	switch (err) {
	case -EBUSY:
		hint_busy(device->path);
		break;
	case -EINVAL:
		if (explain_changed_format(device))
			break;
		say_advice("Its driver cannot start with this format. Another one (-f) or another");
		say_advice("size (-s) may work: ks-capture -d %s --list-formats", device->path);
		break;
	case -EPIPE:
		say_advice("Two linked parts of the camera, or its last part and this node,");
		say_advice("have different formats or sizes, or a link is missing.");
		pipeline_hint(device);
		break;
	case -ENOLINK:
		say_advice("No camera is linked to this node.");
		pipeline_hint(device);
		break;
	case -ENOSPC:
		say_advice("Its USB bus is too busy: choose a smaller size or rate, another port.");
		break;
	default:
		explain_other(err);
	}
}

void explain_failure(const struct device *device, const struct options *options,
		     const struct failure *failure)
{
	if (failure->err == -EOPNOTSUPP && is_about_memory(failure) &&
	    explain_memory_missing(device))
		return;
	if (failure->starts)
		explain_start(device, failure->err);
	else
		explain_open(device, options, failure);
}

void explain_next(const struct device *device, const struct options *options, int err)
{
	const char *path = device->path;

	switch (err) {
	case -ETIMEDOUT:
		say_error("%s has sent no frame for %g s", path, options->timeout_ms / 1000.0);
		if (source_look(device) != SIGNAL_RIGHT)
			source_advise(device);
		else
			say_advice("--timeout waits longer. If it is stuck, plug it in again.");
		break;
	case -ENODEV:
		say_error("%s has disappeared", path);
		explain_other(err);
		break;
	case -ECANCELED:
		say_error("%s was stopped by another program", path);
		say_advice("Try again when that program has ended.");
		break;
	default:
		say_error("%s sends no more frames: %s", path, strerror(-err));
		if (source_look(device) != SIGNAL_RIGHT)
			source_advise(device);
		else
			explain_other(err);
	}
}

void explain_change(const struct device *device)
{
	say_error("%s: its source has changed", device->path);
	source_advise(device);
	say_advice("Capture again, or let ks-capture restart the capture: --on-change restart");
}

void explain_damage(const struct device *device, const struct options *options,
		    const char *damage)
{
	say_error("%s has sent only damaged frames for %g s", device->path,
		  options->timeout_ms / 1000.0);
	say_advice("The last one: %s.", damage);
	say_advice("A smaller size or rate may help, or another cable, port or format (-f).");
	say_advice("--keep-damaged uses them nevertheless.");
}
