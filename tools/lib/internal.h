/* SPDX-License-Identifier: GPL-2.0-only */
/* Definitions for all files of libks. */
#ifndef LIBKS_INTERNAL_H
#define LIBKS_INTERNAL_H

#include <stddef.h>

/* All other symbols are hidden (-fvisibility=hidden). libks.map gives these a version */
#define LIBKS_API __attribute__((visibility("default")))

struct ks_frames;
struct ks_memory_report;
struct ksallocator_framing;

/**
 * struct libks_maps - mappings of the memfds that udmabuf has made frames of
 * @count: number of planes of all frames
 * @map: the planes, those of frame 0 first; @data is NULL if it is not mapped here
 *
 * The kernel can pin the pages of these mappings, and not those of a mapped dma-buf.
 */
struct libks_maps {
	size_t count;
	struct {
		void *data;
		size_t bytes;
	} map[];
};

/* ks_find_memory(); @maps is NULL after it if the memory is not from udmabuf */
int libks_find_memory(int connection, const struct ksallocator_framing *framing,
		      const char *name, struct ks_memory_report *report,
		      struct libks_maps **maps);
/* ks_frames_map(), which takes over the mappings of @maps that it can use. @maps may be NULL */
int libks_map_frames(int allocator, struct libks_maps *maps, struct ks_frames **frames);
/* Also unmaps what nobody has taken over. NULL does nothing */
void libks_free_maps(struct libks_maps *maps);

#endif /* LIBKS_INTERNAL_H */
