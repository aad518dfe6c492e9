// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers: a descriptor of a reader, and its mapped frames.
 *
 * The frames of each generation are a set. A plane is mapped when its frame comes for the first
 * time, because a reader may never get some of the frames. A set is freed when a later generation
 * has come and the program has given all frames of the set back.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/videodev2.h>

#include <ks/ks.h>

#include "internal.h"

#define OPEN_FLAGS \
	((__u32)(LIBKS_READER_NEWEST | LIBKS_READER_REVOCABLE | LIBKS_READER_UNTRUSTED))
#define ALL_FLAGS (OPEN_FLAGS | (__u32)LIBKS_READER_NO_CPU_ACCESS)
#define DEFAULT_DEPTH 4

/**
 * struct plane - a plane of a frame
 * @data: its mapping; NULL before its frame has come
 * @dmabuf: its dma-buf, if it is mapped
 * @held: the program has the frame. Only in plane 0
 */
struct plane {
	void *data;
	int dmabuf;
	bool held;
};

/**
 * struct set - the frames of a generation
 * @next: an older set
 * @generation: the generation
 * @held: number of frames that the program has
 * @frames: number of frames
 * @nr_planes: number of planes of each frame
 * @bytes: bytes in the mapping of each plane
 * @plane: the planes of all frames, those of frame 0 first
 */
struct set {
	struct set *next;
	__u64 generation;
	__u32 held;
	__u32 frames;
	__u32 nr_planes;
	size_t bytes[KSALLOC_MAX_PLANES];
	struct plane plane[];
};

/**
 * struct ks_reader - a reader
 * @fd: its descriptor
 * @flags: LIBKS_READER_*
 * @lock: protects @sets
 * @sets: the sets that are in use, newest first
 */
struct ks_reader {
	int fd;
	__u32 flags;
	pthread_mutex_t lock;
	struct set *sets;
};

static int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int get_info(int fd, struct v4l2_format *format, struct ksalloc_reader_info *info)
{
	*info = (struct ksalloc_reader_info) {
		.size = sizeof(*info),
		.format = (uintptr_t)format,
		.format_size = format ? sizeof(*format) : 0,
	};
	return call(fd, KSALLOC_READER_INFO, info);
}

static int new_reader(int fd, __u32 flags, struct ks_reader **reader)
{
	struct ks_reader *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->fd = fd;
	new->flags = flags;
	pthread_mutex_init(&new->lock, NULL);
	*reader = new;
	return 0;
}

LIBKS_API int ks_reader_open(int connection, const struct ks_reader_config *config,
			     struct ks_reader **reader)
{
	const struct ks_reader_config standard = { .size = sizeof(standard) };
	struct ksalloc_reader_open arg = { .size = sizeof(arg) };
	int fd, ret;

	if (!config)
		config = &standard;
	if (config->size != sizeof(*config) || config->flags & ~ALL_FLAGS)
		return -EINVAL;
	if (config->flags & LIBKS_READER_NEWEST)
		arg.flags |= KSALLOC_READER_NEWEST;
	if (config->flags & LIBKS_READER_REVOCABLE)
		arg.flags |= KSALLOC_READER_REVOCABLE;
	if (config->flags & LIBKS_READER_UNTRUSTED)
		arg.flags |= KSALLOC_READER_UNTRUSTED;
	arg.depth = config->depth ? config->depth : DEFAULT_DEPTH;
	arg.every = config->every;
	fd = call(connection, KSALLOC_READER_OPEN, &arg);
	if (fd < 0)
		return fd;
	ret = new_reader(fd, config->flags, reader);
	if (ret)
		close(fd);
	return ret;
}

LIBKS_API int ks_reader_adopt(int fd, __u32 flags, struct ks_reader **reader)
{
	struct ksalloc_reader_info info;
	int ret;

	if (flags & ~(__u32)LIBKS_READER_NO_CPU_ACCESS)
		return -EINVAL;
	ret = get_info(fd, NULL, &info);
	return ret ? ret : new_reader(fd, flags, reader);
}

static bool reads_by_cpu(const struct ks_reader *reader)
{
	return !(reader->flags & LIBKS_READER_NO_CPU_ACCESS);
}

static struct plane *planes_of(struct set *set, __u32 index)
{
	return &set->plane[(size_t)index * set->nr_planes];
}

static void end_access(const struct plane *planes, __u32 count)
{
	while (count--)
		ks_end_access(planes[count].dmabuf, LIBKS_READ);
}

/* For all planes, or none */
static int begin_access(const struct plane *planes, __u32 count)
{
	__u32 i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = ks_begin_access(planes[i].dmabuf, LIBKS_READ);
		if (ret) {
			end_access(planes, i);
			return ret;
		}
	}
	return 0;
}

