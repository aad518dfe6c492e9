/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of cameras and of formats, on stdout. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

/* These return an exit status, and print errors */
int list_cameras(void);
int list_formats(const char *path);

/*
 * Lists one node. Returns whether it is a camera, or may be one. Sets @denied to whether this
 * user lacks permission to open it
 */
bool list_node(const char *path, bool *denied);

#endif /* LIST_H */
