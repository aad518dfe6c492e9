/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs ks-capture as an ordinary user, whose only right is the group of the udev rule of
 * /dev/ksalloc (packaging/60-ksalloc.rules). Cameras have that group, too.
 */
#ifndef SELFTESTS_BOX_H
#define SELFTESTS_BOX_H

#include <stddef.h>

/**
 * enum box_place - where ks-capture runs
 * @BOX_CONTAINER: in a root directory that has only ks-capture, the camera and /dev/ksalloc
 * @BOX_NAMESPACES: in such a directory, as root of a user namespace that the user made, with
 *	mounts and processes of its own. /dev is a tmpfs with two mounted nodes
 * @BOX_MACHINE: among all files of the machine, with udmabuf and heaps that are root's
 */
enum box_place {
	BOX_CONTAINER,
	BOX_NAMESPACES,
	BOX_MACHINE,
};

/**
 * enum box_rights - what the user may open
 * @BOX_IN_GROUP: both nodes
 * @BOX_CAMERA_ONLY: the camera, which is for everybody then
 * @BOX_NOTHING: neither of them
 */
enum box_rights {
	BOX_IN_GROUP,
	BOX_CAMERA_ONLY,
	BOX_NOTHING,
};

/**
 * struct box - a run of ks-capture
 * @node: the camera
 * @place: where it runs
 * @rights: what the user may open
 * @said: what it printed, afterwards
 */
struct box {
	const char *node;
	enum box_place place;
	enum box_rights rights;
	char said[2048];
};

/* Runs ks-capture with the camera and these options, and returns its exit status. */
int box_capture(struct box *box, char *const *options);
/* Expects a YUYV video of this size, and that the same fails without the rights. */
void box_expect_video(const char *node, enum box_place place, unsigned int width,
		      unsigned int height);

/* The user NOBODY becomes root of a user namespace. The other groups have no number there. */
void box_own_users(void);

#endif
