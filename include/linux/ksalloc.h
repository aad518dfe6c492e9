/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel Streaming allocator objects: the API for other kernel modules.
 *
 * A module can be a client of an allocator (ksalloc_client_create()). It can also be the
 * device of connections (ksalloc_connect()), with or without its own memory.
 * Documentation/driver-api/ksalloc.rst is the overview, samples/ has an example of each,
 * and uapi/linux/ksalloc.h describes the objects and the interface for programs.
 *
 * "Contract" and an id such as B3 name a row of Documentation/conformance.rst.
 */

/**
 * DOC: Lifetimes
 *
 * - Connections and allocators are reference counted. Each open file of such an object
 *   holds a reference. A module that has such a file releases it with fput().
 * - A connection holds the allocator that is assigned to it.
 * - A client holds its allocator from ksalloc_client_create() to
 *   ksalloc_client_destroy(). The frames, their dma-bufs and mappings exist during this
 *   time.
 * - ksalloc_client_destroy() waits for all callbacks and calls of the client that are in
 *   progress. No call may begin after that. Then the frames of the client become free.
 * - A connection owns its device from ksalloc_connect() to ->destroy(). An allocator owns
 *   its memory from ->initialize_allocator() to ->delete_allocator(), and often outlives
 *   the connection and the device that it was created on.
 * - The modules named by @owner of &struct ksalloc_device_ops and
 *   &struct ksalloc_memory_ops are not unloaded while such a connection or allocator
 *   exists.
 */

/**
 * DOC: Contexts and locks
 *
 * - Each function states its context. "Any" includes hard interrupts but not NMI. On
 *   CONFIG_PREEMPT_RT "any" means any context in which a spinlock_t may be taken:
 *   threads, threaded interrupts and softirqs, but no hard interrupt and no region with
 *   interrupts or preemption disabled. KS promises DISPATCH_LEVEL, which corresponds to
 *   this. Functions that sleep call might_sleep().
 * - The callback of a client runs in the context that frees a frame, inside an RCU
 *   read-side section. No spinlock of ksalloc is held, but the mutex of a connection can
 *   be. The callback must not sleep and must not free frames. It may allocate frames.
 * - When a frame becomes free, all callbacks and eventfds of its allocator are called or
 *   signalled before the call that frees it returns.
 * - The operations of &struct ksalloc_memory_ops are called in process context without a
 *   lock. Those of &struct ksalloc_device_ops are called in process context with the mutex
 *   of the connection, unless stated otherwise.
 * - ksalloc_create_allocator() must be called without locks. The heap can be any file,
 *   even one of the calling module, and its ioctl can take any lock.
 */
#ifndef _LINUX_KSALLOC_H
#define _LINUX_KSALLOC_H

#include <linux/iosys-map.h>
#include <linux/types.h>
#include <uapi/linux/ksalloc.h>

struct dma_buf;
struct file;
struct ks_allocator;
struct ks_connection;
struct module;
struct seq_file;

/**
 * struct ksalloc_memory - the memory of one plane of a frame
 * @dmabuf: a dma-buf of at least the size asked for, with a reference for the frame;
 *	NULL for memory that never leaves the kernel
 * @map: the kernel's mapping of the memory; required without a @dmabuf
 */
struct ksalloc_memory {
	struct dma_buf *dmabuf;
	struct iosys_map map;
};

/**
 * struct ksalloc_memory_ops - where the frames of an allocator come from
 * @owner: THIS_MODULE; not unloaded while an allocator of this memory exists
 * @initialize_allocator: called first, once for each allocator. For a device's own memory,
 *	@creator is the &struct ksalloc_device, which is valid only during the call.
 *	@framing is the framing of the allocator, without zeros for "as the device needs",
 *	and @planes are the memory planes of each frame. The value stored at @context is
 *	the first argument of the other operations. Without this operation, that is
 *	@creator
 * @alloc: allocates the memory of one plane of frame @index: @bytes, which is the size of the
 *	plane in whole pages. Called once for each plane of each frame, in order
 * @free: frees the memory that @alloc returned. Others may still hold references to the
 *	dma-buf
 * @delete_allocator: called last, after @free of all frames
 * @show: describes the memory in fdinfo; may be NULL
 *
 * These are InitializeAllocator, Allocate, Free and DeleteAllocator of
 * KSALLOCATOR_DISPATCH. Contract F2, F3.
 *
 * Context: process context, may sleep; no lock of ksalloc is held. The first two
 * return 0 or an errno. The errno is passed on to the creator of the allocator, after
 * everything is freed and deleted.
 */
struct ksalloc_memory_ops {
	struct module *owner;
	int (*initialize_allocator)(void *creator,
				    const struct ksallocator_framing *framing,
				    const struct ksalloc_planes *planes,
				    void **context);
	int (*alloc)(void *context, u32 index, u32 plane, size_t bytes,
		     struct ksalloc_memory *memory);
	void (*free)(void *context, u32 index, u32 plane,
		     struct ksalloc_memory *memory);
	void (*delete_allocator)(void *context);
	void (*show)(void *context, struct seq_file *m);
};

