/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs ks-capture as an ordinary user in a container: a root directory that has only ks-capture,
 * the node of a camera and /dev/ksalloc. The group of these nodes is the user's only right.
 */
#ifndef SELFTESTS_BOX_H
#define SELFTESTS_BOX_H

#include <stddef.h>

#define BOX "/tmp/box"
#define BOX_CAMERA "/dev/video0"

/*
 * Makes the container for the camera with this node, and runs ks-capture there. Returns its exit
 * status. Output files are in BOX.
 */
int box_capture(const char *node, char *const *arguments);
/* The size of a file in the container; -1 if it does not exist */
long long box_size(const char *name);

#endif
