/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes to files. */
#ifndef WRITE_H
#define WRITE_H

#include <stddef.h>
#include <sys/uio.h>

/* All of it, however many calls that takes; 0 or a negative errno value */
int write_all(int fd, const void *data, size_t size);
/* The same of several pieces; changes @vector */
int write_vector(int fd, struct iovec *vector, int count);

#endif /* WRITE_H */