void *ksalloc_allocator_memory(const struct ks_allocator *allocator,
			       const struct ksalloc_memory_ops *ops);
u32 ksalloc_allocator_frames(const struct ks_allocator *allocator);
u32 ksalloc_allocator_planes(const struct ks_allocator *allocator);
size_t ksalloc_allocator_plane_bytes(const struct ks_allocator *allocator,
				     u32 plane);
struct dma_buf *ksalloc_allocator_dmabuf(const struct ks_allocator *allocator,
					 u32 index, u32 plane);

/**
 * struct ksalloc_requirements - what a device needs in its current format
 * @framing: number and size of frames, and KSALLOCATOR_REQUIREMENTF_*
 * @planes: memory planes of a frame. Their sum is the frame size. A @count of zero means one
 *	plane of the frame size
 */
struct ksalloc_requirements {
	struct ksallocator_framing framing;
	struct ksalloc_planes planes;
};

/**
 * struct ksalloc_completion - describes a filled frame
 * @index: the frame
 * @sequence: the sequence number of the device
 * @planes: the data in each memory plane. ksalloc truncates data that exceed the plane, and
 *	ignores planes that the frame does not have
 * @options_flags: KSSTREAM_HEADER_OPTIONSF_*
 * @field: KS_VIDEO_FLAG_FIELD1 or KS_VIDEO_FLAG_FIELD2 if each frame is one field and the format
 *	does not tell which; otherwise KS_VIDEO_FLAG_FRAME
 * @time: presentation time on CLOCK_MONOTONIC, in 100 ns
 * @duration: duration of the frame in 100 ns; 0 if unknown
 */
struct ksalloc_completion {
	u32 index;
	u32 sequence;
	struct ksalloc_plane_data planes[KSALLOC_MAX_PLANES];
	u32 options_flags;
	u8 field;
	s64 time;
	s64 duration;
};

/**
 * struct ksalloc_framing_details - properties of a device beyond its requirements
 * @largest: bytes in the largest frame of the current pixel format
 * @compression: ratio of a frame to a raw picture; 1 / 1 if it is a raw picture
 * @own_memory: frames can come from the device's own memory
 * @own_first: the device's own memory is better than system memory
 * @own_largest: maximum number of bytes in a frame of the device's own memory, all planes
 *	together
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
struct v4l2_format;

/**
 * struct ksalloc_device_ops - how a connection drives its device
 * @owner: THIS_MODULE; not unloaded while a connection exists
 * @memory: the device's own memory, for allocators that are created without
 *	KSALLOCATOR_OPTIONF_SYSTEM_MEMORY; NULL if it has none
 * @get_framing: returns the requirements of the device in its current format. Called with
 *	or without the mutex, also during other operations. A device that returns wrong planes
 *	cannot be used: -EINVAL
 * @get_details: returns further properties; may be NULL. Called without the mutex
 * @get_format: returns the format for readers, from ACQUIRE on; NULL if V4L2 has no such format
 * @acquire: STOP to ACQUIRE: makes the frames of the allocator the buffers of the
 *	device and maps each. Changes nothing on failure, and calls ksalloc_device_refuse() if
 *	it knows more than an errno. The allocator exists until @release has returned
 * @release: ACQUIRE to STOP; must not fail. Not called if @stop has failed. Then @destroy
 *	has to do its work. Kernel mappings (dma_buf_vmap()) of frames that exist when it is
 *	called are kept until the allocator is not assigned any more, so the next @acquire finds
 *	them
 * @queue: gives a frame to the device. @dmabuf_fd is a descriptor of the frame's
 *	dma-buf in the calling task, or -1. It is always -1 if the frame has several planes.
 *	Must not wait for the device
 * @dequeue: takes the next filled frame from the device; -EAGAIN if there is none.
 *	All fields of the completion are zero before the call, except for planes that the frame
 *	does not have. Called only while frames are queued, or if @ended is not 0. Must not wait
 *	for the device
 * @run: PAUSE to RUN
 * @stop: stops the device and takes all queued frames away from it. Called in
 *	RUN and PAUSE, and after the device has disappeared. Returns 0 when the device
 *	does not access any frame any more. An errno means that it may still access frames.
 *	Then the frames stay in the device until @destroy has returned
 * @ready: whether @dequeue may return something else than -EAGAIN, while frames are
 *	queued. Called with or without the mutex
 * @ended: a hint that no frame comes before the next @run: the errno of @dequeue, which is called
 *	then even if no frames are queued; otherwise 0. Not -EAGAIN. Called with or without the
 *	mutex, until @destroy. NULL if the device does not know this
 * @gone: whether the device has disappeared. Called in any context. NULL if it never does
 * @watch: the device may call ksalloc_device_notify() from now on; may be NULL
 * @unwatch: ends this. When it returns, no such call is in progress and none begins later.
 *	Also called if @watch has failed or was not called. May be NULL if such calls are
 *	made only between @run and @stop, and @stop does not fail
 * @destroy: frees the device. The device must not access any frame after this call
 * @show: describes the device in fdinfo; may be NULL. Called without the mutex
 *
 * Context: process context, may sleep; except @gone. The mutex of the connection is held
 * during the operations, so only one of them runs at a time. It is not held during @gone,
 * @watch, @unwatch, @destroy, the operations of @memory and those that state otherwise.
 *
 * Return: operations that can fail return 0 or an errno. A positive value is taken for -EIO.
 */
