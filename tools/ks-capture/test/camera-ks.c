// SPDX-License-Identifier: GPL-2.0-only
/* A model of the kernel module, for the calls of libks streams. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/ksalloc.h>
#include <linux/udmabuf.h>

#include "camera.h"
#include "camera-ks.h"

enum owner {
	FREE,
	HELD,
	IN_DEVICE,
};

static struct {
	unsigned int allocated;
	unsigned int frames;
	__u32 bytes;
	bool own;
	enum ksstate state;
	enum owner owner[CAMERA_BUFFERS];
	int memory[CAMERA_BUFFERS][KSALLOC_MAX_PLANES];
	__u32 planes, plane_bytes;
	unsigned int queue[CAMERA_BUFFERS];
	unsigned int queued;
} ks;

static struct ksalloc_get_state refusal;

static void drop_memory(void)
{
	unsigned int i;

	for (i = 0; i < ks.frames * ks.planes; i++)
		__real_close(ks.memory[i / ks.planes][i % ks.planes]);
	memset(&ks, 0, sizeof(ks));
}

void camera_ks_reset(void)
{
	drop_memory();
}

static int null_file(enum camera_file kind)
{
	return camera_new_file(__real_open("/dev/null", O_RDWR), kind);
}

/* A dma-buf with the memory of a file, which it takes over */
static int do_allocate(int memory)
{
	if (camera.room && ks.allocated == camera.room) {
		__real_close(memory);
		return -ENOMEM;
	}
	ks.allocated++;
	return camera_new_file(memory, CAMERA_DMABUF);
}

static int do_heap(struct dma_heap_allocation_data *data)
{
	int fd = do_allocate(memfd_create("heap", MFD_CLOEXEC));

	if (fd < 0)
		return fd;
	data->fd = (__u32)fd;
	return 0;
}

static int do_create(const struct ksalloc_create_allocator *arg)
{
	bool own = !(arg->framing.options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);
	const int *dmabufs = (const int *)(uintptr_t)arg->dmabufs;
	unsigned int i;

	if (camera.create_errno)
		return -camera.create_errno;
	if (own ? !camera.lends :
	    !(camera.needs.requirements_flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY))
		return -EOPNOTSUPP;
	if (arg->framing.frames < camera.needs.frames)
		return -EINVAL;
	if (arg->framing.frames > CAMERA_BUFFERS)
		return -E2BIG;
	drop_memory();
	ks.own = own;
	ks.frames = arg->framing.frames;
	ks.planes = camera_planes();
	ks.plane_bytes = (camera_frame_bytes() / ks.planes + 4095) & ~4095U;
	ks.bytes = ks.planes * ks.plane_bytes;
	for (i = 0; i < ks.frames * ks.planes; i++) {
		int *memory = &ks.memory[i / ks.planes][i % ks.planes];

		*memory = own ? memfd_create("frame", MFD_CLOEXEC) : dup(dmabufs[i]);
		if (ftruncate(*memory, ks.plane_bytes))
			return -ENOMEM;
	}
	return null_file(CAMERA_ALLOCATOR);
}

static int refuse(enum ksalloc_refusal reason, int error)
{
	refusal.refusal = reason;
	refusal.refused_error = error;
	return -EOPNOTSUPP;
}

static int do_state(enum ksstate state)
{
	unsigned int i;

	if (state == KSSTATE_RUN && camera.start_errno)
		return -camera.start_errno;
	if (state == KSSTATE_ACQUIRE && !ks.own && camera.cannot_import)
		return refuse(KSALLOC_REFUSAL_IMPORT, -EINVAL);
	if (state == KSSTATE_ACQUIRE && !ks.own && camera.needs_contiguous)
		return refuse(KSALLOC_REFUSAL_MAP, -EFAULT);
	if (state >= KSSTATE_PAUSE && camera.changes_format) {
		camera.width *= 2;
		return -EINVAL;
	}
	camera.starts += state == KSSTATE_RUN;
	ks.state = state;
	if (state >= KSSTATE_PAUSE)
		return 0;
	ks.queued = 0;
	for (i = 0; i < ks.frames; i++)
		if (ks.owner[i] == IN_DEVICE)
			ks.owner[i] = FREE;
	return 0;
}

static int do_alloc(struct ksalloc_alloc *arg)
{
	unsigned int i;

	for (i = 0; i < ks.frames; i++) {
		if (ks.owner[i] != FREE)
			continue;
		ks.owner[i] = HELD;
		arg->index = i;
		return 0;
	}
	return -EAGAIN;
}

static int do_submit(const struct ksalloc_submit *arg)
{
	if (arg->index >= ks.frames || ks.owner[arg->index] != HELD)
		return -EINVAL;
	ks.owner[arg->index] = IN_DEVICE;
	ks.queue[ks.queued++] = arg->index;
	return 0;
}

bool camera_ks_is_ready(void)
{
	const struct camera_frame *next = &camera.frames[camera.next];

	return ks.state == KSSTATE_RUN && ks.queued && camera.next < camera.nr_frames &&
	       !next->waits && !next->changes[0];
}

