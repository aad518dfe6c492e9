/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WRAP_H
#define WRAP_H

#include <stddef.h>
#include <sys/types.h>

struct iovec;

/* The functions that ld --wrap calls instead of libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);
void *__wrap_realloc(void *memory, size_t bytes);
ssize_t __wrap_process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nr_local,
				 const struct iovec *remote, unsigned long nr_remote,
				 unsigned long flags);

/* The functions of libc */
long __real_syscall(long number, ...);
void *__real_realloc(void *memory, size_t bytes);
ssize_t __real_process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nr_local,
				 const struct iovec *remote, unsigned long nr_remote,
				 unsigned long flags);

#endif /* WRAP_H */
