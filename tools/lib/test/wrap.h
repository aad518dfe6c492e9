/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

/* The functions that ld --wrap calls instead of libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);

/* The function of libc */
long __real_syscall(long number, ...);

#endif /* WRAP_H */
