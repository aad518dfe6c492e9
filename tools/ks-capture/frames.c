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
#include "progress.h"
#include "say.h"

#define MOST_BEFORE_PHOTO 10

static int fail_next(const struct session *session, int err)
{
	explain_next(&session->device, session->options, err);
	return STATUS_FAILED;
}

/* Wait for a frame or for a signal */
static int wait_for_frame(struct session *session, struct ks_stream_frame *frame)
{
	struct pollfd files[] = {
		{ .fd = ks_stream_connection(session->stream), .events = POLLIN },
		{ .fd = session->wake_fd, .events = POLLIN },
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
		err = ks_stream_next(session->stream, 0, frame);
		if (!err)
			return STATUS_OK;
		if (err != -EAGAIN && err != -EINTR)
			return fail_next(session, err);
	}
}

/* The bytes that a frame must have to be written */
static size_t least_bytes(const struct session *session)
{
	const struct picture *picture = &session->device.picture;

	return picture->format ? picture_bytes(picture) : 1;
}

static int write_frame(struct session *session, const struct ks_stream_frame *frame)
{
	int err = ks_begin_access(frame->dmabuf, LIBKS_READ);

	if (err) {
		say_error("cannot read a frame: %s", strerror(-err));
		return err;
	}
	err = output_frame(&session->output, session->tally.frames, frame->data, frame->used);
	ks_end_access(frame->dmabuf, LIBKS_READ);
	return err;
}

static int explain_output(int err)
{
	if (err != -EPIPE)
		return STATUS_FAILED;
	say_note("the reader of the output has gone");
	return STATUS_EARLY;
}

/* Count a frame, write it if it is wanted */
static int use_frame(struct session *session, const struct ks_stream_frame *frame)
{
	const struct options *options = session->options;
	struct tally *tally = &session->tally;
	bool marked = frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	bool follows;
	int err;

	if (session->skip) {
		session->skip--;
		tally_skip(tally, frame->sequence);
		return STATUS_OK;
	}
	follows = tally_sequence(tally, frame->sequence);
	/* A mark without a gap before it is the device's word that this is damaged */
	if (frame->used < least_bytes(session) || (marked && follows)) {
		tally_damaged(tally);
		return STATUS_OK;
	}
	if (options->kind != OUTPUT_NONE && save_wants(&options->save, tally->frames)) {
		err = write_frame(session, frame);
		if (err)
			return explain_output(err);
	}
	tally_good(tally);
	return STATUS_OK;
}

/* About half a second, but no more than what exposure and colours need in good light */
unsigned long frames_before_photo(struct rate rate)
{
	unsigned long frames = rate.num / 2 / (rate.den ? rate.den : 1);

	if (!rate.num || frames > MOST_BEFORE_PHOTO)
		return MOST_BEFORE_PHOTO;
	return frames ? frames : 1;
}

int frames_run(struct session *session)
{
	const struct options *options = session->options;
	struct ks_stream_frame frame;
	int ret, err;

	while (!options->frames || session->tally.frames < options->frames) {
		ret = wait_for_frame(session, &frame);
		if (ret)
			return ret;
		if (!session->tally.frames && !session->tally.damaged)
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
