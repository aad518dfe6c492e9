/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * DMA of QEMU's device "edu", for tests: ioctls on /dev/ksalloc-test-edu. Each open file of it can
 * map one dma-buf. Errors are those of the kernel's functions, and:
 *
 *  - EBUSY if the file has mapped a dma-buf;
 *  - ENXIO if it has not;
 *  - EBADF for a bad descriptor; EINVAL for a wrong argument;
 *  - EFAULT for bad memory of the caller; ETIMEDOUT if the device does not answer.
 */
#ifndef _KSALLOC_TEST_EDU_H
#define _KSALLOC_TEST_EDU_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum edu_direction {
	EDU_BIDIRECTIONAL,
	EDU_TO_DEVICE,
	EDU_FROM_DEVICE,
	EDU_DIRECTIONS,
};

/* Attaches the device to a dma-buf, and maps it; @direction is &enum edu_direction */
struct edu_map {
	__s32 fd;
	__u32 direction;
};

#define EDU_MAP _IOW('K', 0, struct edu_map)

/* Undoes EDU_MAP; close() does the same */
#define EDU_UNMAP _IO('K', 1)

/* QEMU 7.2 refuses a copy of the whole buffer of the device, which has 4096 bytes */
#define EDU_MAX_BYTES 2048

/**
 * struct edu_copy - DMA between the dma-buf and the device
 * @offset: in the dma-buf
 * @buffer: memory of the caller
 * @bytes: up to EDU_MAX_BYTES, in one segment of the mapping, as part of a page always is
 * @__reserved: unused
 * @address: out: of the dma-buf at @offset, as the device sees it
 *
 * A copy succeeds also if an IOMMU keeps the device from it. Then the device reads zeros.
 */
struct edu_copy {
	__u64 offset;
	__u64 buffer;
	__u32 bytes;
	__u32 __reserved;
	__u64 address;
};

/* The device reads the dma-buf, whatever the direction of the mapping is */
#define EDU_READ _IOWR('K', 2, struct edu_copy)

/*
 * The device writes to the dma-buf. Before that, the address is logged: tools/testing/vm/judge.awk
 * permits only a fault at the last address that was logged.
 */
#define EDU_WRITE _IOWR('K', 3, struct edu_copy)

#endif /* _KSALLOC_TEST_EDU_H */
