// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test's side of the camera: its process, its sysfs directory, its node.
 */
#include "webcam.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES "/sys/bus/usb/devices"
#define DRIVER "/sys/bus/usb/drivers/uvcvideo"
#define CONTROLLER "/sys/devices/platform/vhci_hcd.0"

/* The interface that uvcvideo is bound to. It claims the other one itself */
static void interface_of(const struct webcam *webcam, char *name, size_t size)
{
	snprintf(name, size, "%s:1.0", webcam->usb);
}

static bool has_serial(const char *usb, const char *serial)
{
	char path[PATH_MAX], text[64];

	snprintf(path, sizeof(path), DEVICES "/%s/serial", usb);
	if (read_text(path, text, sizeof(text)) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, serial);
}

/* Calls @is_it for each entry of a directory until it returns true; false if none matches */
static bool search(const char *path, struct webcam *webcam,
		   bool (*is_it)(struct webcam *webcam, const char *name))
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && is_it(webcam, entry->d_name);
	closedir(dir);
	return found;
}

static bool is_device(struct webcam *webcam, const char *name)
{
	if (!has_serial(name, webcam->serial))
		return false;
	snprintf(webcam->usb, sizeof(webcam->usb), "%.31s", name);
	return true;
}

/* The metadata node of the same camera has another index */
static bool is_node(struct webcam *webcam, const char *name)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "/sys/class/video4linux/%s/index", name);
	if (read_text(path, text, sizeof(text)) < 0 || atoi(text))
		return false;
	snprintf(webcam->node, sizeof(webcam->node), "/dev/%.32s", name);
	return !access(webcam->node, R_OK | W_OK);
}

bool webcam_has_node(struct webcam *webcam)
{
	char path[PATH_MAX], interface[64];

	if (!search(DEVICES, webcam, is_device))
		return false;
	interface_of(webcam, interface, sizeof(interface));
	snprintf(path, sizeof(path), DEVICES "/%s/video4linux", interface);
	return search(path, webcam, is_node);
}

void webcam_find(struct webcam *webcam)
{
	ASSERT_TRUE(EVENTUALLY(webcam_has_node(webcam)));
}

static void become_camera(const char *serial, const char *option, int commands,
			  int answers)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int i;

	/* It is next to the directory of the suites */
	for (i = 0; i < 2 && length > 0; i++) {
		program[length] = '\0';
		length = strrchr(program, '/') - program;
	}
	if (length <= 0)
		_exit(1);
	snprintf(program + length, sizeof(program) - length, "/uvc/camera");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(commands, STDIN_FILENO);
	dup2(answers, STDOUT_FILENO);
	execl(program, "camera", "-s", serial, option, NULL);
	_exit(1);
}

static void load_modules(void)
{
	if (access(CONTROLLER, F_OK) || access(DRIVER, F_OK))
		ASSERT_EQ(0, system("modprobe -a vhci_hcd uvcvideo"));
}

void webcam_plug(struct webcam *webcam, const char *option)
{
	static unsigned int number;
	int commands[2], answers[2];

	repair_machine();
	load_modules();
	snprintf(webcam->serial, sizeof(webcam->serial), "%d-%u", getpid(), ++number);
	ASSERT_EQ(0, pipe2(commands, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(answers, O_CLOEXEC));
	webcam->pid = fork();
	ASSERT_LE(0, webcam->pid);
	if (!webcam->pid)
		become_camera(webcam->serial, option, commands[0], answers[1]);
	close(commands[0]);
	close(answers[1]);
	webcam->commands = commands[1];
	webcam->answers = answers[0];
	/* An answer shows that it is plugged in */
	EXPECT_EQ(0, webcam_pictures(webcam));
	webcam_find(webcam);
}

void webcam_unplug(struct webcam *webcam)
{
	if (webcam->pid <= 0)
		return;
	kill(webcam->pid, SIGKILL);
	waitpid(webcam->pid, NULL, 0);
	webcam->pid = 0;
	close(webcam->commands);
	close(webcam->answers);
}

void webcam_settle(struct webcam *webcam)
{
	char path[PATH_MAX];

	if (webcam->pid > 0 || !*webcam->usb)
		return;
	snprintf(path, sizeof(path), DEVICES "/%s", webcam->usb);
	EXPECT_TRUE(EVENTUALLY(access(path, F_OK)));
}

/* A line. The camera answers each command with one line */
static void read_answer(struct webcam *webcam, char *line, size_t size)
{
	size_t used = 0;

	while (!used || line[used - 1] != '\n') {
		ASSERT_LT(used, size - 1);
		ASSERT_EQ(1, read(webcam->answers, line + used, 1));
		used++;
	}
	line[used - 1] = '\0';
}

void webcam_tell(struct webcam *webcam, const char *format, ...)
{
	char line[64];
	va_list args;

	va_start(args, format);
	vdprintf(webcam->commands, format, args);
	va_end(args);
	ASSERT_EQ(1, write(webcam->commands, "\n", 1));
	read_answer(webcam, line, sizeof(line));
	ASSERT_STREQ("ok", line);
}

/* What the camera says of itself */
struct status {
	unsigned int pictures, streaming, waiting;
};

static struct status status_of(struct webcam *webcam)
{
	struct status status = { };
	char line[128];
	int got;

	ASSERT_EQ(7, write(webcam->commands, "status\n", 7));
	read_answer(webcam, line, sizeof(line));
	got = sscanf(line, "pictures %u streaming %u waiting %u", &status.pictures,
		     &status.streaming, &status.waiting);
	ASSERT_EQ(3, got);
	return status;
}

unsigned int webcam_pictures(struct webcam *webcam)
{
	return status_of(webcam).pictures;
}

bool webcam_streams(struct webcam *webcam)
{
	return status_of(webcam).streaming;
}

unsigned int webcam_waiting(struct webcam *webcam)
{
	return status_of(webcam).waiting;
}

int webcam_value(struct webcam *webcam, unsigned int control)
{
	char line[64];
	int value, got;

	ASSERT_LT(0, dprintf(webcam->commands, "value %u\n", control));
	read_answer(webcam, line, sizeof(line));
	got = sscanf(line, "value %d", &value);
	ASSERT_EQ(1, got);
	return value;
}

int webcam_open(struct webcam *webcam)
{
	int video = open(webcam->node, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, video);
	return video;
}

int webcam_set_mode(int video, unsigned int pixelformat, unsigned int width,
		    unsigned int height, unsigned int rate)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = width,
			.height = height,
			.pixelformat = pixelformat,
		},
	};
	int err;

	err = call_fd(video, VIDIOC_S_FMT, &format);
	if (err)
		return err;
	EXPECT_EQ(width, format.fmt.pix.width);
	EXPECT_EQ(height, format.fmt.pix.height);
	EXPECT_EQ(pixelformat, format.fmt.pix.pixelformat);
	return set_rate(video, rate);
}

