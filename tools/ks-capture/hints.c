// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints are printed only after an error, so they may take some time: they search /proc for
 * processes that have a device open, and /etc/group for the name of a group.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ks/ks.h>

#include "hints.h"
#include "say.h"
#include "v4l2.h"

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
/* The kernel shows this number if a user namespace has none for a group (fs.overflowgid) */
#define NO_GROUP 65534

/*
 * Reads /etc/group directly, because getgrgid() in a static program needs shared libraries.
 */
static bool group_name(gid_t gid, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;
	bool found = false;

	if (!file)
		return false;
	while (!found && (group = fgetgrent(file))) {
		found = group->gr_gid == gid;
		if (found)
			snprintf(name, size, "%s", group->gr_name);
	}
	fclose(file);
	return found;
}

void hint_permission(const char *path)
{
	char group[64];
	struct stat st;

	if (stat(path, &st)) {
		say_advice("You may not access a directory in its path.");
		return;
	}
	if ((st.st_mode & 0060) != 0060 || !st.st_gid) {
		say_advice("%s is for root only (mode %04o): use sudo, or let a udev rule give it",
			   path, st.st_mode & 07777);
		say_advice("to a group that you are in.");
		return;
	}
	if (st.st_gid == NO_GROUP) {
		say_advice("%s is for a group that this container does not have. If you", path);
		say_advice("are in it: podman run --group-add keep-groups");
		return;
	}
	if (!group_name(st.st_gid, group, sizeof(group)))
		snprintf(group, sizeof(group), "%u", (unsigned int)st.st_gid);
	say_advice("%s is for the group '%s'. To join it: sudo usermod -aG %s $USER",
		   path, group, group);
	say_advice("and log in again; or use sudo.");
}

static bool is_pid(const char *name)
{
	return isdigit((unsigned char)*name);
}

static void command_of(const char *pid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, size, file))
		name[strcspn(name, "\n")] = 0;
	fclose(file);
}

/* Whether a process has the device open, or a connection that may belong to it */
static bool holds(const char *pid, dev_t device, bool *by_connection)
{
	char path[600], link[64];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%s", pid, entry->d_name);
		if (!stat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == device) {
			*by_connection = false;
			found = true;
		}
		len = readlink(path, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = 0;
		if (strstr(link, "ksalloc"))
			*by_connection = true;
	}
	closedir(dir);
	return found || *by_connection;
}

void hint_holders(const char *device)
{
	char name[32], self[32];
	struct dirent *entry;
	bool told = false;
	struct stat st;
	DIR *dir;

	snprintf(self, sizeof(self), "%d", getpid());
	dir = stat(device, &st) ? NULL : opendir("/proc");
	while (dir && (entry = readdir(dir))) {
		bool by_connection = false;

		if (!is_pid(entry->d_name) || !strcmp(entry->d_name, self))
			continue;
		if (!holds(entry->d_name, st.st_rdev, &by_connection))
			continue;
		command_of(entry->d_name, name, sizeof(name));
		say_advice(by_connection ? "Process %s (%s) uses ksalloc, perhaps on this device." :
			   "Process %s (%s) has it open.", entry->d_name, name);
		told = true;
	}
	if (dir)
		closedir(dir);
	if (told)
		say_advice("Wait until it is done, or end it.");
	else if (geteuid())
		say_advice("It is not one of your processes. To see others: sudo fuser -v %s",
			   device);
	else
		say_advice("No process that can be seen has it open; try again.");
}

void hint_busy(const char *device)
{
	say_advice("Another program captures from it now.");
	hint_holders(device);
	say_advice("ks-share(1) and the readers of libks let several programs use one camera.");
}

