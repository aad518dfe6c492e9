// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks-capture: captures from a V4L2 camera through ksalloc without copying frames, and
 * writes pictures, a video or raw frames.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "capture.h"
#include "list.h"
#include "options.h"
#include "say.h"

/*
 * If stdin, stdout or stderr is closed, a file that is opened later would get its number,
 * for example the camera, and receive messages. So it is replaced by a file that is open
 * for the wrong direction.
 */
static void reserve_standard_files(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(STATUS_FAILED);
}

/* Detects output that could not be written, for example because the disk is full */
static int end_stdout(int status)
{
	if (fflush(stdout) && !status) {
		say_error("cannot write to stdout");
		say_advice("Is it closed, or is the disk full?");
		return STATUS_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	reserve_standard_files();
	status = options_parse(&options, argc, argv);
	if (status)
		return status;
	say_quiet = options.quiet;
	switch (options.action) {
	case ACTION_HELP:
		options_help();
		return end_stdout(STATUS_OK);
	case ACTION_VERSION:
		puts("ks-capture " VERSION);
		return end_stdout(STATUS_OK);
	case ACTION_LIST:
		return end_stdout(list_cameras());
	case ACTION_LIST_FORMATS:
		return end_stdout(list_formats(options.device));
	case ACTION_CAPTURE:
		break;
	}
	return capture(&options);
}