static void free_set(struct ks_reader *reader, struct set *set)
{
	struct plane *planes;
	__u32 i, plane;

	for (i = 0; i < set->frames; i++) {
		planes = planes_of(set, i);
		if (planes->held && reads_by_cpu(reader))
			end_access(planes, set->nr_planes);
		for (plane = 0; plane < set->nr_planes; plane++) {
			if (!planes[plane].data)
				continue;
			munmap(planes[plane].data, set->bytes[plane]);
			close(planes[plane].dmabuf);
		}
	}
	free(set);
}

/* Frees the sets of earlier generations that the program has no frame of */
static void free_old_sets(struct ks_reader *reader)
{
	struct set **link = reader->sets ? &reader->sets->next : &reader->sets;
	struct set *set;

	while (*link) {
		set = *link;
		if (set->held) {
			link = &set->next;
			continue;
		}
		*link = set->next;
		free_set(reader, set);
	}
}

LIBKS_API void ks_reader_close(struct ks_reader *reader)
{
	struct set *set;

	if (!reader)
		return;
	while (reader->sets) {
		set = reader->sets;
		reader->sets = set->next;
		free_set(reader, set);
	}
	close(reader->fd);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}

LIBKS_API int ks_reader_fd(const struct ks_reader *reader)
{
	return reader->fd;
}

static struct set *find_set(const struct ks_reader *reader, __u64 generation)
{
	struct set *set = reader->sets;

	while (set && set->generation != generation)
		set = set->next;
	return set;
}

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* -ESTALE if the generation has changed since the frame was taken */
static int add_set(struct ks_reader *reader, __u64 generation)
{
	struct ksalloc_reader_info info;
	struct set *set;
	__u32 i;
	int ret;

	ret = get_info(reader->fd, NULL, &info);
	if (ret)
		return ret;
	if (info.generation != generation)
		return -ESTALE;
	/* Only a kernel that violates the ABI can cause this */
	if (!info.planes.count || info.planes.count > KSALLOC_MAX_PLANES)
		return -EIO;
	set = calloc(1, sizeof(*set) +
		     (size_t)info.frames * info.planes.count * sizeof(set->plane[0]));
	if (!set)
		return -ENOMEM;
	set->generation = generation;
	set->frames = info.frames;
	set->nr_planes = info.planes.count;
	for (i = 0; i < set->nr_planes; i++)
		set->bytes[i] = whole_pages(info.planes.sizes[i]);
	set->next = reader->sets;
	reader->sets = set;
	free_old_sets(reader);
	return 0;
}

static int map_plane(struct ks_reader *reader, struct set *set, __u32 index, __u32 number)
{
	struct ksalloc_reader_export arg = {
		.size = sizeof(arg),
		.index = index,
		.plane = number,
		.generation = set->generation,
	};
	struct plane *plane = planes_of(set, index) + number;
	int dmabuf, err;
	void *data;

	if (plane->data)
		return 0;
	dmabuf = call(reader->fd, KSALLOC_READER_EXPORT, &arg);
	if (dmabuf < 0)
		return dmabuf;
	data = mmap(NULL, set->bytes[number], PROT_READ, MAP_SHARED, dmabuf, 0);
	if (data == MAP_FAILED) {
		err = -errno;
		close(dmabuf);
		return err;
	}
	plane->data = data;
	plane->dmabuf = dmabuf;
	return 0;
}

/* Finds the set of a frame, maps the frame if it is new, and begins the access */
static int prepare(struct ks_reader *reader, const struct ksalloc_reader_frame *taken,
		   struct set **found)
{
	struct set *set = find_set(reader, taken->generation);
	__u32 plane;
	int ret;

	if (!set) {
		ret = add_set(reader, taken->generation);
		if (ret)
			return ret;
		set = reader->sets;
	}
	/* Only a kernel that violates the ABI can cause this */
	if (taken->index >= set->frames)
		return -EIO;
	for (plane = 0; plane < set->nr_planes; plane++) {
		ret = map_plane(reader, set, taken->index, plane);
		if (ret)
			return ret;
	}
	*found = set;
	if (!reads_by_cpu(reader))
		return 0;
	return begin_access(planes_of(set, taken->index), set->nr_planes);
}

/* Limits the values from the device to the mapping */
static void describe_plane(const struct plane *plane, size_t bytes,
			   const struct ksalloc_plane_data *data,
			   struct ks_reader_plane *result)
{
	size_t start = data->data_offset < bytes ? data->data_offset : bytes;

	*result = (struct ks_reader_plane) {
		.data = (const char *)plane->data + start,
		.used = data->data_used,
		.bytes = bytes - start,
		.dmabuf = plane->dmabuf,
	};
	if (result->used > result->bytes)
		result->used = result->bytes;
}

static void describe_frame(struct set *set, const struct ksalloc_reader_frame *taken,
			   struct ks_reader_frame *frame)
{
	const struct plane *planes = planes_of(set, taken->index);
	__u32 i;

