// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks-share: makes a V4L2 node from which many programs stream from one camera, as long as
 * this program runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ks/ks.h>
#include <linux/videodev2.h>

#include "../ks-capture/hints.h"
#include "../ks-capture/say.h"
#include "../ks-capture/v4l2.h"

/* How often it is checked whether the camera is still there */
#define CHECK_MS 1000

static const char help[] =
	"Usage: ks-share [--frames N] DEVICE\n"
	"\n"
	"Makes a second V4L2 node for the camera DEVICE, such as /dev/video0. Up to 256\n"
	"programs can stream from that node at the same time. The node exists as long as\n"
	"ks-share runs and the camera is there.\n"
	"\n"
	"  --frames N   number of buffers, at most 32 (default 10)\n"
	"  --help       print this text\n"
	"  --version    print the version\n";

static int fail_to_wait(int err)
{
	say_error("cannot wait for signals: %s", strerror(err));
	hint_other(-err);
	return STATUS_FAILED;
}

/* Why a node is not one of a camera, or else why ksalloc cannot connect to it */
static void explain_invalid(int video)
{
	struct v4l2_capability cap;

	if (v4l2_call(video, VIDIOC_QUERYCAP, &cap))
		say_advice("It is not a V4L2 device.");
	else if (!v4l2_capture_type(&cap))
		say_advice("It does not capture video.");
	else if (hint_connect(video, -EINVAL))
		return;
	say_advice("ks-capture --list shows the cameras.");
}

static void explain_share(const char *device, int video, int err)
{
	switch (err) {
	case -EBUSY:
		say_advice("If it is shared already, its share has a node: ks-capture --list");
		say_advice("If its driver allows only one open file, it cannot be shared.");
		hint_holders(device);
		break;
	case -EOPNOTSUPP:
		say_advice("A share needs streaming I/O, and memory that its driver can export.");
		say_advice("ks-capture --list shows what each camera has.");
		break;
	case -EINVAL:
		explain_invalid(video);
		break;
	case -ENOTTY:
		say_advice("The module ksalloc is too old. Is another version still loaded?");
		break;
	default:
		hint_other(err);
	}
}

/* Makes a share; the descriptor, or a negative errno */
static int share(int ksalloc, int video, unsigned int frames, unsigned int *node)
{
	struct ksalloc_share arg = {
		.size = sizeof(arg),
		.v4l2_fd = video,
		.frames = frames,
	};
	int fd = ioctl(ksalloc, KSALLOC_SHARE, &arg);

	*node = arg.node;
	return fd < 0 ? -errno : fd;
}

/* Blocks the signals that end this program; a descriptor that is readable after one */
static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Waits for a signal, or until the node has disappeared with the camera */
static int wait_for_end(unsigned int node)
{
	struct pollfd signals = { .fd = catch_signals(), .events = POLLIN };
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/class/video4linux/video%u", node);
	if (signals.fd < 0)
		return fail_to_wait(errno);
	for (;;) {
		ret = poll(&signals, 1, CHECK_MS);
		if (ret > 0)
			return STATUS_OK;
		if (ret < 0 && errno != EINTR)
			return fail_to_wait(errno);
		if (access(path, F_OK)) {
			say_error("the camera has disappeared");
			return STATUS_FAILED;
		}
	}
}

static int open_ksalloc(void)
{
	int fd = open(LIBKS_DEVICE, O_RDWR | O_CLOEXEC), err = -errno;

	if (fd >= 0)
		return fd;
	say_error("cannot open %s: %s", LIBKS_DEVICE, strerror(-err));
	if (!hint_ksalloc(err))
		hint_other(err);
	return -1;
}

static int open_camera(const char *device)
{
	int fd = open(device, O_RDWR | O_CLOEXEC), err = -errno;

	if (fd >= 0)
		return fd;
	say_error("cannot open %s: %s", device, strerror(-err));
	hint_open(device, err);
	return -1;
}

/* Makes a share of this device. Returns its descriptor, or -1 after an error message */
static int share_device(const char *device, unsigned int frames, unsigned int *node)
{
	int ksalloc, video, fd = -1;

	ksalloc = open_ksalloc();
	if (ksalloc < 0)
		return -1;
	video = open_camera(device);
	if (video >= 0) {
		fd = share(ksalloc, video, frames, node);
		if (fd < 0) {
			say_error("%s cannot be shared: %s", device, strerror(-fd));
			explain_share(device, video, fd);
		}
		close(video);
	}
	close(ksalloc);
	return fd;
}

static int run(const char *device, unsigned int frames)
{
	unsigned int node;

	if (share_device(device, frames, &node) < 0)
		return STATUS_FAILED;
	printf("/dev/video%u\n", node);
	fflush(stdout);
	return wait_for_end(node);
}

static bool parse_frames(const char *text, unsigned int *frames)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !value || value > 32)
		return false;
	*frames = value;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "frames", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	unsigned int frames = 0;
	int option;

	say_program = "ks-share";
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			if (parse_frames(optarg, &frames))
				break;
			say_error("--frames must be a number from 1 to 32");
			return STATUS_USAGE;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("ks-share " VERSION);
			return 0;
		default:
			fputs(help, stderr);
			return STATUS_USAGE;
		}
	}
	if (optind != argc - 1) {
		fputs(help, stderr);
		return STATUS_USAGE;
	}
	return run(argv[optind], frames);
}
