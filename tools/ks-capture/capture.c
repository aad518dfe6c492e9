// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture. While a frame is written, all other frames are in the device. A frame that
 * is not written is given back without access to its data.
 *
 * SIGINT and SIGTERM write to a pipe, which ends the wait for the next frame. So a signal
 * between a check and the wait is not missed. They are handled once: the second one ends
 * the program immediately, and the kernel cleans up.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ks/ks.h>

#include "capture.h"
#include "device.h"
#include "explain.h"
#include "field.h"
#include "output.h"
#include "report.h"
#include "say.h"

#define PROGRESS_EVERY_S 0.2

static int wake_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
	int saved = errno;
	char byte = number;

	/* If the pipe is full, it wakes the program already */
	if (write(wake_pipe[1], &byte, 1) < 0)
		errno = saved;
}

static int catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK)) {
		say_error("cannot make a pipe: %s", strerror(errno));
		return STATUS_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* EPIPE reports that the reader has closed its end. The program ends in order then */
	signal(SIGPIPE, SIG_IGN);
	return STATUS_OK;
}

/**
 * struct session - a capture in progress
 * @options: what the user wants
 * @device: where frames come from
 * @stream: the stream
 * @output: the output
 * @tally: the counters
 * @started: when the device was started, in seconds
 * @first: when the first frame arrived
 * @ended: when the last frame was finished
 * @shown: when the progress line was last printed
 * @shows_progress: stderr is a terminal
 */
