// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams: a typical capture program as one object.
 *
 * A stream owns a connection, an allocator that is assigned to it, and the mapped frames.
 * The device that makes connections and the heap are closed as soon as they are not needed
 * any more. The kernel knows which frames are in the device. The stream only records which
 * frames the program holds, to end the CPU access when they are given back.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <ks/ks.h>

#include "internal.h"

#define ALL_FLAGS ((__u32)(LIBKS_STREAM_NO_CPU_ACCESS | LIBKS_STREAM_DEVICE_MEMORY | \
			   LIBKS_STREAM_CIRCULATE))

/* The program holds one frame and returns another one while the device has what it needs */
#define SPARE_FRAMES 2
#define LEAST_FRAMES 4

struct ks_stream {
	int connection;
	int allocator;
	__u32 flags;
	/* Empty after the frames are mapped */
	struct libks_maps *maps;
	struct ks_frames *frames;
	bool *held;
};

static int check_config(const struct ks_stream_config *config)
{
	if (!config || config->size != sizeof(*config))
		return -EINVAL;
	if (config->flags & ~ALL_FLAGS)
		return -EINVAL;
	if (config->flags & LIBKS_STREAM_DEVICE_MEMORY && config->heap)
		return -EINVAL;
	return 0;
}

static int connect_device(const struct ks_stream_config *config, enum ks_stream_step *step)
{
	int ks, ret;

	*step = LIBKS_STEP_OPEN;
	ks = ks_open(config->device);
	if (ks < 0)
		return ks;
	*step = LIBKS_STEP_CONNECT;
	ret = ks_connect(ks, config->v4l2_fd);
	close(ks);
	return ret;
}

/* The step of ks_stream_open() at which the search for memory failed */
static enum ks_stream_step step_of(const struct ks_memory_report *report, int error)
{
	enum ks_memory_step step = LIBKS_MEMORY_OPEN;
	__u32 i;

	if (!report->count)
		return LIBKS_STEP_FRAMING;
	for (i = 0; i < report->count; i++)
		if (report->attempt[i].error == error && report->attempt[i].step > step)
			step = report->attempt[i].step;
	switch (step) {
	case LIBKS_MEMORY_OPEN:
		return LIBKS_STEP_HEAP;
	case LIBKS_MEMORY_ACQUIRE:
		return LIBKS_STEP_ACQUIRE;
	default:
		return LIBKS_STEP_CREATE;
	}
}

static int find_memory(struct ks_stream *stream, const struct ks_stream_config *config,
		       const struct ksallocator_framing *framing, enum ks_stream_step *step)
{
	bool own = config->flags & LIBKS_STREAM_DEVICE_MEMORY;
	struct ks_memory_report room = { .count = 0 };
	struct ks_memory_report *report = config->memory ? config->memory : &room;
	int ret;

	ret = libks_find_memory(stream->connection, framing,
				own ? LIBKS_DEVICE_MEMORY : config->heap, report, &stream->maps);
	if (ret < 0)
		*step = step_of(report, ret);
	else if (report->attempt[report->count - 1].kind == LIBKS_MEMORY_DEVICE)
		stream->flags |= LIBKS_STREAM_DEVICE_MEMORY;
	return ret;
}

static int create_allocator(struct ks_stream *stream, const struct ks_stream_config *config,
			    enum ks_stream_step *step)
{
	struct ksallocator_framing framing;
	int ret;

	*step = LIBKS_STEP_FRAMING;
	ret = ks_get_framing(stream->connection, &framing);
	if (ret)
		return ret;
	/* In a union with the requirements of the device */
	framing.options_flags = 0;
	if (config->frames) {
		framing.frames = config->frames;
	} else {
		framing.frames += SPARE_FRAMES;
		if (framing.frames < LEAST_FRAMES)
			framing.frames = LEAST_FRAMES;
	}
	return find_memory(stream, config, &framing, step);
}

static int build(struct ks_stream *stream, const struct ks_stream_config *config,
		 enum ks_stream_step *step)
{
	int ret;

