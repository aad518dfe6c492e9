/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of cameras and of formats, on stdout. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

/* These return an exit status, having said what is wrong */
int list_cameras(void);
int list_formats(const char *path);

/* One line of the list. Returns whether there was something to tell */
bool list_node(const char *path);

#endif /* LIST_H */