/* Fills a plane with noise that is different for each frame, or with its part of the given data */
static void fill(int memory, const struct camera_frame *frame, __u32 plane)
{
	__u8 *data = mmap(NULL, ks.plane_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	__u32 i, used = frame->used / ks.planes, noise = camera.next * 7919 + plane + 1;

	if (frame->data)
		memcpy(data, (const __u8 *)frame->data + plane * used, used);
	for (i = 0; !frame->data && i < ks.plane_bytes; i++) {
		noise = noise * 1103515245 + 12345;
		data[i] = noise >> 16;
	}
	munmap(data, ks.plane_bytes);
}

static int do_complete(struct ksalloc_complete *arg)
{
	const struct camera_frame *frame = &camera.frames[camera.next];
	unsigned int index, i;

	if (!camera_ks_is_ready())
		return -EAGAIN;
	if (frame->err) {
		camera.next++;
		return -frame->err;
	}
	index = ks.queue[0];
	memmove(ks.queue, ks.queue + 1, --ks.queued * sizeof(ks.queue[0]));
	ks.owner[index] = HELD;
	for (i = 0; i < ks.planes; i++)
		fill(ks.memory[index][i], frame, i);
	arg->index = index;
	arg->sequence = frame->sequence;
	arg->nr_planes = ks.planes;
	for (i = 0; i < ks.planes; i++)
		arg->planes[i].data_used = (frame->used ? frame->used : camera_frame_bytes()) /
					   ks.planes;
	if (camera.short_plane)
		arg->planes[ks.planes - 1].data_used /= 4;
	arg->header = (struct ksstream_header) {
		.presentation_time = { .time = camera_time(), .numerator = 1, .denominator = 1 },
		.data_used = frame->used ? frame->used : camera_frame_bytes(),
		.options_flags = frame->flags,
	};
	if (!frame->has_no_time)
		arg->header.options_flags |= KSSTREAM_HEADER_OPTIONSF_TIMEVALID;
	camera.next++;
	camera_tick();
	return 0;
}

static struct ksalloc_planes planes_of(__u32 bytes)
{
	struct ksalloc_planes planes = { .count = camera_planes() };
	__u32 i;

	for (i = 0; i < planes.count; i++)
		planes.sizes[i] = bytes;
	return planes;
}

static int do_status(struct ksalloc_status *arg)
{
	arg->status.framing.frames = ks.frames;
	arg->frame_bytes = ks.bytes;
	arg->planes = planes_of(ks.plane_bytes);
	return 0;
}

static int do_get_framing(struct ksalloc_get_framing *arg)
{
	arg->framing = camera.needs;
	arg->framing.frame_size = camera_frame_bytes();
	arg->planes = planes_of(camera_frame_bytes() / camera_planes());
	return 0;
}

/* Sets only the number of items, and not the items */
static int do_get_framing_ex(struct ksalloc_get_framing_ex *arg)
{
	struct ksallocator_framing_ex *framing = (void *)(uintptr_t)arg->framing;
	__u32 flags = camera.needs.requirements_flags;

	framing->count_items = !!(flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY) + camera.lends;
	return 0;
}

int camera_ks_call(int fd, unsigned long request, void *arg)
{
	const struct ksalloc_set_state *state = arg;
	const struct ksalloc_export *export = arg;

	switch (request) {
	case KSALLOC_CONNECT:
		return camera.connect_errno ? -camera.connect_errno : null_file(CAMERA_CONNECTION);
	case KSALLOC_GET_FRAMING:
		return do_get_framing(arg);
	case KSALLOC_GET_FRAMING_EX:
		return do_get_framing_ex(arg);
	case KSALLOC_CREATE_ALLOCATOR:
		return do_create(arg);
	case KSALLOC_SET_ALLOCATOR:
		return -camera.assign_errno;
	case KSALLOC_SET_STATE:
		return do_state(state->state);
	case KSALLOC_GET_STATE:
		*(struct ksalloc_get_state *)arg = refusal;
		return 0;
	case DMA_HEAP_IOCTL_ALLOC:
		return camera_file_of(fd) == CAMERA_HEAP ? do_heap(arg) : -ENOTTY;
	case UDMABUF_CREATE:
		return do_allocate(dup((int)((struct udmabuf_create *)arg)->memfd));
	case KSALLOC_ALLOC:
		return do_alloc(arg);
	case KSALLOC_SUBMIT:
		return do_submit(arg);
	case KSALLOC_COMPLETE:
		return do_complete(arg);
	case KSALLOC_STATUS:
		return do_status(arg);
	case KSALLOC_EXPORT:
		return camera_new_file(dup(ks.memory[export->index][export->plane]), CAMERA_DMABUF);
	case DMA_BUF_IOCTL_SYNC:
		return 0;
	default:
		return camera_file_of(fd) ? -ENOTTY : 0;
	}
}
