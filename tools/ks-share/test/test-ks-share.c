// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each error of ks-share has advice, which fits the reason. The functions of libc are wrapped
 * (ld --wrap), so the test chooses the results of the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ks/ks.h>
#include <linux/videodev2.h>
#include <tap.h>

#include "wrap.h"

/* Any character device that can be opened, because the processes that have it open are searched */
#define DEVICE "/dev/zero"
/* A group that has no name on any machine */
#define GROUP 1987654321

/**
 * struct fake - what the kernel does
 * @ksalloc_errno: error of opening /dev/ksalloc, or 0
 * @open_errno: likewise of the device
 * @share_errno: likewise of KSALLOC_SHARE
 * @caps: V4L2_CAP_* of the device; 0 if it is not a V4L2 device
 * @driver: its driver
 * @bus_info: where it is
 * @loaded: the module is loaded
 * @closed: both files are for a group
 */
struct fake {
	int ksalloc_errno;
	int open_errno;
	int share_errno;
	__u32 caps;
	const char *driver;
	const char *bus_info;
	bool loaded;
	bool closed;
};

static struct fake fake;
static char said[4096];

#define SAID(text) CHECK(strstr(said, text))
#define SAID_NOT(text) CHECK(!strstr(said, text))

static int open_any(const char *path, int flags)
{
	bool is_module = !strcmp(path, LIBKS_DEVICE);

	errno = 0;
	if (is_module)
		errno = fake.ksalloc_errno;
	else if (!strcmp(path, DEVICE))
		errno = fake.open_errno;
	if (errno)
		return -1;
	return __real_open(is_module ? "/dev/null" : path, flags);
}

int __wrap_open(const char *path, int flags, ...)
{
	return open_any(path, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return open_any(path, flags);
}

static int describe(struct v4l2_capability *cap)
{
	*cap = (struct v4l2_capability) { .capabilities = fake.caps };
	snprintf((char *)cap->driver, sizeof(cap->driver), "%s", fake.driver);
	snprintf((char *)cap->bus_info, sizeof(cap->bus_info), "%s", fake.bus_info);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == VIDIOC_QUERYCAP && fake.caps)
		return describe(arg);
	errno = request == KSALLOC_SHARE ? fake.share_errno : ENOTTY;
	return -1;
}

/* Whether this is a container does not depend on this machine, either */
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	if (!strcmp(path, "/sys/module/ksalloc") && fake.loaded)
		return 0;
	errno = ENOENT;
	return -1;
}

int __wrap_stat64(const char *path, struct stat *st)
{
	if (!fake.closed)
		return __real_stat64(path, st);
	*st = (struct stat) { .st_mode = S_IFCHR | 0660, .st_gid = GROUP };
	return 0;
}

/* Runs ks-share, which must fail */
static void run(struct fake kernel)
{
	char name[] = "ks-share", device[] = DEVICE, *argv[] = { name, device, NULL };
	int log = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	ssize_t size;

	fake = kernel;
	if (!fake.driver)
		fake.driver = "fake";
	if (!fake.bus_info)
		fake.bus_info = "test";
	fflush(stderr);
	dup2(log, STDERR_FILENO);
	/* To 0, so that getopt_long() begins again */
	optind = 0;
	CHECK_EQ(share_main(2, argv), 1);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	size = pread(log, said, sizeof(said) - 1, 0);
	said[size < 0 ? 0 : size] = 0;
	close(saved);
	close(log);
}

/* All of these are advice on /dev/ksalloc */
static void test_module_missing(void)
{
	static const int errors[] = { ENOENT, ENXIO, ENODEV };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		run((struct fake) { .ksalloc_errno = errors[i] });
		SAID("ks-share: cannot open /dev/ksalloc: ");
		SAID("  The kernel module ksalloc is not loaded: sudo modprobe ksalloc\n");
		run((struct fake) { .ksalloc_errno = errors[i], .loaded = true });
		SAID("is udev running?");
		SAID_NOT("modprobe");
	}
}

static void test_module_closed(void)
{
	run((struct fake) { .ksalloc_errno = EACCES, .closed = true });
	SAID("ks-share: cannot open /dev/ksalloc: Permission denied\n");
	SAID("  /dev/ksalloc is for the group '1987654321'. To join it: sudo usermod -aG ");
}

