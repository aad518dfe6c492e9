/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _SAMPLES_KSALLOC_CLIENT_H
#define _SAMPLES_KSALLOC_CLIENT_H

#include <linux/ioctl.h>

/*
 * Fills frames of an allocator until the file is closed. The argument is a descriptor of
 * the allocator. EBUSY if this was done before; EBADF; EINVAL if the descriptor is not of
 * an allocator.
 */
#define KSALLOC_SAMPLE_FILL _IO('K', 0x80)

#endif /* _SAMPLES_KSALLOC_CLIENT_H */
