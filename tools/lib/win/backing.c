// SPDX-License-Identifier: GPL-2.0-only
/* What only the kernel knows of an allocator: its memory and its status. */
#include <stdlib.h>
#include <unistd.h>

#include "win.h"

/* The memory that the user wants; NULL for the first that works */
static const char *memory_name(void)
{
	const char *name = getenv("KS_HEAP");

	return name && *name ? name : NULL;
}

static int create_from_heap(const struct win_object *pin,
			    const struct ksallocator_framing *framing)
{
	const char *name = memory_name();
	int heap, fd;

	heap = ks_open_heap(name ? name : "system");
	if (heap < 0)
		return heap;
	fd = ks_create_allocator(pin->fd, framing, heap);
	close(heap);
	return fd;
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
		return create_from_heap(pin, framing);
	fd = ks_find_memory(pin->fd, framing, memory_name(), &report);
	if (fd == -EBUSY) {
		fd = create_from_heap(pin, framing);
		/* Without this heap, the reason is still the busy device */
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
