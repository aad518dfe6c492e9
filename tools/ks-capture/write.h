/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing of data to files. */
#ifndef WRITE_H
#define WRITE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/uio.h>

/* Writes all data, with as many calls as needed; 0 or a negative errno value */
int write_all(int fd, const void *data, size_t size);
/* The same for several buffers; changes @vector */
int write_vector(int fd, struct iovec *vector, int count);

/* Text: to a file, or to stdout by one of its names. NULL having said what is wrong */
FILE *write_open(const char *path);
/* Returns 0, or a negative value having said that not all is written */
int write_close(FILE *file, const char *path);

#endif /* WRITE_H */
