/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _SAMPLES_KSALLOC_DEVICE_H
#define _SAMPLES_KSALLOC_DEVICE_H

#include <linux/ioctl.h>

/* Returns a descriptor of a connection to a new device. The errors are those of open() */
#define KSALLOC_SAMPLE_CONNECT _IO('K', 0x81)

#endif /* _SAMPLES_KSALLOC_DEVICE_H */
