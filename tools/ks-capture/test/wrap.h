/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

#include <sys/types.h>
#include <sys/uio.h>

/* What ld --wrap puts between write.c and libc, and what is behind it */
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *vector, int count);
int __wrap_fcntl64(int fd, int command, ...);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_writev(int fd, const struct iovec *vector, int count);
int __real_fcntl64(int fd, int command, ...);

#endif /* WRAP_H */
