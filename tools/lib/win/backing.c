// SPDX-License-Identifier: GPL-2.0-only
/* What only the kernel knows of an allocator: its memory and its status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "win.h"

/* The memory that the user wants; NULL for the first that works */
static const char *memory_name(void)
{
	const char *name = getenv("KS_HEAP");

	return name && *name ? name : NULL;
}

/* The memory that the user wants, or the heap "system", or udmabuf if the user may not open that */
static int open_memory(bool *udmabuf)
{
	const char *name = memory_name();
	int heap, fd;

	*udmabuf = name && !strcmp(name, LIBKS_UDMABUF);
	if (*udmabuf)
		return ks_open(LIBKS_UDMABUF_DEVICE);
	heap = ks_open_heap(name ? name : "system");
	if (name || (heap != -ENOENT && heap != -EACCES))
		return heap;
	*udmabuf = true;
	fd = ks_open(LIBKS_UDMABUF_DEVICE);
	return fd == -ENOENT ? heap : fd;
}

/* What the device needs in place of zeros. The kernel checks it, but only after the allocation */
static int complete_framing(const struct win_object *pin, struct ksallocator_framing *framing)
{
	__u64 machine = (__u64)sysconf(_SC_PHYS_PAGES) * (__u64)sysconf(_SC_PAGESIZE);
	struct ksallocator_framing device;
	int ret = ks_get_framing(pin->fd, &device);

	if (ret)
		return ret;
	if (!framing->frames)
		framing->frames = device.frames;
	if (!framing->frame_size)
		framing->frame_size = device.frame_size;
	if (!framing->frames || !framing->frame_size)
		return -EINVAL;
	if (framing->frames > KSALLOC_MAX_FRAMES)
		return -E2BIG;
	/* Heaps have no limit of their own */
	return (__u64)framing->frames * framing->frame_size > machine / 2 ? -ENOMEM : 0;
}

static int import_from(const struct win_object *pin, const struct ksallocator_framing *framing,
		       int source, bool udmabuf)
{
	int *dmabufs = calloc(framing->frames, sizeof(*dmabufs));
	int ret = dmabufs ? 0 : -ENOMEM;
	__u32 count = 0;

	while (!ret && count < framing->frames) {
		int fd = udmabuf ? ks_udmabuf_alloc(source, framing->frame_size) :
				   ks_heap_alloc(source, framing->frame_size);

		if (fd < 0)
			ret = fd;
		else
			dmabufs[count++] = fd;
	}
	if (!ret)
		ret = ks_import_allocator(pin->fd, framing, dmabufs, count);
	while (count)
		close(dmabufs[--count]);
	free(dmabufs);
	return ret;
}

/* Frames of a pin have one plane */
static int create_untried(const struct win_object *pin, struct ksallocator_framing framing)
{
	int ret = complete_framing(pin, &framing), source;
	bool udmabuf;

	if (ret)
		return ret;
	source = open_memory(&udmabuf);
	if (source < 0)
		return source;
	ret = import_from(pin, &framing, source, udmabuf);
	close(source);
	return ret;
}

/* Whether the device can be asked which memory it can use */
static bool can_try_memory(const struct win_object *pin)
{
	struct ksallocator_framing_ex framing;
	__u32 size = sizeof(framing);
	enum ksstate state;

	return !ks_get_state(pin->fd, &state, NULL) && state == KSSTATE_STOP &&
	       !ks_get_framing_ex(pin->fd, &framing, &size) &&
	       !(framing.pin_flags & KSALLOCATOR_FLAG_ALLOCATOR_EXISTS);
}

int win_memory_create(struct win_object *pin, const struct ksallocator_framing *framing,
		      bool *device_memory)
{
	struct ks_memory_report report;
	int fd;

	*device_memory = !(framing->options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	if (*device_memory)
		return ks_create_allocator(pin->fd, framing, -1);
	if (!can_try_memory(pin))
		return create_untried(pin, *framing);
	fd = ks_find_memory(pin->fd, framing, memory_name(), &report);
	if (fd == -EBUSY) {
		fd = create_untried(pin, *framing);
		/* Without this memory, the reason is still the busy device */
		return fd == -ENOENT || fd == -EACCES ? -EBUSY : fd;
	}
	if (fd < 0)
		return fd;
	ks_set_allocator(pin->fd, -1);
	*device_memory = report.attempt[report.count - 1].kind == LIBKS_MEMORY_DEVICE;
	return fd;
}

static int get_status_ex(struct win_object *object, struct win_call *call)
{
	struct ksstreamallocator_status_ex status;
	int ret = ks_get_status_ex(object->fd, &status);

	return ret ? ret : win_answer(call, &status, sizeof(status));
}

/* The property has a plain and an extended form. The size of the buffer selects one. */
static int get_status(struct win_object *object, struct win_call *call)
{
	struct ks_allocator_status status;
	int ret;

	if (call->out_size >= sizeof(struct ksstreamallocator_status_ex))
		return get_status_ex(object, call);
	ret = ks_get_status(object->fd, &status);
	return ret ? ret : win_answer(call, &status.status, sizeof(status.status));
}

int win_allocator_property(struct win_object *object, struct win_call *call)
{
	static const struct win_property properties[] = {
		{ &KSPROPSETID_StreamAllocator, KSPROPERTY_STREAMALLOCATOR_STATUS,
		  sizeof(KSPROPERTY), 0, get_status, NULL },
	};

	return win_property(object, call, properties, ARRAY_SIZE(properties));
}