struct ksalloc_device_ops {
	struct module *owner;
	const struct ksalloc_memory_ops *memory;
	int (*get_framing)(struct ksalloc_device *device,
			   struct ksalloc_requirements *needs);
	int (*get_details)(struct ksalloc_device *device,
			   struct ksalloc_framing_details *details);
	int (*get_format)(struct ksalloc_device *device,
			  struct v4l2_format *format);
	int (*acquire)(struct ksalloc_device *device,
		       const struct ks_allocator *allocator);
	void (*release)(struct ksalloc_device *device);
	int (*queue)(struct ksalloc_device *device, u32 index, int dmabuf_fd);
	int (*dequeue)(struct ksalloc_device *device,
		       struct ksalloc_completion *completion);
	int (*run)(struct ksalloc_device *device);
	int (*stop)(struct ksalloc_device *device);
	bool (*ready)(struct ksalloc_device *device);
	int (*ended)(struct ksalloc_device *device);
	bool (*gone)(struct ksalloc_device *device);
	int (*watch)(struct ksalloc_device *device);
	void (*unwatch)(struct ksalloc_device *device);
	void (*destroy)(struct ksalloc_device *device);
	void (*show)(struct ksalloc_device *device, struct seq_file *m);
};

/**
 * struct ksalloc_device - the device of a connection
 * @ops: its operations
 * @connection: the connection; set by ksalloc_connect()
 * @queue_in_thread: ->queue() without a descriptor waits for a kernel thread, unless it is called
 *	in a kernel thread. So frames that circulate are queued in one. Set by ->acquire()
 * @written_by_cpu: the device has no DMA to the frames, so readers do not synchronize them. Set by
 *	->acquire(), always to the same value for an allocator
 */
struct ksalloc_device {
	const struct ksalloc_device_ops *ops;
	struct ks_connection *connection;
	bool queue_in_thread;
	bool written_by_cpu;
};

struct file *ksalloc_connect(struct ksalloc_device *device);
void ksalloc_device_notify(struct ksalloc_device *device);
void ksalloc_device_refuse(struct ksalloc_device *device,
			   enum ksalloc_refusal refusal, u32 frame, int error);

struct file *ksalloc_create_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct file *heap);
struct file *ksalloc_import_allocator(struct file *connection,
				      const struct ksallocator_framing *framing,
				      struct dma_buf *const *dmabufs,
				      u32 nr_dmabufs);

struct ksalloc_client;
struct ksalloc_frame;

/**
 * struct ksalloc_client_ops - callbacks of a kernel-mode client
 * @free_frame: called once for each frame that becomes free and is not given to a waiting
 *	call, from ksalloc_client_enable() on. NULL for no callback
 *
 * Context: the context that frees the frame. This can be a hard interrupt, except on
 * CONFIG_PREEMPT_RT. The callback must not sleep. It must not free frames, because that
 * would call it again. It may allocate frames.
 */
struct ksalloc_client_ops {
	void (*free_frame)(void *context);
};

struct ksalloc_client *
ksalloc_client_create(struct file *allocator,
		      const struct ksalloc_client_ops *ops, void *context);
struct file *ksalloc_client_open(struct ksalloc_client *client);
void ksalloc_client_enable(struct ksalloc_client *client);
void ksalloc_client_cancel(struct ksalloc_client *client);
void ksalloc_client_destroy(struct ksalloc_client *client);

struct ksalloc_frame *ksalloc_alloc_frame(struct ksalloc_client *client);
int ksalloc_alloc_frame_wait(struct ksalloc_client *client, u64 deadline_ns,
			     struct ksalloc_frame **frame);
int ksalloc_free_frame(struct ksalloc_client *client,
		       struct ksalloc_frame *frame);

struct ksalloc_frame *ksalloc_frame(struct ksalloc_client *client, u32 index);
u32 ksalloc_frame_index(const struct ksalloc_frame *frame);
u32 ksalloc_frame_planes(const struct ksalloc_frame *frame);
struct dma_buf *ksalloc_frame_dmabuf(const struct ksalloc_frame *frame,
				     u32 plane);
int ksalloc_frame_vmap(struct ksalloc_frame *frame, u32 plane,
		       struct iosys_map *map);
void ksalloc_frame_vunmap(struct ksalloc_frame *frame, u32 plane,
			  struct iosys_map *map);

#endif /* _LINUX_KSALLOC_H */
