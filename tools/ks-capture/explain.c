// SPDX-License-Identifier: GPL-2.0-only
/* Explanations of errors of ksalloc and of its stream, with advice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "hints.h"
#include "say.h"
#include "source.h"

/* Default maximum number of buffers in the queue of a driver */
#define DRIVER_BUFFERS 32

static void explain_connect(const struct device *device, int err)
{
	say_error("%s cannot be connected to ksalloc: %s", device->path, strerror(-err));
	if (err == -EOPNOTSUPP)
		say_advice("It does not support streaming I/O, which ksalloc needs.");
	else if (err == -EINVAL)
		say_advice("It is not a video capture node; see ks-capture --list.");
	else if (err == -EBUSY)
		say_advice("Its driver allows only one open file; ksalloc needs another one.");
}

static void explain_ksalloc(int err)
{
	say_error("cannot open %s: %s", LIBKS_DEVICE, strerror(-err));
	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		hint_module();
	else if (err == -EACCES || err == -EPERM)
		hint_permission(LIBKS_DEVICE);
}

static void explain_heap(const char *heap, int err)
{
	char path[300];

	say_error("cannot open the heap %s: %s", heap, strerror(-err));
	if (err == -ENOENT) {
		hint_heaps();
	} else if (err == -EACCES || err == -EPERM) {
		snprintf(path, sizeof(path), "%s%s%s", strchr(heap, '/') ? "" : LIBKS_HEAP_DIR,
			 strchr(heap, '/') ? "" : "/", heap);
		hint_permission(path);
	}
}

/* Number of frames that the device needs; 0 if that is unknown */
static unsigned int frames_needed(const struct device *device)
{
	struct ksallocator_framing framing = {};
	int ks, connection;

	ks = ks_open(NULL);
	if (ks < 0)
		return 0;
	connection = ks_connect(ks, device->fd);
	close(ks);
	if (connection < 0)
		return 0;
	ks_get_framing(connection, &framing);
	close(connection);
	return framing.frames;
}

static void explain_create(const struct device *device, const struct options *options, int err)
{
	unsigned int needs;

	/* "Argument list too long" would be misleading */
	say_error("cannot make the frames: %s", err == -E2BIG ? "too many" : strerror(-err));
	switch (err) {
	case -EINVAL:
		needs = frames_needed(device);
		if (options->buffers && options->buffers < needs)
			say_advice("The device needs at least %u: -b %u", needs, needs);
		else
			say_advice("%s may not be a dma-buf heap.", options->heap);
		break;
	case -E2BIG:
		say_advice("Use fewer with -b; the maximum is %d.", KSALLOC_MAX_FRAMES);
		break;
	case -ENOMEM:
		say_advice("Too little memory for so many frames, or more than the module's limit");
		say_advice("(/sys/module/ksalloc/parameters/max_mbytes). Use fewer with -b.");
		break;
	case -EOPNOTSUPP:
		say_advice("%s can use only its own memory.", device->path);
		break;
	}
}

void explain_open(const struct device *device, const struct options *options,
		  enum ks_stream_step step, int err)
{
	switch (step) {
	case LIBKS_STEP_OPEN:
		explain_ksalloc(err);
		break;
	case LIBKS_STEP_CONNECT:
		explain_connect(device, err);
		break;
	case LIBKS_STEP_HEAP:
		explain_heap(options->heap, err);
		break;
	case LIBKS_STEP_CREATE:
		explain_create(device, options, err);
		break;
	default:
		say_error("cannot set up the frames: %s", strerror(-err));
	}
}

void explain_start(const struct device *device, const struct options *options, int err)
{
	say_error("cannot start %s: %s", device->path, strerror(-err));
	switch (err) {
	case -EBUSY:
		say_advice("Another program captures from it now.");
		hint_holders(device->path);
		break;
	case -EOPNOTSUPP:
		if (options->buffers > DRIVER_BUFFERS) {
			say_advice("The driver may allow fewer buffers: try a smaller -b.");
			break;
		}
		say_advice("It cannot use the memory of the heap %s. Many cameras need",
			   options->heap);
		say_advice("contiguous memory (CONFIG_DMABUF_HEAPS_CMA).");
		hint_heaps();
		hint_heaps();
		break;
	case -EINVAL:
		say_advice("Its format was changed by another program just now; try again.");
		break;
	case -ENOSPC:
		say_advice("Its USB bus is too busy: choose a smaller size or rate, another port.");
		break;
	}
}

void explain_next(const struct device *device, const struct options *options, int err)
{
	const char *path = device->path;

	switch (err) {
	case -ETIMEDOUT:
		say_error("%s has sent no frame for %g s", path,
			  options->timeout_ms / 1000.0);
		source_advise(device);
		break;
	case -ENODEV:
		say_error("%s has disappeared", path);
		say_advice("Was it unplugged?");
		break;
	case -ECANCELED:
		say_error("%s was stopped by another program", path);
		break;
	default:
		say_error("%s sends no more frames: %s", path, strerror(-err));
	}
}

void explain_change(const struct device *device)
{
	say_error("%s: its source has changed", device->path);
	source_advise(device);
	say_advice("Capture again, or let ks-capture begin again by itself: --on-change restart");
}

void explain_damage(const struct device *device, const struct options *options,
		    const char *damage)
{
	say_error("%s has sent only damaged frames for %g s", device->path,
		  options->timeout_ms / 1000.0);
	say_advice("The last one: %s.", damage);
	say_advice("A smaller size or rate may help, or another cable, port or format (-f).");
	say_advice("--keep-damaged takes them as they are.");
}
