// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop over the frames of a capture. While one frame is written, all other frames are in
 * the device. A frame that is not written is queued again without reading it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <ks/ks.h>

#include "explain.h"
#include "frames.h"
#include "hints.h"
#include "jpeg.h"
#include "progress.h"
#include "say.h"
#include "source.h"

#define MOST_BEFORE_PHOTO 10

static int fail_next(const struct session *session, int err)
{
	explain_next(&session->device, session->options, err);
	return STATUS_FAILED;
}

/* Handles a source change event. The source may have changed back since the event */
static int take_change(const struct session *session)
{
	const struct device *device = &session->device;

	switch (session->options->on_change) {
	case CHANGE_IGNORE:
		return STATUS_OK;
	case CHANGE_RESTARTS:
		return SOURCE_CHANGED;
	default:
		if (source_look(device) == SIGNAL_RIGHT)
			return STATUS_OK;
		explain_change(device);
		return STATUS_FAILED;
	}
}

/* An error of the device can be caused by a change of its source */
static int fail_or_change(const struct session *session, int err)
{
	int ret = source_has_changed(&session->device) ? take_change(session) : STATUS_OK;

	return ret ? ret : fail_next(session, err);
}

/* Waits for a frame, a signal or a change of the source */
static int wait_for_frame(struct session *session, struct ks_stream_frame *frame)
{
	struct pollfd files[] = {
		{ .fd = ks_stream_connection(session->stream), .events = POLLIN },
		{ .fd = session->wake_fd, .events = POLLIN },
		{ .fd = session->device.watched ? session->device.fd : -1, .events = POLLPRI },
	};
	double until = session_now() + session->options->timeout_ms / 1000.0;
	int err;

	for (;;) {
		double left = until - session_now();

		if (left <= 0)
			return fail_next(session, -ETIMEDOUT);
		if (poll(files, ARRAY_SIZE(files), (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return fail_next(session, -errno);
		if (files[1].revents)
			return STATUS_EARLY;
		err = source_has_changed(&session->device) ? take_change(session) : STATUS_OK;
		if (err)
			return err;
		/* Some drivers always report POLLERR, because this file does not stream */
		if (files[2].revents & ~POLLPRI)
			files[2].fd = -1;
		err = ks_stream_next(session->stream, 0, frame);
		if (!err) {
			session->got = times_now();
			return STATUS_OK;
		}
		if (err != -EAGAIN && err != -EINTR)
			return fail_or_change(session, err);
	}
}

/* Whether a plane of a frame has all its data */
static bool plane_is_whole(const struct session *session, const struct ks_stream_frame *frame,
			   __u32 plane)
{
	const struct picture *picture = &session->device.picture;
	size_t least = 1;

	if (picture->format)
		least = frame->nr_planes == 1 ? picture_bytes(picture) :
						picture_plane_bytes(picture, plane);
	return frame->planes[plane].used >= least;
}

static bool is_whole(const struct session *session, const struct ks_stream_frame *frame)
{
	__u32 i;

	for (i = 0; i < frame->nr_planes; i++)
		if (!plane_is_whole(session, frame, i))
			return false;
	return true;
}

static void end_access(const struct ks_stream_frame *frame, __u32 planes)
{
	while (planes--)
		ks_end_access(frame->planes[planes].dmabuf, LIBKS_READ);
}

static int begin_access(const struct ks_stream_frame *frame)
{
	__u32 i;
	int err;

	for (i = 0; i < frame->nr_planes; i++) {
		err = ks_begin_access(frame->planes[i].dmabuf, LIBKS_READ);
		if (err) {
			end_access(frame, i);
			return err;
		}
	}
	return 0;
}

static bool is_jpeg(const struct session *session)
{
	const struct pixel_format *format = session->device.picture.format;

	return format && format->kind == PIXEL_JPEG;
}

/*
 * Returns what is wrong with a frame, as a text, or NULL. The flag DATADISCONTINUITY on a frame
 * after a gap in the sequence numbers means that gap. Otherwise it means that the driver
 * reports the frame as damaged.
 */
static const char *damage_of(const struct session *session, const struct ks_stream_frame *frame,
			     bool follows)
{
	if (!is_whole(session, frame))
		return "it is too short";
	if (follows && frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY)
		return "its driver says so";
	return is_jpeg(session) ? jpeg_look(frame->data, frame->used).damage : NULL;
}

static int explain_output(int err)
{
	if (err != -EPIPE)
		return STATUS_FAILED;
	say_note("the reader of the output has closed it");
	return STATUS_EARLY;
}

/* Skips a damaged frame; fails if there was no good frame for a long time */
static int drop_damaged(struct session *session, const struct ks_stream_frame *frame,
			const char *damage)
{
	if (!session->tally.damaged)
		say_note("the frame with sequence number %u is damaged and skipped: %s",
			 frame->sequence, damage);
	tally_damaged(&session->tally);
	if (session_now() - session->good < session->options->timeout_ms / 1000.0)
		return STATUS_OK;
	explain_damage(&session->device, session->options, damage);
	return STATUS_FAILED;
}

/* The time of a frame, in 100 ns; -1 if the device does not report it */
static __s64 time_of(const struct ks_stream_frame *frame)
{
	if (!(frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID))
		return -1;
	return frame->header.presentation_time.time;
}

/* Checks and counts a frame, and writes it if requested */
static int take_frame(struct session *session, const struct ks_stream_frame *frame, bool wanted)
{
	struct tally *tally = &session->tally;
	bool follows = tally_sequence(tally, frame->sequence);
	const char *damage = damage_of(session, frame, follows);
	int err;

	if (damage && (!session->options->keeps_damaged || !is_whole(session, frame)))
		return drop_damaged(session, frame, damage);
	if (wanted) {
		err = output_frame(&session->output, tally->frames, frame->planes,
				   frame->nr_planes);
		if (err)
			return explain_output(err);
	}
	if (wanted || session->options->kind == OUTPUT_NONE)
		times_add(&session->times, tally->frames, frame->sequence, time_of(frame),
			  session->got);
	tally->kept += !!damage;
	tally_good(tally);
	session->good = session_now();
	return STATUS_OK;
}

static int use_frame(struct session *session, const struct ks_stream_frame *frame)
{
	const struct options *options = session->options;
	bool wanted = options->kind != OUTPUT_NONE &&
		      save_wants(&options->save, session->tally.frames);
	bool read = wanted || is_jpeg(session);
	int ret, err;

	if (session->skip) {
		session->skip--;
		tally_skip(&session->tally, frame->sequence);
		session->good = session_now();
		return STATUS_OK;
	}
	err = read ? begin_access(frame) : 0;
	if (err) {
		say_error("cannot read a frame: %s", strerror(-err));
		hint_log();
		return STATUS_FAILED;
	}
	ret = take_frame(session, frame, wanted);
	if (read)
		end_access(frame, frame->nr_planes);
	return ret;
}

/* About half a second, but at most ten: in good light, cameras need no more to adjust */
unsigned long frames_before_photo(struct rate rate)
{
	unsigned long frames = rate.num / 2 / (rate.den ? rate.den : 1);

	if (!rate.num || frames > MOST_BEFORE_PHOTO)
		return MOST_BEFORE_PHOTO;
	return frames ? frames : 1;
}

/*
 * Skips all frames that were filled while another one was written. They can be all frames of
 * the allocator, and old. So the next frame is one that the device completes after this.
 */
static int pass_over(struct session *session)
{
	struct ks_stream_frame frame;
	int err;

	while (!(err = ks_stream_next(session->stream, 0, &frame))) {
		tally_pass(&session->tally, frame.sequence);
		err = ks_stream_give_back(session->stream, frame.index);
		if (err)
			break;
	}
	return err == -EAGAIN || err == -EINTR ? STATUS_OK : fail_next(session, err);
}

/* Whether there was a frame that is not skipped by --skip */
static bool counts(const struct session *session)
{
	return session->tally.frames || session->tally.damaged;
}

int frames_run(struct session *session)
{
	const struct options *options = session->options;
	struct ks_stream_frame frame;
	int ret, err;

	while (!options->frames || session->tally.frames < options->frames) {
		ret = options->newest && counts(session) ? pass_over(session) : STATUS_OK;
		if (!ret)
			ret = wait_for_frame(session, &frame);
		if (ret)
			return ret;
		if (!counts(session))
			session->first = session_now();
		ret = use_frame(session, &frame);
		err = ks_stream_give_back(session->stream, frame.index);
		session->ended = session_now();
		if (ret)
			return ret;
		if (err)
			return fail_next(session, err);
		progress_show(session);
	}
	return STATUS_OK;
}
