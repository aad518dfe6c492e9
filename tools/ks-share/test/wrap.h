/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

#include <sys/stat.h>

/* main() of ks-share */
int share_main(int argc, char **argv);

/* What ld --wrap puts between ks-share and libc, and what is behind it */
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_access(const char *path, int mode);
int __wrap_stat64(const char *path, struct stat *st);
int __real_open(const char *path, int flags, ...);
int __real_stat64(const char *path, struct stat *st);

#endif /* WRAP_H */
