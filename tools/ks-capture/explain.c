// SPDX-License-Identifier: GPL-2.0-only
/* Why ksalloc or its stream could not be had, and what to do about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "hints.h"
#include "say.h"

/* What a driver's queue has room for, if it does not ask for more */
#define DRIVER_BUFFERS 32

static void explain_connect(const struct device *device, int err)
{
	say_error("%s cannot be connected to ksalloc: %s", device->path, strerror(-err));
	if (err == -EOPNOTSUPP)
		say_advice("It has no buffers that a program can queue, as ksalloc needs them.");
	else if (err == -EINVAL)
		say_advice("It is no video capture node; see ks-capture --list.");
	else if (err == -EBUSY)
		say_advice("Its driver lets one file at a time open it; ksalloc needs one more.");
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

/* How many frames the device needs; 0 where it cannot be asked */
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

	/* What E2BIG is called otherwise would puzzle everybody */
	say_error("cannot make the frames: %s", err == -E2BIG ? "too many" : strerror(-err));
	switch (err) {
	case -EINVAL:
		needs = frames_needed(device);
		if (options->buffers && options->buffers < needs)
			say_advice("The device needs at least %u: -b %u", needs, needs);
		else
			say_advice("%s is perhaps no dma-buf heap.", options->heap);
		break;
	case -E2BIG:
		say_advice("Ask for fewer with -b; %d is the most.", KSALLOC_MAX_FRAMES);
		break;
	case -ENOMEM:
		say_advice("Too little memory for so many frames, or more than the module's limit");
		say_advice("(/sys/module/ksalloc/parameters/max_mbytes). Ask for fewer with -b.");
		break;
	case -EOPNOTSUPP:
		say_advice("%s can use no memory but its own.", device->path);
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
		say_advice("Somebody captures from it now.");
		hint_holders(device->path);
		break;
	case -EOPNOTSUPP:
		if (options->buffers > DRIVER_BUFFERS) {
			say_advice("Its driver has perhaps fewer buffers: ask for less with -b.");
			break;
		}
		say_advice("It cannot use the memory of the heap %s. Many a camera needs",
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
		device_explain_silence(device);
		break;
	case -ENODEV:
		say_error("%s is gone", path);
		say_advice("Was it unplugged?");
		break;
	case -ECANCELED:
		say_error("%s was stopped from outside", path);
		break;
	default:
		say_error("%s sends no more frames: %s", path, strerror(-err));
	}
}