/* ENOENT, EACCES, ENODEV and EBUSY of the node */
static void test_device(void)
{
	run((struct fake) { .open_errno = ENOENT });
	SAID("ks-share: cannot open " DEVICE ": No such file or directory\n");
	SAID("  ks-capture --list shows the cameras.\n");
	run((struct fake) { .open_errno = EACCES, .closed = true });
	SAID("ks-share: cannot open " DEVICE ": Permission denied\n");
	SAID("  " DEVICE " is for the group '1987654321'. To join it: sudo usermod -aG ");
	run((struct fake) { .open_errno = ENODEV });
	SAID("is it plugged in?");
	run((struct fake) { .open_errno = EBUSY });
	SAID("If its driver allows only one open file, ksalloc cannot use it.");
}

/* The other process that has the device open is named */
static void test_busy(void)
{
	char holder[64];
	int fds[2];
	pid_t child;

	CHECK(!pipe(fds));
	child = fork();
	if (!child) {
		if (__real_open(DEVICE, O_RDWR) < 0 || write(fds[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	CHECK(read(fds[0], holder, 1) == 1);
	run((struct fake) { .share_errno = EBUSY });
	SAID("ks-share: " DEVICE " cannot be shared: Device or resource busy\n");
	SAID("  If it is shared already, its share has a node: ks-capture --list\n");
	SAID("  If its driver allows only one open file, it cannot be shared.\n");
	snprintf(holder, sizeof(holder), "  Process %d (test-ks-share) has it open.\n", child);
	SAID(holder);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_unsupported(void)
{
	run((struct fake) { .share_errno = EOPNOTSUPP });
	SAID("ks-share: " DEVICE " cannot be shared: Operation not supported\n");
	SAID("memory that its driver can export");
}

/* EINVAL has many reasons */
static void test_invalid(void)
{
	const __u32 captures = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;

	run((struct fake) { .share_errno = EINVAL });
	SAID("  It is not a V4L2 device.\n  ks-capture --list shows the cameras.\n");
	run((struct fake) { .share_errno = EINVAL, .caps = V4L2_CAP_RADIO });
	SAID("  It does not capture video.\n  ks-capture --list shows the cameras.\n");
	run((struct fake) { .share_errno = EINVAL, .caps = captures });
	SAID("  Programs can send pictures to this node as well");
	run((struct fake) {
		.share_errno = EINVAL, .caps = captures, .driver = "ksalloc",
		.bus_info = "platform:ksalloc-video3",
	});
	SAID("  This is the node of a share of /dev/video3: V4L2 programs such as ffmpeg can\n");
	SAID_NOT("send pictures");
}

/* The camera disappears, or a call is refused, after the node was opened */
static void test_gone(void)
{
	static const int errors[] = { ENODEV, EACCES, EPERM };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		run((struct fake) { .share_errno = errors[i] });
		SAID(DEVICE " cannot be shared: ");
		SAID("  Was it unplugged?");
		SAID_NOT("usermod");
	}
}

/* For all other errors, the kernel log may have the reason */
static void test_others(void)
{
	run((struct fake) { .ksalloc_errno = EIO });
	SAID("  The kernel log may contain more");
	run((struct fake) { .open_errno = EIO });
	SAID("  The kernel log may contain more");
	run((struct fake) { .share_errno = EIO });
	SAID("  A USB camera may have a bad cable, hub or port");
	SAID("  The kernel log may contain more");
	run((struct fake) { .share_errno = ENFILE });
	SAID("  Too many files are open");
	run((struct fake) { .share_errno = ENOTTY });
	SAID("  The module ksalloc is too old.");
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "errors: the module is missing", test_module_missing },
		{ "errors: the module is for a group", test_module_closed },
		{ "errors: the node cannot be opened", test_device },
		{ "errors: the camera is busy", test_busy },
		{ "errors: the driver cannot do it", test_unsupported },
		{ "errors: it is not a camera", test_invalid },
		{ "errors: the camera disappears", test_gone },
		{ "errors: others", test_others },
	};

	return tap_run(tests, ARRAY_SIZE(tests));
}
