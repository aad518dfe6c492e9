/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel Streaming allocator objects: the API for other kernel modules.
 *
 * A module can be a client of an allocator (ksalloc_client_create() and on), or the
 * device of connections (ksalloc_connect()), with memory of its own or without.
 * Documentation/driver-api/ksalloc.rst has the story to this, samples/ an example of
 * either, and uapi/linux/ksalloc.h the user's side of it.
 *
 * Lifetimes
 * ---------
 *  - A connection and an allocator are files. Who has one has a reference, and lets
 *    go of it with fput(). The object lives as long as the file.
 *  - A client has a reference to its allocator's file from its creation to its end.
 *    Its frames, by pointer, their dma-bufs and their mappings are there as long.
 *  - ksalloc_client_destroy() waits for callbacks and calls under way in any context;
 *    none may begin later, and who calls ksalloc_alloc_frame_wait() must have been
 *    sent away before, see ksalloc_client_cancel(). Then the client's frames are free
 *    again.
 *  - A connection owns its device from ksalloc_connect() on, until ->destroy. An
 *    allocator owns its memory from ->initialize_allocator to ->delete_allocator,
 *    and often lives longer than the connection, and the device, that it was created on.
 *  - The modules that the owners of ksalloc_device_ops and ksalloc_memory_ops name are
 *    not unloaded while there is such a connection or allocator.
 *
 * Contexts and locks
 * ------------------
 *  - Each function states its context. "Any" means hard interrupts included, but not
 *    NMI, and on CONFIG_PREEMPT_RT threaded interrupts only. What sleeps has a
 *    might_sleep() in it.
 *  - A client's callback runs wherever a frame is freed, in any context, in an RCU
 *    read-side section, and with no spinlock of ksalloc's, though perhaps with a
 *    connection's mutex: it must not sleep, may allocate, and must not free.
 *  - To free a frame takes time for each callback, for each eventfd that a program
 *    has enabled there, and for all who watch those.
 *  - The operations of a memory are called in process context with no lock; those of a
 *    device in process context with the connection's mutex, save where they say
 *    otherwise.
 *  - ksalloc_create_allocator() is called with no lock held: a heap can be any file.
 */
#ifndef _LINUX_KSALLOC_H
#define _LINUX_KSALLOC_H

#include <linux/iosys-map.h>
#include <linux/types.h>
#include <uapi/linux/ksalloc.h>

struct dma_buf;
struct file;
struct ks_connection;
struct module;
struct seq_file;

/**
 * struct ksalloc_memory - the memory of one frame
 * @dmabuf: a dma-buf that is at least as large as asked for, with a reference for
 *	the frame; NULL for memory that never leaves the kernel
 * @map: where the kernel sees the memory. Needed where there is no @dmabuf
 */
struct ksalloc_memory {
	struct dma_buf *dmabuf;
	struct iosys_map map;
};

/**
 * struct ksalloc_memory_ops - where the frames of an allocator come from
 * @owner: THIS_MODULE; it stays while there is an allocator of this memory
 * @initialize_allocator: begins an allocator. @creator is what it is made from,
 *	which for the memory of a device is its &struct ksalloc_device, and lives only
 *	as long as the call; @framing is what the allocator will be like, and
 *	@bytes the size of each frame, in whole pages. What it puts at @context is
 *	the others' first argument. Without it, that is @creator
 * @alloc: the memory of frame @index, once for each, in order
 * @free: takes back what @alloc gave. Others may still have references to the
 *	dma-buf
 * @delete_allocator: ends an allocator, all frames of which are freed
 *
 * KSALLOCATOR_DISPATCH's InitializeAllocator, Allocate, Free and DeleteAllocator.
 * All are called in process context, may sleep, and hold no lock of ksalloc's.
 * The first two return 0 or an errno, which is passed on to who creates the
 * allocator; whatever there is by then is freed and deleted. Contract F2, F3.
 */
struct ksalloc_memory_ops {
	struct module *owner;
	int (*initialize_allocator)(void *creator,
				    const struct ksallocator_framing *framing,
				    size_t bytes, void **context);
	int (*alloc)(void *context, u32 index, size_t bytes,
		     struct ksalloc_memory *memory);
	void (*free)(void *context, u32 index, struct ksalloc_memory *memory);
	void (*delete_allocator)(void *context);
};

void *ksalloc_allocator_memory(const struct file *allocator,
			       const struct ksalloc_memory_ops *ops);
u32 ksalloc_allocator_frames(const struct file *allocator);
struct dma_buf *ksalloc_allocator_dmabuf(const struct file *allocator,
					 u32 index);

/**
 * struct ksalloc_completion - what a device says of a filled frame
 * @index: which frame
 * @sequence: the device's sequence number
 * @data_offset: where in the frame the data begin
 * @data_used: bytes filled from there on; what is beyond the frame is cut off
 * @options_flags: KSSTREAM_HEADER_OPTIONSF_*
 * @time: presentation time, in 100 ns of CLOCK_MONOTONIC
 * @duration: how long the frame lasts, in 100 ns; 0 where that is not known
 */
struct ksalloc_completion {
	u32 index;
	u32 sequence;
	u32 data_offset;
	u32 data_used;
	u32 options_flags;
	s64 time;
	s64 duration;
};

