/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of cameras and of formats, on stdout. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

/* These return an exit status, and print errors */
int list_cameras(void);
int list_formats(const char *path);

/* Lists one node. Returns whether it is a camera */
bool list_node(const char *path);

#endif /* LIST_H */
