// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped frames: each frame's dma-buf is exported and mapped once. Both are kept, because a
 * frame always has the same dma-buf. A program can access an allocated frame without
 * another call.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ks/ks.h>

#include "internal.h"

struct frame {
	void *data;
	int dmabuf;
};

struct ks_frames {
	__u32 count;
	size_t bytes;
	struct frame frame[];
};

static int map_frame(struct frame *frame, int allocator, __u32 index, size_t bytes)
{
	int ret = ks_export(allocator, index);

	if (ret < 0)
		return ret;
	frame->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ret, 0);
	if (frame->data == MAP_FAILED) {
		int err = -errno;

		close(ret);
		return err;
	}
	frame->dmabuf = ret;
	return 0;
}

LIBKS_API int ks_frames_map(int allocator, struct ks_frames **frames)
{
	struct ks_allocator_status status;
	struct ks_frames *new;
	__u32 count;
	int ret;

	ret = ks_get_status(allocator, &status);
	if (ret)
		return ret;
	if (status.frame_bytes > SIZE_MAX)
		return -EOVERFLOW;
	count = status.status.framing.frames;

	new = calloc(1, sizeof(*new) + count * sizeof(new->frame[0]));
	if (!new)
		return -ENOMEM;
	new->bytes = (size_t)status.frame_bytes;
	for (; new->count < count; new->count++) {
		ret = map_frame(&new->frame[new->count], allocator, new->count, new->bytes);
		if (ret)
			goto err;
	}
	*frames = new;
	return 0;

err:
	ks_frames_unmap(new);
	return ret;
}

LIBKS_API void ks_frames_unmap(struct ks_frames *frames)
{
	__u32 i;

	if (!frames)
		return;
	for (i = 0; i < frames->count; i++) {
		munmap(frames->frame[i].data, frames->bytes);
		close(frames->frame[i].dmabuf);
	}
	free(frames);
}

LIBKS_API __u32 ks_frames_count(const struct ks_frames *frames)
{
	return frames->count;
}

LIBKS_API size_t ks_frames_bytes(const struct ks_frames *frames)
{
	return frames->bytes;
}

LIBKS_API void *ks_frames_data(const struct ks_frames *frames, __u32 index)
{
	return index < frames->count ? frames->frame[index].data : NULL;
}

LIBKS_API int ks_frames_dmabuf(const struct ks_frames *frames, __u32 index)
{
	return index < frames->count ? frames->frame[index].dmabuf : -1;
}
