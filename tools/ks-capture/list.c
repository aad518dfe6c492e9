// SPDX-License-Identifier: GPL-2.0-only
/* Lists of cameras, and of the formats of a camera. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ks/ks.h>

#include "choose.h"
#include "device.h"
#include "hints.h"
#include "list.h"
#include "memory.h"
#include "say.h"
#include "v4l2.h"

/* Of lines about a camera */
#define INDENT 14

static int is_video_node(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "video", 5) && isdigit((unsigned char)entry->d_name[5]);
}

/* Why ksalloc cannot connect to a node; NULL if that is unknown */
static const char *reason_of(int fd, int error)
{
	struct v4l2_capability cap;

	switch (error) {
	case -EINVAL:
		if (!v4l2_call(fd, VIDIOC_QUERYCAP, &cap) && v4l2_shared_camera(&cap))
			return "it is the node of a share, for V4L2 programs such as ffmpeg";
		return "programs can send pictures to it as well (memory to memory, loopback)";
	case -EOPNOTSUPP:
		return "it does not support streaming I/O";
	case -EBUSY:
		return "its driver allows only one open file";
	default:
		return NULL;
	}
}

/*
 * Returns why ksalloc cannot use a node; NULL if it can, or if that is unknown. If it can, lists
 * its memory with this indent, unless that is 0
 */
static const char *unusable(int fd, __u32 type, int indent)
{
	const char *reason = NULL;
	int ks, connection;

	ks = ks_open(NULL);
	if (ks < 0)
		return NULL;
	connection = ks_connect(ks, fd);
	close(ks);
	if (connection < 0)
		return reason_of(fd, connection);
	if (memory_is_missing(connection, fd, type))
		reason = "it can neither import nor export memory";
	else if (indent)
		memory_list(connection, indent);
	close(connection);
	return reason;
}

bool list_node(const char *path, bool *denied)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct v4l2_capability cap;
	const char *reason = NULL;
	__u32 type = 0;

	*denied = fd < 0 && (errno == EACCES || errno == EPERM);
	if (fd < 0) {
		printf("%-13s cannot be opened: %s\n", path, strerror(errno));
		return true;
	}
	if (!v4l2_call(fd, VIDIOC_QUERYCAP, &cap))
		type = v4l2_capture_type(&cap);
	if (type) {
		printf("%-13s %.32s (driver %.16s, at %.32s)\n", path,
		       say_clean(cap.card, sizeof(cap.card)),
		       say_clean(cap.driver, sizeof(cap.driver)),
		       say_clean(cap.bus_info, sizeof(cap.bus_info)));
		reason = unusable(fd, type, INDENT);
	}
	if (reason)
		printf("%-13s not usable: %s\n", "", reason);
	close(fd);
	return type;
}

/* Without /dev/ksalloc, the list cannot say which cameras can be used */
static void tell_what_is_missing(void)
{
	int ks = ks_open(NULL);

	if (ks >= 0) {
		close(ks);
		return;
	}
	say_error("which cameras can be used is not known: cannot open %s: %s", LIBKS_DEVICE,
		  strerror(-ks));
	if (!hint_ksalloc(ks))
		hint_log();
}

int list_cameras(void)
{
	int i, count, told = 0;
	char path[300], closed[300] = "";
	struct dirent **nodes;
	bool denied;

	count = scandir("/dev", &nodes, is_video_node, versionsort);
	if (count < 0) {
		say_error("cannot look into /dev: %s", strerror(errno));
		say_advice("Name the node of a camera with -d, wherever it is.");
		return STATUS_FAILED;
	}
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/dev/%s", nodes[i]->d_name);
		told += list_node(path, &denied);
		if (denied && !*closed)
			snprintf(closed, sizeof(closed), "%s", path);
		free(nodes[i]);
	}
	free(nodes);
	/* All of them are usually for the same group */
	if (*closed)
		hint_permission(closed);
	if (told) {
		tell_what_is_missing();
		return STATUS_OK;
	}
	say_error("there is no camera");
	if (!hint_container("/dev/video0"))
		say_advice("Without a real one, try the virtual one: sudo modprobe vivid");
	return STATUS_DEVICE;
}

static void list_rates(int fd, __u32 fourcc, __u32 width, __u32 height)
{
	struct v4l2_frmivalenum rate = {
		.pixel_format = fourcc,
		.width = width,
		.height = height,
	};

	for (; !v4l2_call(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate); rate.index++) {
		const struct v4l2_fract *min = &rate.stepwise.min, *max = &rate.stepwise.max;

		if (rate.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			printf("%s%.5g", rate.index ? ", " : " at ",
			       (double)rate.discrete.denominator / rate.discrete.numerator);
			continue;
		}
		printf(" at %.5g to %.5g", (double)max->denominator / max->numerator,
		       (double)min->denominator / min->numerator);
		rate.index++;
		break;
	}
	if (rate.index)
		printf(" frames a second");
	putchar('\n');
}

static void list_sizes(int fd, __u32 fourcc)
{
	struct v4l2_frmsizeenum size = { .pixel_format = fourcc };

	for (; !v4l2_call(fd, VIDIOC_ENUM_FRAMESIZES, &size); size.index++) {
		const struct v4l2_frmsize_stepwise *steps = &size.stepwise;

		if (size.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
			printf("      %ux%u", size.discrete.width, size.discrete.height);
			list_rates(fd, fourcc, size.discrete.width, size.discrete.height);
			continue;
		}
		printf("      %ux%u to %ux%u in steps of %ux%u", steps->min_width,
		       steps->min_height, steps->max_width, steps->max_height, steps->step_width,
		       steps->step_height);
		list_rates(fd, fourcc, steps->max_width, steps->max_height);
		break;
	}
}

static void list_outputs(__u32 fourcc, unsigned int planes)
{
	static const enum output_kind kinds[] = { OUTPUT_PNG, OUTPUT_Y4M, OUTPUT_JPEG, OUTPUT_RAW };
	size_t i;

	printf("  ->");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (output_can_use_planes(kinds[i], fourcc, planes))
			printf(" %s", output_kind_name(kinds[i]));
}

int list_formats(const char *path)
{
	struct v4l2_fmtdesc desc = {};
	char code[FOURCC_TEXT];
	struct device device;
	const char *reason;
	__u32 planes;
	int ret;

	ret = device_open(&device, path);
	if (ret)
		return ret;
	printf("%s: %s, driver %s\n", path, device.card, device.driver);
	reason = unusable(device.fd, device.type, 0);
	if (reason)
		printf("  not usable with ksalloc: %s\n", reason);
	desc.type = device.type;
	for (; !v4l2_call(device.fd, VIDIOC_ENUM_FMT, &desc); desc.index++) {
		printf("  %-7s %-30.32s", fourcc_text(desc.pixelformat, code),
		       say_clean(desc.description, sizeof(desc.description)));
		planes = v4l2_planes(device.fd, device.type, desc.pixelformat);
		list_outputs(desc.pixelformat, planes);
		if (planes > 1)
			printf("  (%u memory planes)", planes);
		putchar('\n');
		list_sizes(device.fd, desc.pixelformat);
	}
	device_close(&device);
	return STATUS_OK;
}