	ret = connect_device(config, step);
	if (ret < 0)
		return ret;
	stream->connection = ret;

	ret = create_allocator(stream, config, step);
	if (ret < 0)
		return ret;
	stream->allocator = ret;

	*step = LIBKS_STEP_MAP;
	ret = libks_map_frames(stream->allocator, stream->maps, &stream->frames);
	if (ret)
		return ret;
	stream->held = calloc(ks_frames_count(stream->frames), sizeof(*stream->held));
	return stream->held ? 0 : -ENOMEM;
}

LIBKS_API int ks_stream_open(const struct ks_stream_config *config, struct ks_stream **stream,
			     enum ks_stream_step *step)
{
	enum ks_stream_step at = LIBKS_STEP_CONFIG;
	struct ks_stream *new = NULL;
	int ret;

	ret = check_config(config);
	if (ret)
		goto err;
	if (config->memory)
		config->memory->count = 0;
	ret = -ENOMEM;
	new = calloc(1, sizeof(*new));
	if (!new)
		goto err;
	new->connection = -1;
	new->allocator = -1;
	new->flags = config->flags;
	ret = build(new, config, &at);
	if (ret)
		goto err;
	*stream = new;
	return 0;

err:
	ks_stream_close(new);
	if (step)
		*step = at;
	return ret;
}

static bool reads_by_cpu(const struct ks_stream *stream)
{
	return !(stream->flags & LIBKS_STREAM_NO_CPU_ACCESS);
}

static void end_access(struct ks_stream *stream, __u32 index, __u32 planes)
{
	while (planes--)
		ks_end_access(ks_frames_plane_dmabuf(stream->frames, index, planes), LIBKS_READ);
}

/* For all planes, or none */
static int begin_access(struct ks_stream *stream, __u32 index)
{
	__u32 plane;
	int ret;

	for (plane = 0; plane < ks_frames_planes(stream->frames); plane++) {
		ret = ks_begin_access(ks_frames_plane_dmabuf(stream->frames, index, plane),
				      LIBKS_READ);
		if (ret) {
			end_access(stream, index, plane);
			return ret;
		}
	}
	return 0;
}

static void end_all_access(struct ks_stream *stream)
{
	__u32 i;

	for (i = 0; i < ks_frames_count(stream->frames); i++)
		if (stream->held[i] && reads_by_cpu(stream))
			end_access(stream, i, ks_frames_planes(stream->frames));
}

LIBKS_API void ks_stream_close(struct ks_stream *stream)
{
	if (!stream)
		return;
	if (stream->held)
		end_all_access(stream);
	/* Closing the connection would stop the device too, but possibly later */
	if (stream->connection >= 0) {
		ks_set_state(stream->connection, KSSTATE_STOP);
		close(stream->connection);
	}
	ks_frames_unmap(stream->frames);
	libks_free_maps(stream->maps);
	if (stream->allocator >= 0)
		close(stream->allocator);
	free(stream->held);
	free(stream);
}

/*
 * SUBMIT with a descriptor, which is open already, is faster. Own memory needs none, and for
 * frames with several planes it is not possible
 */
static int submit(struct ks_stream *stream, __u32 index)
{
	int dmabuf = -1;

	if (!(stream->flags & LIBKS_STREAM_DEVICE_MEMORY) && ks_frames_planes(stream->frames) == 1)
		dmabuf = ks_frames_dmabuf(stream->frames, index);
	return ks_submit(stream->connection, index, dmabuf);
}

static int submit_free_frames(struct ks_stream *stream)
{
	__u32 index;
	int ret;

	for (;;) {
		ret = ks_alloc(stream->allocator, KSALLOC_NONBLOCK, 0, &index, NULL);
		if (ret == -EAGAIN)
			return 0;
		if (ret)
			return ret;
		ret = submit(stream, index);
		if (ret) {
			ks_free(stream->allocator, index);
			return ret;
		}
	}
}

