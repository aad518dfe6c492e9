/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libks: find memory that a device can use.
 */
#ifndef KS_MEMORY_H
#define KS_MEMORY_H

#include <stddef.h>

#include <linux/ksalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Memory for frames
 *
 * Which memory a device can use depends on the device, on its driver, on the kernel and on the
 * permissions of the user. No table can have all this, so the library tries memory on the
 * device: it allocates all frames and lets the connection map them (KSSTATE_ACQUIRE). It tries
 * the kinds in this order:
 *
 * - each dma-buf heap that the program may open, "system" first. Only some kernels have heaps,
 *   and usually only root can open them. Their memory is charged to nobody.
 * - /dev/udmabuf, with memory from a memfd. It is charged to the memory cgroup of the program.
 * - the device's own memory. The device is then busy for other programs until the allocator is
 *   freed.
 */

/* The directory of the heaps */
#define LIBKS_HEAP_DIR "/dev/dma_heap"
/* The device that makes dma-bufs of memfds */
#define LIBKS_UDMABUF_DEVICE "/dev/udmabuf"

/* Names of memory that is not a heap */
#define LIBKS_UDMABUF "udmabuf"
#define LIBKS_DEVICE_MEMORY "device"

/**
 * enum ks_memory_kind - kinds of memory
 * @LIBKS_MEMORY_HEAP: a dma-buf heap
 * @LIBKS_MEMORY_UDMABUF: a memfd, by /dev/udmabuf
 * @LIBKS_MEMORY_DEVICE: the device's own memory
 */
enum ks_memory_kind {
	LIBKS_MEMORY_HEAP,
	LIBKS_MEMORY_UDMABUF,
	LIBKS_MEMORY_DEVICE,
};

/**
 * enum ks_memory_step - how far an attempt came
 * @LIBKS_MEMORY_OPEN: the heap or /dev/udmabuf cannot be opened
 * @LIBKS_MEMORY_ALLOCATE: a frame cannot be allocated
 * @LIBKS_MEMORY_CREATE: the allocator cannot be created
 * @LIBKS_MEMORY_ACQUIRE: the device does not accept the frames
 * @LIBKS_MEMORY_WORKS: the memory can be used
 */
enum ks_memory_step {
	LIBKS_MEMORY_OPEN,
	LIBKS_MEMORY_ALLOCATE,
	LIBKS_MEMORY_CREATE,
	LIBKS_MEMORY_ACQUIRE,
	LIBKS_MEMORY_WORKS,
};

/**
 * enum ks_memory_help - what would help
 * @LIBKS_HELP_NONE: nothing is known
 * @LIBKS_HELP_PERMISSION: permission to open the heap or /dev/udmabuf
 * @LIBKS_HELP_KERNEL: a kernel with this memory
 * @LIBKS_HELP_LESS: fewer frames, smaller pictures, or more memory
 * @LIBKS_HELP_CONTIGUOUS: memory that is contiguous: a CMA heap, or the device's own memory
 * @LIBKS_HELP_OTHER_MEMORY: memory of another kind; the device or its driver cannot use this one
 * @LIBKS_HELP_LATER: try again when no other program uses the device
 */
enum ks_memory_help {
	LIBKS_HELP_NONE,
	LIBKS_HELP_PERMISSION,
	LIBKS_HELP_KERNEL,
	LIBKS_HELP_LESS,
	LIBKS_HELP_CONTIGUOUS,
	LIBKS_HELP_OTHER_MEMORY,
	LIBKS_HELP_LATER,
};

#define LIBKS_MEMORY_NAME 64
#define LIBKS_MEMORY_ATTEMPTS 16

/**
 * struct ks_memory_attempt - an attempt with some memory
 * @kind: the kind of memory
 * @step: how far it came
 * @help: what would help
 * @error: the negative errno value; 0 if the memory works
 * @frame: at LIBKS_MEMORY_ALLOCATE and KSALLOC_REFUSAL_MAP, the frame that failed. At
 *	KSALLOC_REFUSAL_COUNT, the number of frames that the device can have
 * @refusal: at LIBKS_MEMORY_ACQUIRE, enum ksalloc_refusal
 * @name: name of the heap, LIBKS_UDMABUF or LIBKS_DEVICE_MEMORY. Empty if there is no heap
 */
struct ks_memory_attempt {
	enum ks_memory_kind kind;
	enum ks_memory_step step;
	enum ks_memory_help help;
	int error;
	__u32 frame;
	__u32 refusal;
	char name[LIBKS_MEMORY_NAME];
};

/**
 * struct ks_memory_report - all attempts, in their order
 * @count: number of attempts
 * @attempt: the attempts. Further heaps are not tried
 */
struct ks_memory_report {
	__u32 count;
	struct ks_memory_attempt attempt[LIBKS_MEMORY_ATTEMPTS];
};

/**
 * ks_find_memory() - create an allocator of memory that the device can use
 * @connection: the connection, in state KSSTATE_STOP
 * @framing: number, size and alignment of the frames. Zeros mean what the device needs.
 *	KSALLOCATOR_OPTIONF_SYSTEM_MEMORY has no effect
 * @name: the memory: a heap as for ks_open_heap(), LIBKS_UDMABUF or LIBKS_DEVICE_MEMORY; NULL
 *	for the first that works
 * @report: out, also on failure; may be NULL
 *
 * The allocator is assigned to the connection, which is in KSSTATE_STOP again.
 *
 * Return: a descriptor of a new allocator. If no memory works, the error of the attempt that
 * came furthest; of several, that of the first. An error that does not depend on the memory
 * ends the search: -EBUSY if another program uses the device, -ENODEV if it has disappeared.
 */
int ks_find_memory(int connection, const struct ksallocator_framing *framing,
		   const char *name, struct ks_memory_report *report);

/**
 * ks_try_memory() - try all memory
 * @connection: the connection, in state KSSTATE_STOP, without an allocator
 * @framing: as for ks_find_memory()
 * @report: out
 *
 * Return: 0, also if no memory works; the error of a call that does not depend on the memory.
 */
int ks_try_memory(int connection, const struct ksallocator_framing *framing,
		  struct ks_memory_report *report);

/**
 * ks_open_heap() - open a dma-buf heap
 * @heap: a name in LIBKS_HEAP_DIR, such as "system"; a path if it contains a slash
 *
 * Return: a descriptor. -ENOENT if there is no such heap.
 */
int ks_open_heap(const char *heap);

/**
 * ks_heap_alloc() - allocate a dma-buf from a heap
 * @heap: descriptor from ks_open_heap()
 * @bytes: size, which is rounded up to whole pages
 *
 * Return: a descriptor of the dma-buf. -ENOMEM; -ENOTTY if @heap is not a heap.
 */
int ks_heap_alloc(int heap, size_t bytes);

/**
 * ks_udmabuf_alloc() - make a dma-buf of a memfd
 * @udmabuf: descriptor of LIBKS_UDMABUF_DEVICE
 * @bytes: size, which is rounded up to whole pages
 *
 * The memfd is closed. A program that has to pin the pages makes it itself, and maps it.
 *
 * Return: a descriptor of the dma-buf. -EINVAL if it would be larger than the module parameter
 * size_limit_mb of udmabuf, where that exists; -EFBIG if it would be larger than RLIMIT_FSIZE;
 * -ENOMEM.
 */
int ks_udmabuf_alloc(int udmabuf, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* KS_MEMORY_H */
