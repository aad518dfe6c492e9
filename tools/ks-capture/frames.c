// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames. One at a time is out of the device while it is written; all others are in it to
 * be filled. A frame that is not written is given back without having been looked at.
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

/* The device reports a change, which may have been reverted since */
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

/* An error of the device can come of a change */
static int fail_or_change(const struct session *session, int err)
{
	int ret = source_has_changed(&session->device) ? take_change(session) : STATUS_OK;

	return ret ? ret : fail_next(session, err);
}

/* Wait for a frame or for a signal */
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
		/* Some drivers say nothing but that this file does not stream */
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

/* The bytes that a frame must have to be written */
static size_t least_bytes(const struct session *session)
{
	const struct picture *picture = &session->device.picture;

	return picture->format ? picture_bytes(picture) : 1;
}

static bool is_jpeg(const struct session *session)
{
	const struct pixel_format *format = session->device.picture.format;

	return format && format->kind == PIXEL_JPEG;
}

/*
 * What is wrong with a frame, as half a sentence; NULL for nothing. Where numbers are
 * missing before it, a mark on it reports that; else the device reports that this
 * frame is damaged.
 */
static const char *damage_of(const struct session *session, const struct ks_stream_frame *frame,
			     bool follows)
{
	if (frame->used < least_bytes(session))
		return "it is too short";
	if (follows && frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY)
		return "its driver says so";
	return is_jpeg(session) ? jpeg_look(frame->data, frame->used).damage : NULL;
}

static int explain_output(int err)
{
	if (err != -EPIPE)
		return STATUS_FAILED;
	say_note("the reader of the output has gone");
	return STATUS_EARLY;
}

/* Leave a frame out; end where nothing else comes */
static int drop_damaged(struct session *session, const struct ks_stream_frame *frame,
			const char *damage)
{
	if (!session->tally.damaged)
		say_note("the frame with number %u is damaged, and left out: %s", frame->sequence,
			 damage);
	tally_damaged(&session->tally);
	if (session_now() - session->good < session->options->timeout_ms / 1000.0)
		return STATUS_OK;
	explain_damage(&session->device, session->options, damage);
	return STATUS_FAILED;
}

/* In 100 ns; -1 where the device does not tell */
static __s64 time_of(const struct ks_stream_frame *frame)
{
	if (!(frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID))
		return -1;
	return frame->header.presentation_time.time;
}

/* Look at a frame, count it, and write it if it is wanted */
static int take_frame(struct session *session, const struct ks_stream_frame *frame, bool wanted)
{
	struct tally *tally = &session->tally;
	bool follows = tally_sequence(tally, frame->sequence);
	const char *damage = damage_of(session, frame, follows);
	int err;

	if (damage && (!session->options->keeps_damaged || frame->used < least_bytes(session)))
		return drop_damaged(session, frame, damage);
	if (wanted) {
		err = output_frame(&session->output, tally->frames, frame->data, frame->used);
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
	err = read ? ks_begin_access(frame->dmabuf, LIBKS_READ) : 0;
	if (err) {
		say_error("cannot read a frame: %s", strerror(-err));
		hint_log();
		return STATUS_FAILED;
	}
	ret = take_frame(session, frame, wanted);
	if (read)
		ks_end_access(frame->dmabuf, LIBKS_READ);
	return ret;
}

/* About half a second, but no more than what exposure and colours need in good light */
unsigned long frames_before_photo(struct rate rate)
{
	unsigned long frames = rate.num / 2 / (rate.den ? rate.den : 1);

	if (!rate.num || frames > MOST_BEFORE_PHOTO)
		return MOST_BEFORE_PHOTO;
	return frames ? frames : 1;
}

/*
 * Skips what has waited while another frame was written. All buffers can be among
 * it, filled long ago; so the next frame is one that the device ends from now on.
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

/* Whether a frame has come that was not skipped */
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