LIBKS_API int ks_stream_start(struct ks_stream *stream)
{
	int ret;

	/* A failure returns to the state from before the call */
	if (stream->flags & LIBKS_STREAM_CIRCULATE)
		return ks_circulate(stream->connection, KSSTATE_RUN);
	ret = ks_set_state(stream->connection, KSSTATE_PAUSE);
	if (ret)
		return ret;
	ret = submit_free_frames(stream);
	if (ret)
		goto err;
	ret = ks_set_state(stream->connection, KSSTATE_RUN);
	if (ret)
		goto err;
	return 0;

err:
	ks_set_state(stream->connection, KSSTATE_STOP);
	return ret;
}

LIBKS_API int ks_stream_stop(struct ks_stream *stream)
{
	return ks_set_state(stream->connection, KSSTATE_STOP);
}

/* The program does not hold the frame after this, even if it fails */
static int give_to_device_or_allocator(struct ks_stream *stream, __u32 index)
{
	int ret = submit(stream, index);

	if (!ret)
		return 0;
	ks_free(stream->allocator, index);
	return ret == -ECANCELED || ret == -ENODEV ? 0 : ret;
}

/* Limits the values from the device to the mapping */
static void describe_plane(const struct ks_stream *stream, __u32 index, __u32 plane,
			   const struct ksalloc_plane_data *data,
			   struct ks_stream_plane *result)
{
	size_t bytes = ks_frames_plane_bytes(stream->frames, plane);
	size_t start = data->data_offset < bytes ? data->data_offset : bytes;

	*result = (struct ks_stream_plane) {
		.data = (char *)ks_frames_plane_data(stream->frames, index, plane) + start,
		.used = data->data_used,
		.bytes = bytes - start,
		.dmabuf = ks_frames_plane_dmabuf(stream->frames, index, plane),
	};
	if (result->used > result->bytes)
		result->used = result->bytes;
}

static void describe_frame(const struct ks_stream *stream, const struct ks_completion *done,
			   struct ks_stream_frame *frame)
{
	__u32 plane;

	*frame = (struct ks_stream_frame) {
		.index = done->index,
		.sequence = done->sequence,
		.header = done->header,
		.nr_planes = ks_frames_planes(stream->frames),
	};
	for (plane = 0; plane < frame->nr_planes; plane++)
		describe_plane(stream, done->index, plane, &done->planes[plane],
			       &frame->planes[plane]);
	frame->data = frame->planes[0].data;
	frame->used = frame->planes[0].used;
	frame->bytes = frame->planes[0].bytes;
	frame->dmabuf = frame->planes[0].dmabuf;
}

LIBKS_API int ks_stream_next(struct ks_stream *stream, int timeout_ms,
			     struct ks_stream_frame *frame)
{
	__u32 flags = timeout_ms ? 0 : KSALLOC_NONBLOCK;
	struct ks_completion done;
	__u64 deadline = 0;
	int ret;

	if (timeout_ms > 0)
		deadline = ks_deadline((__u64)timeout_ms * 1000000);
	ret = ks_complete(stream->connection, flags, deadline, &done);
	if (ret)
		return ret;
	/* Only a kernel that violates the ABI can cause this */
	if (done.index >= ks_frames_count(stream->frames))
		return -EIO;
	if (reads_by_cpu(stream)) {
		ret = begin_access(stream, done.index);
		if (ret) {
			give_to_device_or_allocator(stream, done.index);
			return ret;
		}
	}
	stream->held[done.index] = true;
	describe_frame(stream, &done, frame);
	return 0;
}

LIBKS_API int ks_stream_give_back(struct ks_stream *stream, __u32 index)
{
	if (index >= ks_frames_count(stream->frames) || !stream->held[index])
		return -EINVAL;
	stream->held[index] = false;
	if (reads_by_cpu(stream))
		end_access(stream, index, ks_frames_planes(stream->frames));
	return give_to_device_or_allocator(stream, index);
}

LIBKS_API int ks_stream_connection(const struct ks_stream *stream)
{
	return stream->connection;
}

LIBKS_API int ks_stream_allocator(const struct ks_stream *stream)
{
	return stream->allocator;
}

LIBKS_API const struct ks_frames *ks_stream_frames(const struct ks_stream *stream)
{
	return stream->frames;
}