/**
 * struct ksalloc_framing_details - what a device can say besides what it needs
 * @largest: bytes of the largest frame that the device may come to need in its current
 *	kind of format
 * @compression: what a frame is to a raw picture: 1 / 1 where it is one
 * @own_memory: whether frames can come from the device's own memory
 * @own_first: whether that is better than system memory
 * @own_largest: bytes of the largest frame in that memory
 *
 * Contract D4.
 */
struct ksalloc_framing_details {
	u32 largest;
	struct ks_compression compression;
	bool own_memory;
	bool own_first;
	u32 own_largest;
};

struct ksalloc_device;

/**
 * struct ksalloc_device_ops - how a connection drives its device
 * @owner: THIS_MODULE; it stays while there is a connection
 * @memory: the device's own memory, for allocators that are created without
 *	KSALLOCATOR_OPTIONF_SYSTEM_MEMORY; NULL where it has none. Not called with
 *	the lock that the others are called with
 * @get_framing: what the device needs now, in its current format
 * @get_details: more of that, where the device knows better than what is in there
 *	when it is called; may be NULL
 * @acquire: STOP to ACQUIRE: make the frames of the allocator the device's
 *	buffers and map each; changes nothing on failure. The allocator's file stays
 *	until @unacquire
 * @unacquire: ACQUIRE to STOP; does not fail
 * @queue: give a frame to the device; never waits for the device
 * @dequeue: take the next filled frame from the device; -EAGAIN where there is
 *	none. Called only while frames are queued; never waits for the device
 * @run: PAUSE to RUN
 * @cancel: make the device let go of all frames that are queued, which it
 *	forgets, and stop; does not fail
 * @ready: whether @dequeue might have something else to say than -EAGAIN, while
 *	frames are queued. Called without the lock that the others are called with
 * @gone: whether the device has disappeared. Called in any context
 * @watch: begin to call ksalloc_device_notify()
 * @unwatch: end that: when it returns, no call is under way or comes later. Also
 *	where @watch failed, or was not called
 * @destroy: frees the device
 * @show: describes the device in fdinfo
 *
 * All are called in process context and may sleep, except @gone. One lock of the
 * connection's is held over all but @memory, @ready, @gone, @watch, @unwatch and
 * @destroy, so that there is one call at a time.
 */
struct ksalloc_device_ops {
	struct module *owner;
	const struct ksalloc_memory_ops *memory;
	int (*get_framing)(struct ksalloc_device *device,
			   struct ksallocator_framing *framing);
	int (*get_details)(struct ksalloc_device *device,
			   struct ksalloc_framing_details *details);
	int (*acquire)(struct ksalloc_device *device, struct file *allocator);
	void (*unacquire)(struct ksalloc_device *device);
	int (*queue)(struct ksalloc_device *device, u32 index,
		     struct dma_buf *dmabuf);
	int (*dequeue)(struct ksalloc_device *device,
		       struct ksalloc_completion *completion);
	int (*run)(struct ksalloc_device *device);
	void (*cancel)(struct ksalloc_device *device);
	bool (*ready)(struct ksalloc_device *device);
	bool (*gone)(struct ksalloc_device *device);
	int (*watch)(struct ksalloc_device *device);
	void (*unwatch)(struct ksalloc_device *device);
	void (*destroy)(struct ksalloc_device *device);
	void (*show)(struct ksalloc_device *device, struct seq_file *m);
};

/**
 * struct ksalloc_device - the device end of a connection
 * @ops: what it can do
 * @connection: whom to notify; ksalloc_connect() sets it
 */
struct ksalloc_device {
	const struct ksalloc_device_ops *ops;
	struct ks_connection *connection;
};

struct file *ksalloc_connect(struct ksalloc_device *device);
void ksalloc_device_notify(struct ksalloc_device *device);

struct file *ksalloc_create_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct file *heap);

struct ksalloc_client;
struct ksalloc_frame;

/**
 * struct ksalloc_client_ops - what a kernel-mode client is told
 * @free_frame: a frame has become free, that is, nobody who waited for one has got
 *	it; called once for each. In the context of whoever freed it, hard
 *	interrupts included, and with no spinlock of ksalloc's: it must not sleep. It
 *	may allocate; it must not free, for that would call it again. NULL for none
 */
struct ksalloc_client_ops {
	void (*free_frame)(void *context);
};

struct ksalloc_client *
ksalloc_client_create(struct file *allocator,
		      const struct ksalloc_client_ops *ops, void *context);
void ksalloc_client_cancel(struct ksalloc_client *client);
void ksalloc_client_destroy(struct ksalloc_client *client);

struct ksalloc_frame *ksalloc_alloc_frame(struct ksalloc_client *client);
int ksalloc_alloc_frame_wait(struct ksalloc_client *client, u64 deadline_ns,
			     struct ksalloc_frame **frame);
int ksalloc_free_frame(struct ksalloc_client *client,
		       struct ksalloc_frame *frame);

struct ksalloc_frame *ksalloc_frame(struct ksalloc_client *client, u32 index);
u32 ksalloc_frame_index(const struct ksalloc_frame *frame);
struct dma_buf *ksalloc_frame_dmabuf(const struct ksalloc_frame *frame);
int ksalloc_frame_vmap(struct ksalloc_frame *frame, struct iosys_map *map);
void ksalloc_frame_vunmap(struct ksalloc_frame *frame, struct iosys_map *map);

#endif /* _LINUX_KSALLOC_H */
