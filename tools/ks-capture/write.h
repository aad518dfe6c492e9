/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing of data to files. */
#ifndef WRITE_H
#define WRITE_H

#include <stddef.h>
#include <sys/uio.h>

/* Writes all data, with as many calls as needed; 0 or a negative errno value */
int write_all(int fd, const void *data, size_t size);
/* The same for several buffers; changes @vector */
int write_vector(int fd, struct iovec *vector, int count);

#endif /* WRITE_H */
