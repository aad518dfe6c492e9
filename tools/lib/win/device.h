/* SPDX-License-Identifier: GPL-2.0-only */
/* The V4L2 nodes that capture video, as sysfs describes them. */
#ifndef KSWIN_DEVICE_H
#define KSWIN_DEVICE_H

#include <limits.h>
#include <stddef.h>

#define WIN_DEVICE_ID 256
#define WIN_DEVICE_NAME 128

struct win_device {
	/* "/dev/video0" */
	char node[64];
	/* "usb\vid_046d&pid_0825&mi_00\1-2&0": the same while it is plugged in */
	char id[WIN_DEVICE_ID];
	/* What the driver calls it */
	char name[WIN_DEVICE_NAME];
	/* The driver: "uvcvideo" */
	char driver[64];
};

/* Returns the number of devices in a new array, for free(), in the order of their nodes */
int win_devices(struct win_device **devices);
/*
 * Writes the path of the interface of this category: the ID between "\\?\" and the GUID.
 * Returns its length, like snprintf().
 */
int win_device_path(const struct win_device *device, const GUID *category, char *path,
		    size_t size);
/* Whether devices are in this category */
bool win_device_category(const GUID *category);
/*
 * Finds the node of an interface path. Any other name is a node itself and is copied. ENOENT
 * if it has the form of a path but there is no such device.
 */
int win_device_node(const char *name, char *node, size_t size);
/* Makes a key of the registry, with this name of a device. Returns a Win32 code */
DWORD win_key_open(const char *name, HKEY *handle);
/* For tests: other directories in the places of /sys and /dev */
void win_device_roots(const char *sys, const char *dev);

#endif /* KSWIN_DEVICE_H */
