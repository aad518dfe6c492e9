// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped frames: each dma-buf of a frame is exported, and it or its memfd is mapped, once. Both are
 * kept, because a frame always has the same dma-bufs. A program can access an allocated frame
 * without another call.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ks/ks.h>

#include "internal.h"

struct plane {
	void *data;
	int dmabuf;
};

/**
 * struct ks_frames - mapped frames
 * @count: number of frames
 * @nr_planes: number of planes of each frame
 * @bytes: bytes in the mapping of each plane
 * @mapped: number of elements of @plane that are mapped
 * @plane: the planes of all frames, those of frame 0 first
 */
struct ks_frames {
	__u32 count;
	__u32 nr_planes;
	size_t bytes[KSALLOC_MAX_PLANES];
	size_t mapped;
	struct plane plane[];
};

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* NULL if the plane is not mapped yet */
static void *take_map(struct libks_maps *maps, size_t at, size_t bytes)
{
	void *data;

	if (!maps || at >= maps->count || maps->map[at].bytes != bytes)
		return NULL;
	data = maps->map[at].data;
	maps->map[at].data = NULL;
	return data;
}

static int map_plane(struct ks_frames *frames, struct libks_maps *maps, int dmabuf, size_t bytes)
{
	struct plane *plane = &frames->plane[frames->mapped];

	if (dmabuf < 0)
		return dmabuf;
	plane->data = take_map(maps, frames->mapped, bytes);
	if (!plane->data)
		plane->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	if (plane->data == MAP_FAILED) {
		int err = -errno;

		close(dmabuf);
		return err;
	}
	plane->dmabuf = dmabuf;
	return 0;
}

static int map_all(struct ks_frames *frames, struct libks_maps *maps, int allocator)
{
	__u32 index, plane;
	int ret;

	for (index = 0; index < frames->count; index++) {
		for (plane = 0; plane < frames->nr_planes; plane++) {
			ret = map_plane(frames, maps, ks_export_plane(allocator, index, plane),
					frames->bytes[plane]);
			if (ret)
				return ret;
			frames->mapped++;
		}
	}
	return 0;
}

int libks_map_frames(int allocator, struct libks_maps *maps, struct ks_frames **frames)
{
	struct ks_allocator_status status;
	struct ks_frames *new;
	size_t planes;
	__u32 plane;
	int ret;

	ret = ks_get_status(allocator, &status);
	if (ret)
		return ret;
	if (status.frame_bytes > SIZE_MAX)
		return -EOVERFLOW;
	/* Only a kernel that violates the ABI can cause this */
	if (status.planes.count > KSALLOC_MAX_PLANES)
		return -EIO;
	planes = (size_t)status.status.framing.frames * status.planes.count;

	new = calloc(1, sizeof(*new) + planes * sizeof(new->plane[0]));
	if (!new)
		return -ENOMEM;
	new->count = status.status.framing.frames;
	new->nr_planes = status.planes.count;
	for (plane = 0; plane < new->nr_planes; plane++)
		new->bytes[plane] = new->nr_planes == 1 ? (size_t)status.frame_bytes :
					whole_pages(status.planes.sizes[plane]);
	ret = map_all(new, maps, allocator);
	if (ret)
		ks_frames_unmap(new);
	else
		*frames = new;
	return ret;
}

LIBKS_API int ks_frames_map(int allocator, struct ks_frames **frames)
{
	return libks_map_frames(allocator, NULL, frames);
}

LIBKS_API void ks_frames_unmap(struct ks_frames *frames)
{
	if (!frames)
		return;
	while (frames->mapped) {
		struct plane *plane = &frames->plane[--frames->mapped];

		munmap(plane->data, frames->bytes[frames->mapped % frames->nr_planes]);
		close(plane->dmabuf);
	}
	free(frames);
}

LIBKS_API __u32 ks_frames_count(const struct ks_frames *frames)
{
	return frames->count;
}

LIBKS_API __u32 ks_frames_planes(const struct ks_frames *frames)
{
	return frames->nr_planes;
}

LIBKS_API size_t ks_frames_plane_bytes(const struct ks_frames *frames, __u32 plane)
{
	return plane < frames->nr_planes ? frames->bytes[plane] : 0;
}

static const struct plane *plane_at(const struct ks_frames *frames, __u32 index, __u32 plane)
{
	if (index >= frames->count || plane >= frames->nr_planes)
		return NULL;
	return &frames->plane[(size_t)index * frames->nr_planes + plane];
}

LIBKS_API void *ks_frames_plane_data(const struct ks_frames *frames, __u32 index, __u32 plane)
{
	const struct plane *found = plane_at(frames, index, plane);

	return found ? found->data : NULL;
}

LIBKS_API int ks_frames_plane_dmabuf(const struct ks_frames *frames, __u32 index, __u32 plane)
{
	const struct plane *found = plane_at(frames, index, plane);

	return found ? found->dmabuf : -1;
}

LIBKS_API size_t ks_frames_bytes(const struct ks_frames *frames)
{
	return ks_frames_plane_bytes(frames, 0);
}

LIBKS_API void *ks_frames_data(const struct ks_frames *frames, __u32 index)
{
	return ks_frames_plane_data(frames, index, 0);
}

LIBKS_API int ks_frames_dmabuf(const struct ks_frames *frames, __u32 index)
{
	return ks_frames_plane_dmabuf(frames, index, 0);
}