struct session {
	const struct options *options;
	struct device device;
	struct ks_stream *stream;
	struct output output;
	struct tally tally;
	double started;
	double first;
	double ended;
	double shown;
	bool shows_progress;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int open_stream(struct session *session)
{
	struct ks_stream_config config = {
		.size = sizeof(config),
		.flags = LIBKS_STREAM_NO_CPU_ACCESS,
		.v4l2_fd = session->device.fd,
		.frames = session->options->buffers,
		.heap = session->options->heap,
	};
	enum ks_stream_step step;
	int err = ks_stream_open(&config, &session->stream, &step);

	if (!err)
		return STATUS_OK;
	explain_open(&session->device, session->options, step, err);
	return STATUS_DEVICE;
}

static int start_stream(struct session *session)
{
	const struct options *options = session->options;
	int err = ks_stream_start(session->stream);

	session->started = now();
	session->ended = session->started;
	if (!err)
		return STATUS_OK;
	explain_start(&session->device, options, err);
	return STATUS_DEVICE;
}

/* The time until the first frame is not part of the rate */
static const char *rate_text(const struct session *session, char text[32])
{
	unsigned long frames = session->tally.frames;
	double time = session->ended - session->first;

	*text = 0;
	if (frames > 1 && time > 0)
		snprintf(text, 32, ", %.1f a second", (frames - 1) / time);
	return text;
}

static void show_progress(struct session *session)
{
	const struct tally *tally = &session->tally;
	char total[32] = "", rate[32];

	if (!session->shows_progress || session->ended - session->shown < PROGRESS_EVERY_S)
		return;
	session->shown = session->ended;
	if (session->options->frames)
		snprintf(total, sizeof(total), "/%lu", session->options->frames);
	say_progress("%lu%s %s%s, %lu dropped", tally->frames, total,
		     field_noun(session->device.field, 2), rate_text(session, rate),
		     tally->dropped);
}

static int fail_next(const struct session *session, int err)
{
	explain_next(&session->device, session->options, err);
	return STATUS_FAILED;
}

/* Waits for a frame or for a signal */
static int wait_for_frame(struct session *session, struct ks_stream_frame *frame)
{
	struct pollfd files[] = {
		{ .fd = ks_stream_connection(session->stream), .events = POLLIN },
		{ .fd = wake_pipe[0], .events = POLLIN },
	};
	double until = now() + session->options->timeout_ms / 1000.0;
	int err;

	for (;;) {
		double left = until - now();

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

/* Minimum number of bytes of a frame that is written */
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
	say_note("the reader has closed the output");
	return STATUS_EARLY;
}

/* Counts a frame, and writes it if requested */
static int use_frame(struct session *session, const struct ks_stream_frame *frame)
{
	const struct options *options = session->options;
	struct tally *tally = &session->tally;
	bool follows = tally_sequence(tally, frame->sequence);
	bool marked = frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	int err;

	/* DATADISCONTINUITY without a gap before it means that the frame is damaged */
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

static int run(struct session *session)
{
	const struct options *options = session->options;
	struct ks_stream_frame frame;
	int ret, err;

	while (!options->frames || session->tally.frames < options->frames) {
		ret = wait_for_frame(session, &frame);
		if (ret)
			return ret;
		if (!session->tally.started)
			session->first = now();
		ret = use_frame(session, &frame);
		err = ks_stream_give_back(session->stream, frame.index);
		session->ended = now();
		if (ret)
			return ret;
		if (err)
			return fail_next(session, err);
		show_progress(session);
	}
	return STATUS_OK;
}

static void say_summary(const struct session *session)
{
	const struct device *device = &session->device;
	const struct tally *tally = &session->tally;
	char code[FOURCC_TEXT], rate[32], gaps[48] = "", damaged[48] = "", dropped[48];

	if (tally->gaps)
		snprintf(gaps, sizeof(gaps), " in %lu gap%s", tally->gaps, &"s"[tally->gaps == 1]);
	if (tally->damaged)
		snprintf(damaged, sizeof(damaged), ", %lu of them damaged", tally->damaged);
	snprintf(dropped, sizeof(dropped), "%lu dropped", tally->dropped);
	if (tally_is_blind(tally))
		snprintf(dropped, sizeof(dropped), "%lu damaged", tally->damaged);
	say_note("%lu %s of %s %ux%u in %.2f s%s, %s%s%s", tally->frames,
		 field_noun(device->field, tally->frames), fourcc_text(device->fourcc, code),
		 device->picture.width, device->picture.height,
		 session->ended - session->started, rate_text(session, rate), dropped, gaps,
		 tally_is_blind(tally) ? "" : damaged);
	if (tally_is_blind(tally))
		say_note("all frames have the same sequence number, lost ones cannot be counted");
}

/* For a capture without -n, an interrupt is the normal end */
static int end_status(const struct session *session, int status)
{
	if (status == STATUS_EARLY && !session->options->frames)
		return STATUS_OK;
	return status;
}

static int finish(struct session *session, int status)
{
	const struct options *options = session->options;

	if (output_close(&session->output) && !status)
		status = STATUS_FAILED;
	say_summary(session);
	if (options->report && report_write(options->report, &session->device, options->heap,
					    &session->tally, session->ended - session->started))
		status = status ? status : STATUS_FAILED;
	return end_status(session, status);
}

static int capture_from(struct session *session)
{
	const struct options *options = session->options;
	int status;

	status = device_set_up(&session->device, options);
	if (status)
		return status;
	session->tally.fields = session->device.field == V4L2_FIELD_ALTERNATE;
	status = output_init(&session->output, options, &session->device);
	if (status)
		return status;
	status = output_open_pipe(&session->output);
	if (status)
		goto close_output;
	status = open_stream(session);
	if (status)
		goto close_output;
	status = start_stream(session);
	if (status)
		goto close_stream;

	status = run(session);
	ks_stream_close(session->stream);
	return finish(session, status);

close_stream:
	ks_stream_close(session->stream);
close_output:
	output_close(&session->output);
	return status;
}

int capture(const struct options *options)
{
	struct session session = {
		.options = options,
		.shows_progress = say_shows_progress(),
	};
	int status;

	status = catch_signals();
	if (status)
		return status;
	status = device_open(&session.device, options->device);
	if (status)
		return status;
	status = capture_from(&session);
	device_close(&session.device);
	return status;
}
