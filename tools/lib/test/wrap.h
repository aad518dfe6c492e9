/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

/* What ld --wrap puts between libkswin and libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

#endif /* WRAP_H */