void hint_heaps(void)
{
	DIR *dir = opendir(LIBKS_HEAP_DIR);
	struct dirent *entry;
	char names[512] = "";
	size_t len;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		len = strlen(names);
		snprintf(names + len, sizeof(names) - len, " %s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (*names)
		say_advice("Heaps in %s:%s. Choose one with -H.", LIBKS_HEAP_DIR, names);
	else
		say_advice("There is none in %s: the kernel needs CONFIG_DMABUF_HEAPS_SYSTEM.",
			   LIBKS_HEAP_DIR);
}

/* Reads the beginning of a small file. Returns the number of bytes, 0 without such a file */
static size_t read_start(const char *path, char text[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0;

	if (fd >= 0) {
		len = read(fd, text, 63);
		close(fd);
	}
	if (len < 0)
		len = 0;
	text[len] = 0;
	return len;
}

/* Whether the kernel loads only modules that are signed with a key that it knows */
static bool needs_signature(void)
{
	char text[64];

	/* Four bytes of attributes, and the value */
	if (read_start(SECURE_BOOT, text) == 5 && text[4] == 1)
		return true;
	if (read_start("/sys/module/module/parameters/sig_enforce", text) && *text == 'Y')
		return true;
	/* The current mode is in brackets */
	return read_start("/sys/kernel/security/lockdown", text) && strchr(text, '[') &&
	       !strstr(text, "[none]");
}

static void hint_signature(void)
{
	say_advice("This kernel refuses unsigned modules and unknown keys. To enrol that of dkms:");
	say_advice("sudo mokutil --import /var/lib/dkms/mok.pub (reboot, and choose Enroll MOK)");
}

/* Files that systemd, podman and docker make in a container */
static bool in_container(void)
{
	return !access("/run/systemd/container", F_OK) || !access("/run/.containerenv", F_OK) ||
	       !access("/.dockerenv", F_OK);
}

bool hint_container(const char *node)
{
	if (!in_container())
		return false;
	say_advice("This is a container: pass the node in, for example with --device %s", node);
	return true;
}

void hint_open(const char *path, int err)
{
	switch (err) {
	case -ENOENT:
		hint_container(path);
		say_advice("ks-capture --list shows the cameras.");
		break;
	case -EACCES:
	case -EPERM:
		hint_permission(path);
		break;
	case -EBUSY:
		hint_holders(path);
		say_advice("If its driver allows only one open file, ksalloc cannot use it.");
		say_advice("ks-capture --list shows that if no other program has it open.");
		break;
	case -ENODEV:
	case -ENXIO:
		say_advice("This node has no device (any more): is it plugged in?");
		break;
	default:
		hint_other(err);
	}
}

void hint_other(int err)
{
	switch (err) {
	case -ENODEV:
		say_advice("Was it unplugged?");
		break;
	case -EMFILE:
	case -ENFILE:
		say_advice("Too many files are open; see ulimit -n.");
		break;
	case -ENOMEM:
		say_advice("The kernel has too little free memory. End other programs.");
		hint_log();
		break;
	case -EIO:
	case -EPROTO:
	case -EILSEQ:
	case -ETIMEDOUT:
		/* The USB core and uvcvideo return these if a camera does not answer, or wrongly */
		say_advice("A USB camera may have a bad cable, hub or port, or too little power.");
		say_advice("Plug it in again: with another cable, at another port, without a hub.");
		hint_log();
		break;
	case -EACCES:
	case -EPERM:
		/* The node was opened. uvcvideo returns EPERM while its camera disappears */
		say_advice("Was it unplugged? Or a security module may have refused the call.");
		hint_log();
		break;
	default:
		hint_log();
	}
}

/* Why the node of the module does not exist */
static void hint_module(void)
{
	struct utsname kernel;

	if (!access("/sys/module/ksalloc", F_OK)) {
		if (hint_container(LIBKS_DEVICE))
			return;
		say_advice("The module is loaded, but its node is missing: is udev running?");
		return;
	}
	say_advice("The kernel module ksalloc is not loaded: sudo modprobe ksalloc%s",
		   in_container() ? " (on the host)" : "");
	if (!uname(&kernel))
		say_advice("If it is not found, it is not installed for kernel %s (dkms status).",
			   kernel.release);
	if (needs_signature())
		hint_signature();
	hint_container(LIBKS_DEVICE);
}

bool hint_ksalloc(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		hint_module();
		return true;
	case -EACCES:
	case -EPERM:
		hint_permission(LIBKS_DEVICE);
		return true;
	default:
		return false;
	}
}

/* Whether this is the node of a share. If so, prints what it is for */
static bool hint_share(int video)
{
	struct v4l2_capability cap;
	const char *camera;

	if (v4l2_call(video, VIDIOC_QUERYCAP, &cap))
		return false;
	camera = v4l2_shared_camera(&cap);
	if (!camera)
		return false;
	say_advice("This is the node of a share of /dev/%s: V4L2 programs such as ffmpeg can",
		   camera);
	say_advice("stream from it. While none of them does, ksalloc can use /dev/%s itself.",
		   camera);
	say_advice("Or a program that captures with libks can pass readers to others.");
	return true;
}

bool hint_connect(int video, int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		say_advice("It does not support streaming I/O, which ksalloc needs.");
		break;
	case -EINVAL:
		if (hint_share(video))
			return true;
		say_advice("Programs can send pictures to this node as well (memory to memory,");
		say_advice("loopback). ksalloc uses nodes that only capture.");
		say_advice("If the pictures come from a camera, use the node of that camera.");
		break;
	case -EBUSY:
		say_advice("Its driver allows only one open file; ksalloc needs another one.");
		break;
	default:
		return false;
	}
	say_advice("ks-capture --list shows which cameras can be used.");
	return true;
}

bool hint_is_heap(const char *path)
{
	char link[64], target[256];
	struct stat st;
	ssize_t len;

	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return false;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/subsystem", major(st.st_rdev),
		 minor(st.st_rdev));
	len = readlink(link, target, sizeof(target) - 1);
	/* Without sysfs this is unknown */
	if (len < 0)
		return true;
	target[len] = 0;
	return strstr(target, "dma_heap");
}

void hint_log(void)
{
	say_advice("The kernel log may contain more: sudo dmesg | tail");
}
