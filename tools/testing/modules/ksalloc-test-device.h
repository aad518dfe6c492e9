/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Devices for tests: ioctls on /dev/ksalloc-test-device.
 *
 * DEVICE_CONNECT makes a device and a connection to it. The device writes numbers into
 * frames: see &struct device_state. All other ioctls except DEVICE_COUNTS act on the
 * devices that were made through the same open file of /dev/ksalloc-test-device. After that
 * file is closed, no operation blocks or fails any more.
 */
#ifndef _KSALLOC_TEST_DEVICE_H
#define _KSALLOC_TEST_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Kinds of own memory of a device */
enum device_memory_kind {
	DEVICE_MEMORY_NONE,
	DEVICE_MEMORY_DMABUF,
	DEVICE_MEMORY_KERNEL, /* it never leaves the kernel */
};

/* Which operation of the memory fails */
enum device_failure {
	DEVICE_FAILS_NEVER,
	DEVICE_FAILS_INITIALIZE,
	DEVICE_FAILS_ALLOC,
};

/**
 * struct device_connect - makes a device
 * @memory: &enum device_memory_kind
 * @frame_size: the frame size that the device needs
 * @failure: &enum device_failure
 * @fail_at: for DEVICE_FAILS_ALLOC: the frame at which it fails
 * @error: the negative errno of @failure
 * @__reserved: 0
 *
 * Returns a descriptor of the connection. EINVAL for a wrong argument; the errors of
 * ksalloc_connect().
 */
struct device_connect {
	__u32 memory;
	__u32 frame_size;
	__u32 failure;
	__u32 fail_at;
	__s32 error;
	__u32 __reserved;
};

#define DEVICE_CONNECT _IOW('K', 0, struct device_connect)

/**
 * struct device_counts - operations of the memory of all devices since the module came
 * @initialized: initialize_allocator() that succeeded
 * @allocated: alloc() that succeeded
 * @freed: free()
 * @deleted: delete_allocator()
 * @buffers: buffers that exist now; a dma-buf keeps its buffer after free()
 * @recognized: acquire() of an allocator with a device's own memory
 * @__reserved: 0
 */
struct device_counts {
	__u32 initialized;
	__u32 allocated;
	__u32 freed;
	__u32 deleted;
	__u32 buffers;
	__u32 recognized;
	__u32 __reserved[2];
};

#define DEVICE_COUNTS _IOR('K', 1, struct device_counts)

/* Operations of a device that can block and fail */
enum device_op {
	DEVICE_OP_GET_FRAMING,
	DEVICE_OP_GET_DETAILS,
	DEVICE_OP_ACQUIRE,
	DEVICE_OP_RELEASE, /* cannot fail */
	DEVICE_OP_QUEUE,
	DEVICE_OP_DEQUEUE,
	DEVICE_OP_RUN,
	DEVICE_OP_STOP,
	DEVICE_OP_WATCH,
	DEVICE_OP_DESTROY, /* cannot fail */
	DEVICE_OPS,
};

/*
 * Makes operations block, like those of a camera that does not respond. The argument has a
 * bit for each enum device_op. Operations without their bit continue. Signals do not end
 * the wait. After DEVICE_PATIENCE_S seconds it ends by itself and is counted in
 * &device_state.impatient, so that a failing test does not block the machine. EINVAL for an
 * unknown bit.
 */
#define DEVICE_BLOCK _IO('K', 2)
#define DEVICE_PATIENCE_S 60

/**
 * struct device_fail - makes an operation fail from now on
 * @op: &enum device_op
 * @error: its negative errno; 0 to let it succeed
 *
 * A device whose stop() fails does not stop. It writes into its frames until it is
 * destroyed. EINVAL for a wrong argument.
 */
struct device_fail {
	__u32 op;
	__s32 error;
};

#define DEVICE_FAIL _IOW('K', 3, struct device_fail)

/*
 * With the argument 0, devices fill no frame from now on, as with an exposure that does not
 * end: they only write into the queued frames. With 1, they fill frames.
 */
#define DEVICE_FILL _IO('K', 6)

/*
 * The devices disappear, like a camera that is unbound: gone() is true from now on. Each
 * device writes into its frames until its stop() has returned.
 */
#define DEVICE_UNREGISTER _IO('K', 4)

/**
 * struct device_state - what the devices do and have done
 * @blocked: operations that block now
 * @impatient: operations that blocked for DEVICE_PATIENCE_S seconds
 * @filled: frames that were filled
 * @writes: writes into a frame that is not filled yet
 * @calls: calls of each operation; one that blocks is counted
 *
 * A device works every DEVICE_PERIOD_MS ms. It fills the frame that was queued first:
 * the first word becomes the sequence number. In all other queued frames the second
 * word becomes a number that changes each time. A device whose stop() failed only does
 * the latter, with all frames that were queued.
 */
struct device_state {
	__u32 blocked;
	__u32 impatient;
	__u32 filled;
	__u32 writes;
	__u32 calls[DEVICE_OPS];
};

#define DEVICE_PERIOD_MS 5
#define DEVICE_STATE _IOR('K', 5, struct device_state)

#endif /* _KSALLOC_TEST_DEVICE_H */
