// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices. The number of a V4L2 node can change when a camera is plugged in again, and
 * another camera can get it. So the ID of a device is made of its place in sysfs, and of its
 * index among the nodes of the same device.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "win.h"
#include "device.h"

#define PREFIX "\\\\?\\"
#define REFERENCE "\\global"

static const char *sys_root = "/sys", *dev_root = "/dev";

void win_device_roots(const char *sys, const char *dev)
{
	sys_root = sys;
	dev_root = dev;
}

bool win_device_category(const GUID *category)
{
	return IsEqualGUID(category, &KSCATEGORY_CAPTURE) ||
	       IsEqualGUID(category, &KSCATEGORY_VIDEO) ||
	       IsEqualGUID(category, &KSCATEGORY_VIDEO_CAMERA);
}

/* Cuts off what does not fit */
static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

/* Reads the first line of a file in the directory of a node; "" without it */
static void read_line(const char *video, const char *file, char *line, size_t size)
{
	char path[PATH_MAX];
	FILE *stream;

	line[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/video4linux/%s/%s", sys_root, video, file);
	stream = fopen(path, "re");
	if (!stream)
		return;
	if (!fgets(line, (int)size, stream))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(stream);
}

/* The last part of the file that a link points to; "" without it */
static void read_link(const char *video, const char *link, char *name, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t length;

	name[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/video4linux/%s/%s", sys_root, video, link);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = '\0';
	last = strrchr(target, '/');
	copy(name, size, last ? last + 1 : target);
}

/*
 * Whether the node captures video. A camera can have other nodes, for metadata for instance.
 * If it cannot be opened now, it counts if it is the first one of its device.
 */
static bool captures(const char *node, const char *index)
{
	struct v4l2_capability capability;
	int fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	bool answer;

	if (fd < 0)
		return errno != ENOENT && errno != ENXIO && errno != ENODEV && !strcmp(index, "0");
	answer = !ioctl(fd, VIDIOC_QUERYCAP, &capability) &&
		 capability.device_caps & (V4L2_CAP_VIDEO_CAPTURE |
					   V4L2_CAP_VIDEO_CAPTURE_MPLANE) &&
		 capability.device_caps & V4L2_CAP_STREAMING;
	close(fd);
	return answer;
}

/* Characters that separate the parts of a path must not be in a part */
static void make_id(struct win_device *device, const char *bus, const char *hardware,
		    const char *instance, const char *index)
{
	char *c;

	snprintf(device->id, sizeof(device->id), "%s\n%s\n%s&%s", bus, hardware, instance, index);
	for (c = device->id; *c; c++) {
		if (*c == '\n')
			*c = '\\';
		else if (strchr("\\/#{}", *c) || !isgraph((unsigned char)*c))
			*c = '_';
		else
			*c = (char)tolower((unsigned char)*c);
	}
}

static void describe(struct win_device *device, const char *video, const char *index)
{
	char bus[32], place[96], vendor[16], product[16], interface[16], hardware[64];

	read_line(video, "name", device->name, sizeof(device->name));
	if (!device->name[0])
		copy(device->name, sizeof(device->name), video);
	read_link(video, "device/driver", device->driver, sizeof(device->driver));
	read_link(video, "device/subsystem", bus, sizeof(bus));
	read_link(video, "device", place, sizeof(place));
	read_line(video, "device/../idVendor", vendor, sizeof(vendor));
	read_line(video, "device/../idProduct", product, sizeof(product));
	read_line(video, "device/bInterfaceNumber", interface, sizeof(interface));
	if (!strcmp(bus, "usb") && vendor[0]) {
		snprintf(hardware, sizeof(hardware), "vid_%s&pid_%s&mi_%s", vendor, product,
			 interface);
		/* Without the configuration and the interface */
		place[strcspn(place, ":")] = '\0';
		make_id(device, bus, hardware, place, index);
	} else if (place[0]) {
		make_id(device, bus[0] ? bus : "root",
			device->driver[0] ? device->driver : "video4linux", place, index);
	} else {
		/* Some drivers of cameras in software have no device but the node */
		make_id(device, "root", "video4linux", video, index);
	}
}

static int is_video(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "video", 5) && isdigit((unsigned char)entry->d_name[5]);
}

static int add(struct win_device **devices, int count, const char *video)
{
	struct win_device device = { 0 }, *new;
	char index[16];

	if (snprintf(device.node, sizeof(device.node), "%s/%s", dev_root, video) >=
	    (int)sizeof(device.node))
		return count;
	read_line(video, "index", index, sizeof(index));
	if (!captures(device.node, index))
		return count;
	describe(&device, video, index);
	new = realloc(*devices, ((size_t)count + 1) * sizeof(*new));
	if (!new)
		return -ENOMEM;
	new[count] = device;
	*devices = new;
	return count + 1;
}

int win_devices(struct win_device **devices)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int count = 0, found, i;

	*devices = NULL;
	snprintf(path, sizeof(path), "%s/class/video4linux", sys_root);
	found = scandir(path, &entries, is_video, versionsort);
	if (found < 0)
		return errno == ENOENT ? 0 : -errno;
	for (i = 0; i < found; i++) {
		if (count >= 0)
			count = add(devices, count, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (count < 0)
		free(*devices);
	return count;
}

int win_device_path(const struct win_device *device, const GUID *category, char *path, size_t size)
{
	const UCHAR *b = category->Data4;
	char id[WIN_DEVICE_ID], *c;

	snprintf(id, sizeof(id), "%s", device->id);
	for (c = id; *c; c++)
		if (*c == '\\')
			*c = '#';
	return snprintf(path, size,
			PREFIX "%s#{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}" REFERENCE,
			id, category->Data1, category->Data2, category->Data3,
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
}

/* Windows accepts both forms of the beginning, and a path in any case */
static bool is_path(const char *name)
{
	return !strncmp(name, PREFIX, strlen(PREFIX)) || !strncmp(name, "\\\\.\\", 4) ||
	       !strncmp(name, "\\??\\", 4);
}

static bool matches(const struct win_device *device, const char *name)
{
	static const GUID *const categories[] = {
		&KSCATEGORY_CAPTURE, &KSCATEGORY_VIDEO, &KSCATEGORY_VIDEO_CAMERA,
	};
	char path[WIN_DEVICE_ID + 64];
	size_t i, skip = strlen(PREFIX), length;

	for (i = 0; i < ARRAY_SIZE(categories); i++) {
		win_device_path(device, categories[i], path, sizeof(path));
		/* The reference string may be left out */
		length = strlen(path) - strlen(REFERENCE);
		if (!strcasecmp(name + skip, path + skip) ||
		    (strlen(name) == length && !strncasecmp(name + skip, path + skip,
							     length - skip)))
			return true;
	}
	return false;
}

int win_device_node(const char *name, char *node, size_t size)
{
	struct win_device *devices;
	int count, i, ret = -ENOENT;

	if (!is_path(name))
		return snprintf(node, size, "%s", name) < (int)size ? 0 : -ENAMETOOLONG;
	count = win_devices(&devices);
	if (count < 0)
		return count;
	for (i = 0; i < count && ret; i++)
		if (matches(&devices[i], name))
			ret = snprintf(node, size, "%s", devices[i].node) < (int)size ?
			      0 : -ENAMETOOLONG;
	free(devices);
	return ret;
}
