/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

/* The functions that ld --wrap calls instead of libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

#endif /* WRAP_H */
