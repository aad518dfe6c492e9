// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks-share: makes a V4L2 node from which many programs stream from one camera, as long as
 * this program runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/ksalloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Exit statuses, as those of ks-capture */
#define FAILED 1
#define USAGE 2

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

#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))

LIKE_PRINTF(1, 2) static int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("ks-share: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return FAILED;
}

static const char *reason(int err)
{
	switch (err) {
	case EBUSY:
		return "The device is shared already, or another program uses it";
	case EOPNOTSUPP:
		return "The driver has no memory that it can export";
	case EINVAL:
		return "This is not a V4L2 capture node, or the number of frames is too large";
	case ENOTTY:
		return "The module ksalloc is too old";
	default:
		return strerror(err);
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
		return fail("%s", strerror(errno));
	for (;;) {
		ret = poll(&signals, 1, CHECK_MS);
		if (ret > 0)
			return 0;
		if (ret < 0 && errno != EINTR)
			return fail("%s", strerror(errno));
		if (access(path, F_OK))
			return fail("the camera has disappeared");
	}
}

static int run(const char *device, unsigned int frames)
{
	int ksalloc, video, fd;
	unsigned int node;

	ksalloc = open("/dev/ksalloc", O_RDWR | O_CLOEXEC);
	if (ksalloc < 0)
		return fail("/dev/ksalloc: %s", strerror(errno));
	video = open(device, O_RDWR | O_CLOEXEC);
	if (video < 0)
		return fail("%s: %s", device, strerror(errno));
	fd = share(ksalloc, video, frames, &node);
	close(video);
	close(ksalloc);
	if (fd < 0)
		return fail("%s: %s", device, reason(-fd));
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

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			if (parse_frames(optarg, &frames))
				break;
			fail("--frames must be a number from 1 to 32");
			return USAGE;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("ks-share " VERSION);
			return 0;
		default:
			fputs(help, stderr);
			return USAGE;
		}
	}
	if (optind != argc - 1) {
		fputs(help, stderr);
		return USAGE;
	}
	return run(argv[optind], frames);
}