	*frame = (struct ks_reader_frame) {
		.index = taken->index,
		.sequence = taken->sequence,
		.generation = taken->generation,
		.lost = taken->lost,
		.revoked = taken->revoked,
		.header = taken->header,
		.nr_planes = set->nr_planes,
	};
	for (i = 0; i < set->nr_planes; i++)
		describe_plane(&planes[i], set->bytes[i], &taken->planes[i], &frame->planes[i]);
	frame->data = frame->planes[0].data;
	frame->used = frame->planes[0].used;
	frame->bytes = frame->planes[0].bytes;
	frame->dmabuf = frame->planes[0].dmabuf;
}

static int take(struct ks_reader *reader, __u32 flags, __u64 deadline,
		struct ksalloc_reader_frame *frame)
{
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.flags = flags,
		.deadline_ns = deadline,
		.take = (uintptr_t)frame,
		.nr_take = 1,
		.take_size = sizeof(*frame),
		.wait_for = 1,
	};
	int ret = call(reader->fd, KSALLOC_EXCHANGE, &arg);

	if (ret < 0)
		return ret;
	/* Only a kernel that violates the ABI returns another number */
	return ret == 1 ? 0 : -EIO;
}

static int give(struct ks_reader *reader, __u32 index, __u64 generation)
{
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)&index,
		.nr_give = 1,
		.generation = generation,
	};

	return call(reader->fd, KSALLOC_EXCHANGE, &arg);
}

/* Takes a frame; -ESTALE if its generation has passed before it was mapped */
static int take_mapped(struct ks_reader *reader, __u32 flags, __u64 deadline,
		       struct ks_reader_frame *frame)
{
	struct ksalloc_reader_frame taken;
	struct set *set;
	int ret;

	ret = take(reader, flags, deadline, &taken);
	if (ret)
		return ret;
	pthread_mutex_lock(&reader->lock);
	ret = prepare(reader, &taken, &set);
	if (!ret) {
		planes_of(set, taken.index)->held = true;
		set->held++;
		describe_frame(set, &taken, frame);
	}
	pthread_mutex_unlock(&reader->lock);
	if (ret)
		give(reader, taken.index, taken.generation);
	return ret;
}

LIBKS_API int ks_reader_next(struct ks_reader *reader, int timeout_ms,
			     struct ks_reader_frame *frame)
{
	__u32 flags = timeout_ms ? 0 : KSALLOC_NONBLOCK;
	__u64 deadline = 0;
	int ret;

	if (timeout_ms > 0)
		deadline = ks_deadline((__u64)timeout_ms * 1000000);
	do {
		ret = take_mapped(reader, flags, deadline, frame);
	} while (ret == -ESTALE);
	return ret;
}

/* -EINVAL if the program does not have the frame */
static int put_down(struct ks_reader *reader, const struct ks_reader_frame *frame)
{
	struct set *set = find_set(reader, frame->generation);
	struct plane *planes;

	if (!set || frame->index >= set->frames)
		return -EINVAL;
	planes = planes_of(set, frame->index);
	if (!planes->held)
		return -EINVAL;
	if (reads_by_cpu(reader))
		end_access(planes, set->nr_planes);
	planes->held = false;
	set->held--;
	free_old_sets(reader);
	return 0;
}

LIBKS_API int ks_reader_give_back(struct ks_reader *reader, const struct ks_reader_frame *frame)
{
	int ret;

	pthread_mutex_lock(&reader->lock);
	ret = put_down(reader, frame);
	pthread_mutex_unlock(&reader->lock);
	return ret ? ret : give(reader, frame->index, frame->generation);
}

LIBKS_API int ks_reader_cancel(struct ks_reader *reader, __u32 flags)
{
	struct ksalloc_cancel arg = { .size = sizeof(arg), .flags = flags };

	return call(reader->fd, KSALLOC_READER_CANCEL, &arg);
}

LIBKS_API int ks_reader_get_status(const struct ks_reader *reader, struct ks_reader_status *status)
{
	struct ksalloc_reader_info info;
	int ret = get_info(reader->fd, NULL, &info);

	if (ret)
		return ret;
	*status = (struct ks_reader_status) {
		.generation = info.generation,
		.lost = info.lost,
		.revoked = info.revoked,
		.queued = info.queued,
		.taken = info.taken,
		.frames = info.frames,
		.promised = info.promised,
		.running = info.running,
	};
	return 0;
}

LIBKS_API int ks_reader_get_format(const struct ks_reader *reader, struct v4l2_format *format)
{
	struct ksalloc_reader_info info;
	struct v4l2_format got;
	int ret = get_info(reader->fd, &got, &info);

	if (ret)
		return ret;
	if (!info.frames)
		return -ENODATA;
	*format = got;
	return 0;
}