int webcam_set_control(int video, unsigned int control, int value)
{
	struct v4l2_control arg = { .id = control, .value = value };

	return call_fd(video, VIDIOC_S_CTRL, &arg);
}

void webcam_write(struct webcam *webcam, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", webcam->usb, name);
	ASSERT_EQ(0, write_text(path, text));
}

void webcam_read(struct webcam *webcam, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", webcam->usb, name);
	ASSERT_LE(0, read_text(path, text, size));
	text[strcspn(text, "\n")] = '\0';
}

void webcam_unbind(struct webcam *webcam)
{
	char interface[64];

	interface_of(webcam, interface, sizeof(interface));
	ASSERT_EQ(0, write_text(DRIVER "/unbind", interface));
}

void webcam_bind(struct webcam *webcam)
{
	char interface[64];

	interface_of(webcam, interface, sizeof(interface));
	ASSERT_EQ(0, write_text(DRIVER "/bind", interface));
	webcam_find(webcam);
}

void webcam_authorize(struct webcam *webcam, bool authorized)
{
	webcam_write(webcam, "authorized", authorized ? "1" : "0");
	if (authorized)
		webcam_find(webcam);
}

void webcam_reset(struct webcam *webcam)
{
	char path[64], bus[16], device[16];
	int usb;

	webcam_read(webcam, "busnum", bus, sizeof(bus));
	webcam_read(webcam, "devnum", device, sizeof(device));
	snprintf(path, sizeof(path), "/dev/bus/usb/%03d/%03d", atoi(bus), atoi(device));
	usb = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, usb);
	ASSERT_EQ(0, call_fd(usb, USBDEVFS_RESET, NULL));
	close(usb);
	webcam_find(webcam);
}

void try_format_start(struct try_format *try, struct webcam *webcam)
{
	try->video = webcam_open(webcam);
	try->format = (struct v4l2_format){
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = 640,
			.height = 360,
			.pixelformat = V4L2_PIX_FMT_YUYV,
		},
	};
	call_start(&try->call, try->video, VIDIOC_TRY_FMT, &try->format);
}

void try_format_hang(struct try_format *try, struct webcam *webcam)
{
	unsigned int waiting = webcam_waiting(webcam);

	try_format_start(try, webcam);
	ASSERT_TRUE(EVENTUALLY(webcam_waiting(webcam) > waiting));
}

void try_format_end(struct try_format *try)
{
	/* The result depends on whether the camera still exists. */
	call_result(&try->call);
	close(try->video);
}

void sharing_begin(struct sharing *sharing, struct webcam *webcam)
{
	struct ksalloc_share arg = { .size = sizeof(arg) };

	sharing->ksalloc = open_ksalloc();
	sharing->video = webcam_open(webcam);
	arg.v4l2_fd = sharing->video;
	sharing->share = call_fd(sharing->ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, sharing->share);
	snprintf(sharing->path, sizeof(sharing->path), "/dev/video%u", arg.node);
}

void sharing_end(struct sharing *sharing)
{
	close(sharing->share);
	close(sharing->video);
	close(sharing->ksalloc);
}
