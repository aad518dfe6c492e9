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
#include "say.h"
#include "source.h"
#include "v4l2.h"

/* Default maximum number of buffers in the queue of a driver */
#define DRIVER_BUFFERS 32

/* Advice that does not depend on the call */
static void explain_other(const struct device *device, int err)
{
	switch (err) {
	case -ENODEV:
		say_advice("Was it unplugged?");
		break;
	case -EMFILE:
	case -ENFILE:
		say_advice("Each frame has a file descriptor: raise the limit (ulimit -n), or use");
		say_advice("fewer frames (-b).");
		break;
	case -ENOMEM:
		say_advice("Not enough memory: use fewer frames (-b) or a smaller size (-s).");
		break;
	case -EACCES:
	case -EPERM:
		hint_permission(device->path);
		break;
	default:
		hint_log();
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
	switch (err) {
	case -EOPNOTSUPP:
		say_advice("It does not support streaming I/O, which ksalloc needs.");
		break;
	case -EINVAL:
		say_advice("Programs can send pictures to this node as well (memory to memory,");
		say_advice("loopback). ksalloc uses nodes that only capture.");
		say_advice("If the pictures come from a camera, use the node of that camera.");
		break;
	case -EBUSY:
		say_advice("Its driver allows only one open file; ksalloc needs another one.");
		break;
	default:
		explain_other(device, err);
		return;
	}
	say_advice("ks-capture --list shows which cameras can be used.");
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

static void explain_ksalloc(const struct device *device, int err)
{
	say_error("cannot open %s: %s", LIBKS_DEVICE, strerror(-err));
	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		hint_module();
	else if (err == -EACCES || err == -EPERM)
		hint_permission(LIBKS_DEVICE);
	else
		explain_other(device, err);
}

static void heap_path(const char *heap, char path[300])
{
	snprintf(path, 300, "%s%s%s", strchr(heap, '/') ? "" : LIBKS_HEAP_DIR,
		 strchr(heap, '/') ? "" : "/", heap);
}

static void explain_heap(const char *heap, int err)
{
	char path[300];

	heap_path(heap, path);
	say_error("cannot open the heap %s: %s", heap, strerror(-err));
	if (err == -EACCES || err == -EPERM)
		hint_permission(path);
	else
		hint_heaps();
}

static const char *heap_of(const struct options *options)
{
	return options->heap ? options->heap : HEAP_USUAL;
}

static bool is_own(const struct options *options)
{
	return !strcmp(heap_of(options), HEAP_DEVICE);
}

/* Only if a heap was requested; else own memory has been tried */
static void advise_own(const struct options *options)
{
	if (options->heap)
		say_advice("-H device uses the device's own memory.");
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
	char path[300];

	heap_path(heap_of(options), path);
	if (options->buffers && options->buffers < needs) {
		say_advice("The device needs at least %u: -b %u", needs, needs);
	} else if (!is_own(options) && !hint_is_heap(path)) {
		say_advice("%s is not a dma-buf heap.", path);
		hint_heaps();
	} else if (!explain_changed_format(device)) {
		hint_log();
	}
}

static void explain_no_memory(const struct device *device, const struct options *options)
{
	if (is_own(options)) {
		say_advice("Its driver cannot export its memory, or has fewer buffers.");
		say_advice("Try a smaller -b, or a heap: -H %s", HEAP_USUAL);
		return;
	}
	say_advice("%s can use only its own memory.", device->path);
	advise_own(options);
	say_advice("ks-capture --list shows which cameras can be used.");
}

static void explain_create(const struct device *device, const struct options *options, int err)
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
	case -ENOMEM:
		say_advice("Too little memory for so many frames, or more than the module's limit");
		say_advice("(/sys/module/ksalloc/parameters/max_mbytes). Use fewer with -b.");
		break;
	case -EOPNOTSUPP:
		explain_no_memory(device, options);
		break;
	case -EBUSY:
		say_advice("Another program is capturing from it.");
		hint_holders(device->path);
		break;
	default:
		explain_other(device, err);
	}
}

static void explain_setup(const struct device *device, int err)
{
	say_error("cannot set up the frames: %s", strerror(-err));
	if ((err == -EINVAL || err == -EOPNOTSUPP) && explain_changed_format(device))
		return;
	explain_other(device, err);
}

static void explain_open(const struct device *device, const struct options *options,
			 enum ks_stream_step step, int err)
{
	switch (step) {
	case LIBKS_STEP_OPEN:
		explain_ksalloc(device, err);
		break;
	case LIBKS_STEP_CONNECT:
		explain_connect(device, err);
		break;
	case LIBKS_STEP_HEAP:
		explain_heap(heap_of(options), err);
		break;
	case LIBKS_STEP_CREATE:
		explain_create(device, options, err);
		break;
	default:
		explain_setup(device, err);
	}
}

static void explain_memory(const struct options *options)
{
	if (options->buffers > DRIVER_BUFFERS) {
		say_advice("The driver may allow fewer buffers: try a smaller -b.");
		return;
	}
	say_advice("It cannot use the memory of the heap %s.", heap_of(options));
	say_advice("Many cameras need contiguous memory (CONFIG_DMABUF_HEAPS_CMA).");
	hint_heaps();
	advise_own(options);
}

static void explain_start(const struct device *device, const struct options *options, int err)
{
	say_error("cannot start %s: %s", device->path, strerror(-err));
	switch (err) {
	case -EBUSY:
		say_advice("Another program captures from it now.");
		hint_holders(device->path);
		break;
	case -EOPNOTSUPP:
		if (is_own(options))
			hint_log();
		else
			explain_memory(options);
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
		hint_media(device);
		break;
	case -ENOLINK:
		say_advice("No camera is linked to this node.");
		hint_media(device);
		break;
	case -ENOSPC:
		say_advice("Its USB bus is too busy: choose a smaller size or rate, another port.");
		break;
	default:
		explain_other(device, err);
	}
}

void explain_failure(const struct device *device, const struct options *options,
		     const struct failure *failure)
{
	if (failure->err == -EOPNOTSUPP &&
	    (failure->starts || failure->step == LIBKS_STEP_CREATE) &&
	    explain_memory_missing(device))
		return;
	if (failure->starts)
		explain_start(device, options, failure->err);
	else
		explain_open(device, options, failure->step, failure->err);
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
		explain_other(device, err);
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
			explain_other(device, err);
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
