// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture, from the device to the report. SIGINT and SIGTERM end the wait for the
 * next frame through a pipe, so that none is missed between looking and waiting. They are
 * taken once: a second one ends the program at once, for which the kernel cleans up.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <ks/ks.h>

#include "capture.h"
#include "explain.h"
#include "frames.h"
#include "progress.h"
#include "say.h"
#include "session.h"

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

	session->started = session_now();
	session->ended = session->started;
	session->good = session->started;
	if (!err)
		return STATUS_OK;
	explain_start(&session->device, options, err);
	return STATUS_DEVICE;
}

/* Until-interrupted captures end as they should when they are interrupted */
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
	if (times_close(&session->times) && !status)
		status = STATUS_FAILED;
	progress_summary(session);
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
	session->skip = options->skip == SKIP_FOR_PHOTO ?
			frames_before_photo(session->device.rate) : options->skip;
	session->tally.fields = session->device.field == V4L2_FIELD_ALTERNATE;
	status = output_init(&session->output, options, &session->device);
	if (status)
		return status;
	status = output_open_pipe(&session->output);
	if (status)
		goto close_output;
	if (times_open(&session->times, options->times)) {
		status = STATUS_FAILED;
		goto close_output;
	}
	status = open_stream(session);
	if (status)
		goto close_output;
	status = start_stream(session);
	if (status)
		goto close_stream;

	status = frames_run(session);
	ks_stream_close(session->stream);
	return finish(session, status);

close_stream:
	ks_stream_close(session->stream);
close_output:
	times_close(&session->times);
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
	session.wake_fd = wake_pipe[0];
	status = device_open(&session.device, options->device);
	if (status)
		return status;
	status = capture_from(&session);
	device_close(&session.device);
	return status;
}
