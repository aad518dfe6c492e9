// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of the library, for a pin on which the client has set no allocator. All frames that
 * hold no picture are in the device, however many reads there are: a V4L2 device may need more
 * than one frame to run.
 *
 * A device of Windows loses the pictures for which there is no read. Here the last KEEP of them
 * are kept, so that a client with one read at a time loses none between two reads.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pin.h"

#define KEEP 2
/* Frames in the device, even if it needs fewer */
#define MIN_IN_DEVICE 2

struct pool {
	int allocator;
	struct ks_frames *frames;
	/* The device's own memory, for which no descriptor is needed */
	bool device_memory;
	ULONG frame_size;
	/* Frames in the device, and whether it has refused one that is free now */
	unsigned int nr_in_device;
	bool has_refused;
	unsigned int nr_filled;
	struct filled filled[KEEP + 1];
};

static int map_frames(struct pool *pool)
{
	int ret = ks_frames_map(pool->allocator, &pool->frames);

	if (ret)
		return ret;
	/* Formats of Windows have one plane */
	return ks_frames_planes(pool->frames) == 1 ? 0 : -EOPNOTSUPP;
}

/* What the device needs, and those that wait for a read */
static int make_frames(struct pool *pool, struct win_object *pin)
{
	struct ksallocator_framing framing;
	int ret;

	ret = ks_get_framing(pin->fd, &framing);
	if (ret)
		return ret;
	pool->frame_size = framing.frame_size;
	framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	if (framing.frames < MIN_IN_DEVICE)
		framing.frames = MIN_IN_DEVICE;
	framing.frames += KEEP;
	pool->allocator = win_memory_create(pin, &framing, &pool->device_memory);
	return pool->allocator < 0 ? pool->allocator : 0;
}

int win_pool_create(struct win_object *pin, struct pool **new)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int ret;

	if (!pool)
		return -ENOMEM;
	pool->allocator = -1;
	ret = make_frames(pool, pin);
	if (!ret)
		ret = map_frames(pool);
	if (!ret)
		ret = ks_set_allocator(pin->fd, pool->allocator);
	if (ret) {
		win_pool_destroy(pool);
		return ret;
	}
	*new = pool;
	return 0;
}

void win_pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	ks_frames_unmap(pool->frames);
	if (pool->allocator >= 0)
		close(pool->allocator);
	free(pool);
}

ULONG win_pool_frame_size(const struct pool *pool)
{
	return pool->frame_size;
}

/* If the device does not take the frame, it is free */
static int submit(struct pool *pool, int connection, __u32 index)
{
	int dmabuf = pool->device_memory ? -1 : ks_frames_dmabuf(pool->frames, index);
	int ret = ks_submit(connection, index, dmabuf);

	if (ret)
		ks_free(pool->allocator, index);
	else
		pool->nr_in_device++;
	pool->has_refused = ret;
	return ret;
}

int win_pool_submit(struct pool *pool, int connection)
{
	__u32 index;
	int ret;

	do {
		ret = ks_alloc(pool->allocator, KSALLOC_NONBLOCK, 0, &index, NULL);
		if (ret == -EAGAIN)
			return 0;
		if (!ret)
			ret = submit(pool, connection, index);
	} while (!ret);
	return ret;
}

int win_pool_add(struct pool *pool, int connection, const struct filled *filled)
{
	int ret;

	/* Only a kernel that violates the ABI can cause this */
	if (filled->done.index >= ks_frames_count(pool->frames))
		return 0;
	if (pool->nr_in_device)
		pool->nr_in_device--;
	pool->filled[pool->nr_filled++] = *filled;
	if (pool->nr_filled <= KEEP)
		return 0;
	ret = win_pool_return(pool, connection);
	pool->filled[0].done.header.options_flags |= KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	return ret;
}

const struct filled *win_pool_first(const struct pool *pool)
{
	return pool->nr_filled ? &pool->filled[0] : NULL;
}

static __u32 remove_first(struct pool *pool)
{
	__u32 index = pool->filled[0].done.index;

	pool->nr_filled--;
	memmove(&pool->filled[0], &pool->filled[1], pool->nr_filled * sizeof(pool->filled[0]));
	return index;
}

/* The reason why a frame was refused may be over. Without any frame, none is ever filled */
int win_pool_return(struct pool *pool, int connection)
{
	bool had_refused = pool->has_refused;
	int ret = submit(pool, connection, remove_first(pool));

	if (!ret && had_refused)
		ret = win_pool_submit(pool, connection);
	return pool->nr_in_device ? 0 : ret;
}

void win_pool_discard(struct pool *pool)
{
	while (pool->nr_filled)
		ks_free(pool->allocator, remove_first(pool));
	pool->nr_in_device = 0;
}

int win_pool_copy(struct pool *pool, struct win_object *filter, const struct filled *filled,
		  void *data, ULONG extent)
{
	int dmabuf = ks_frames_dmabuf(pool->frames, filled->done.index);
	size_t start = filled->done.header.data, used = filled->done.header.data_used;
	size_t bytes = ks_frames_bytes(pool->frames);
	const char *frame = ks_frames_data(pool->frames, filled->done.index);
	int ret;

	/* The device is not trusted to stay within the frame */
	if (start > bytes || used > bytes - start)
		return -EIO;
	if (used > extent)
		return -WIN_TOO_SMALL;
	ret = ks_begin_access(dmabuf, LIBKS_READ);
	if (ret)
		return ret;
	ret = win_filter_copy_frame(filter, data, frame + start, used);
	ks_end_access(dmabuf, LIBKS_READ);
	return ret;
}
