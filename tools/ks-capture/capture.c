// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture, from the device to the report.
 *
 * SIGINT and SIGTERM write to a pipe, which ends the wait for the next frame. So a signal
 * between a check and the wait is not missed. They are handled once: the second one ends
 * the program immediately, and the kernel cleans up.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include "source.h"

/* Interval of checks of a source without a signal */
#define LOOK_EVERY_MS 100

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
		say_advice("Too many files are open; see ulimit -n.");
		return STATUS_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* EPIPE reports that the reader has closed its end. The program ends in order then */
	signal(SIGPIPE, SIG_IGN);
	return STATUS_OK;
}

static void end_wake_pipe(void)
{
	int fds[2] = { wake_pipe[0], wake_pipe[1] };

	/* After this, the handler does not write to the pipe any more */
	wake_pipe[0] = -1;
	wake_pipe[1] = -1;
	close(fds[0]);
	close(fds[1]);
}

static void close_stream(struct session *session)
{
	ks_stream_close(session->stream);
	session->stream = NULL;
}

/* Opens and starts a stream. Returns whether it was started */
static bool start_stream(struct session *session, struct failure *failure)
{
	struct ks_stream_config config = {
		.size = sizeof(config),
		.flags = LIBKS_STREAM_NO_CPU_ACCESS,
		.v4l2_fd = session->device.fd,
		.frames = session->options->buffers,
		.heap = session->options->heap,
		.memory = &failure->memory,
	};

	failure->err = ks_stream_open(&config, &session->stream, &failure->step);
	if (failure->err) {
		session->stream = NULL;
		return false;
	}
	failure->starts = true;
	failure->err = ks_stream_start(session->stream);
	session->good = session_now();
	if (failure->err)
		close_stream(session);
	return !failure->err;
}

static int begin(struct session *session)
{
	const struct options *options = session->options;
	const struct device *device = &session->device;
	const struct ks_memory_attempt *used;
	struct failure failure = {};
	char why[MEMORY_TEXT];

	if (!start_stream(session, &failure)) {
		explain_failure(device, options, &failure);
		return STATUS_DEVICE;
	}
	used = &failure.memory.attempt[failure.memory.count - 1];
	snprintf(session->memory, sizeof(session->memory), "%s", used->name);
	if (used->kind == LIBKS_MEMORY_DEVICE && !options->heap) {
		memory_describe(&failure.memory.attempt[0], why);
		say_note("%s: frames are in its own memory (-H device); %s", device->path, why);
	}
	return STATUS_OK;
}

/* Waits for a signal that the device can capture */
static int wait_for_source(struct session *session)
{
	double until = session_now() + session->options->timeout_ms / 1000.0;
	struct pollfd wake = { .fd = session->wake_fd, .events = POLLIN };
	enum signal signal;

	for (;;) {
		signal = source_look(&session->device);
		if (signal == SIGNAL_RIGHT || signal == SIGNAL_OTHER)
			return STATUS_OK;
		if (session_now() >= until) {
			explain_next(&session->device, session->options, -ETIMEDOUT);
			return STATUS_FAILED;
		}
		if (poll(&wake, 1, LOOK_EVERY_MS) > 0)
			return STATUS_EARLY;
	}
}

/* Restarts when the source has changed, perhaps with another size or format */
static int begin_again(struct session *session)
{
	int status;

	close_stream(session);
	say_note("%s: its source has changed; restarting the capture", session->device.path);
	status = wait_for_source(session);
	if (!status)
		status = device_set_up(&session->device, session->options);
	if (!status)
		status = output_change(&session->output);
	if (!status)
		status = begin(session);
	tally_restart(&session->tally, session->device.field == V4L2_FIELD_ALTERNATE);
	return status;
}

static int run(struct session *session)
{
	int status;

	do {
		status = frames_run(session);
		if (status == SOURCE_CHANGED)
			status = begin_again(session);
		else
			break;
	} while (!status);
	close_stream(session);
	return status;
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
	if (times_close(&session->times) && !status)
		status = STATUS_FAILED;
	progress_summary(session);
	if (options->report && report_write(options->report, &session->device, session->memory,
					    &session->tally, session->ended - session->started))
		status = status ? status : STATUS_FAILED;
	return end_status(session, status);
}

static int capture_from(struct session *session)
{
	const struct options *options = session->options;
	int status;

	/* First, because advice on the format or the signal would not help */
	if (explain_refused(&session->device))
		return STATUS_DEVICE;
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
	status = begin(session);
	if (status)
		goto close_stream;
	session->started = session->good;
	session->ended = session->started;

	return finish(session, run(session));

close_stream:
	close_stream(session);
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
	if (!status) {
		status = capture_from(&session);
		device_close(&session.device);
	}
	end_wake_pipe();
	return status;
}
