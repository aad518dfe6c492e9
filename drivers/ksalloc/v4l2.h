/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4L2 capture devices of connections. They use <linux/ksalloc.h> like the devices of other
 * modules, and the arithmetic of framing.h and planes.h.
 *
 * Layers, from top to bottom: v4l2 (the device of a connection); v4l2_direct (the device's own
 * buffers); v4l2_format; v4l2_memory (the device's own memory); v4l2_device (the file, its locks,
 * checks and operations); v4l2_thread.
 *
 * "Contract" and an id such as B3 name a row of Documentation/conformance.rst.
 */

/**
 * DOC: V4L2 devices
 *
 * A connection opens the V4L2 node again, with the credentials of the caller and O_NONBLOCK.
 * No process has a descriptor of this file, so no process can dequeue, free or replace its
 * buffers, or clear O_NONBLOCK. For the driver this is one more open file. From ACQUIRE on it
 * owns the buffer queue, and videobuf2 returns EBUSY to all other files. The connection keeps
 * a reference to the caller's file only if the driver does not set vdev->queue, for
 * ks_v4l2_reqbufs().
 *
 * Some drivers have a separate format for each open file (omap3isp). With these, the file of
 * the connection has its own format, which the caller cannot set.
 *
 * The V4L2 core exports no function that calls an ioctl of a driver with kernel structures.
 * So this module calls the ioctl operations of the driver (struct v4l2_ioctl_ops) directly,
 * and the ks_v4l2_* functions do what the core does in video_ioctl2():
 *
 * - They take the lock of the buffer queue or of the device, and for STREAMON and
 *   STREAMOFF the lock of the request queue.
 * - They do not call operations that the driver does not support.
 * - They check the priority.
 *
 * Each of these calls is in the file of its purpose (v4l2_device.c, v4l2.c, v4l2_format.c,
 * v4l2_memory.c), next to the reason why it is safe there.
 *
 * For the device's own memory there is a shorter way, if the driver uses vb2_ioctl_qbuf() and
 * vb2_ioctl_dqbuf(), and the file owns the queue. These only check and copy struct v4l2_buffer
 * around vb2_core_qbuf() and vb2_core_dqbuf(). v4l2_direct.c calls the latter, as videobuf2 does
 * for read().
 *
 * A driver with its own unlocked_ioctl (uvcvideo since 6.17) also resumes the hardware there.
 * This module bypasses unlocked_ioctl, so a connection calls no operation that accesses the
 * hardware before the device streams: see v4l2_format.c. The node of a share calls such
 * operations between ks_v4l2_begin() and ks_v4l2_end(), which resume the hardware.
 *
 * Operations that release buffers are called even if the device is unregistered. Drivers
 * must support this, because an ioctl that began before the device was unregistered has the
 * same effect.
 */
#ifndef _KSALLOC_V4L2_H
#define _KSALLOC_V4L2_H

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/ksalloc.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/videodev2.h>
#include <linux/wait.h>
#include <media/v4l2-dev.h>

struct ks_v4l2_thread;

/**
 * struct ks_v4l2_device - an open V4L2 capture device
 * @refs: references: of a connection, and of allocators of the device's own memory
 * @file: the file that the connection opened, with a reference
 * @origin: the caller's file, with a reference, for ks_v4l2_reqbufs(); NULL if the driver
 *	sets vdev->queue
 * @vdev: the device, which exists as long as the files are open
 * @lock: the lock around operations on buffers: see ks_v4l2_lock()
 * @type: V4L2_BUF_TYPE_VIDEO_CAPTURE or its multi-planar variant
 * @has_memory: the MMAP buffers of @file are those of an allocator. Protected by the lock of
 *	ks_v4l2_lock()
 * @thread_lock: protects @thread; held during a call in @thread; taken before the lock of
 *	the device
 * @thread: calls operations, see v4l2_thread.c; NULL until the first such call after the
 *	buffers were made
 */
struct ks_v4l2_device {
	struct kref refs;
	struct file *file;
	struct file *origin;
	struct video_device *vdev;
	struct mutex *lock; /* of the driver, or of this module */
	enum v4l2_buf_type type;
	bool has_memory;
	struct mutex thread_lock; /* see above */
	struct ks_v4l2_thread *thread;
};

static inline bool ks_v4l2_is_mplane(struct ks_v4l2_device *dev)
{
	return V4L2_TYPE_IS_MULTIPLANAR(dev->type);
}

/* Drivers use two wait queues: that of videobuf2, and that of the V4L2 events of the file */
#define KS_V4L2_WAIT_QUEUES 4

/**
 * struct ks_v4l2_wait - an entry on a wait queue of the device
 * @entry: the entry
 * @head: the wait queue, which exists as long as the V4L2 file is open
 * @for_events: @head is the queue of V4L2 events. A wake-up there does not mean that a frame came
 * @v4l2: the device
 */
struct ks_v4l2_wait {
	wait_queue_entry_t entry;
	wait_queue_head_t *head;
	bool for_events;
	struct ks_v4l2 *v4l2;
};

/**
 * struct ks_v4l2 - the device of a connection
 * @device: the device, for the connection
 * @dev: the V4L2 device, with a reference
 * @allocator: the allocator, in ACQUIRE and above
 * @memory: memory type of the buffers, in ACQUIRE and above
 * @no_buffers: why the device has no buffers, or too few; usually 0. In ACQUIRE and above
 * @direct: frames are queued and dequeued by v4l2_direct.c, in ACQUIRE and above
 * @length: size of each plane of the buffers, in ACQUIRE and above, if they are dma-bufs;
 *	otherwise 0
 * @duration: frame interval, in 100 ns; 0 if unknown. Read on the way to RUN
 * @alternates: each buffer is one field, and says which. Read on the way to RUN
 * @prepared: frames that the driver has mapped, so that it does not look at their descriptors when
 *	they are queued. Protected by ks_connection.lock
 * @refused: the driver refused the last buffer. Protected by ks_connection.lock
 * @planes: planes of a multi-planar buffer, for operations. Protected by
 *	ks_connection.lock. Not on the stack, because it would be cleared in each call there
 * @wait: entries on the wait queues of the driver
 * @waits: number of used elements of @wait
 * @poll: fills @wait
 */
struct ks_v4l2 {
	struct ksalloc_device device;
	struct ks_v4l2_device *dev;
	const struct ks_allocator *allocator;
	enum v4l2_memory memory;
	int no_buffers;
	bool direct;
	u32 length[VIDEO_MAX_PLANES];
	s64 duration;
	bool alternates;
	DECLARE_BITMAP(prepared, KSALLOC_MAX_FRAMES);
	bool refused;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	struct ks_v4l2_wait wait[KS_V4L2_WAIT_QUEUES];
	unsigned int waits;
	poll_table poll;
};

/**
 * ks_v4l2_device_of() - get the V4L2 device from the device of a connection
 * @device: a device that ks_v4l2_create() made
 *
 * Context: any.
 * Return: the V4L2 device, which exists as long as @device.
 */
static inline struct ks_v4l2_device *
ks_v4l2_device_of(struct ksalloc_device *device)
{
	return container_of(device, struct ks_v4l2, device)->dev;
}

/*
 * Takes the lock around operations on buffers. Only a fatal signal interrupts this. A
 * state change that another signal interrupts would have to go back, and would lose
 * frames that are already filled.
 */
static inline int ks_v4l2_lock(struct ks_v4l2_device *dev)
{
	return mutex_lock_killable(dev->lock);
}

static inline void ks_v4l2_unlock(struct ks_v4l2_device *dev)
{
	mutex_unlock(dev->lock);
}

/*
 * Returns 0 if the driver supports the ioctl @cmd; -EOPNOTSUPP if not; -ENODEV if the device is
 * unregistered. The operation can be NULL if the V4L2 core does not need it
 */
static inline int ks_v4l2_check(struct ks_v4l2_device *dev, unsigned int cmd)
{
	if (!video_is_registered(dev->vdev))
		return -ENODEV;
	if (!test_bit(_IOC_NR(cmd), dev->vdev->valid_ioctls))
		return -EOPNOTSUPP;
	return 0;
}

/* v4l2_device.c: the file, its locks, checks and operations */

void ks_v4l2_init(void);
struct ks_v4l2_device *ks_v4l2_open(int fd);
struct ks_v4l2_device *ks_v4l2_get(struct ks_v4l2_device *dev);
void ks_v4l2_put(struct ks_v4l2_device *dev);
int ks_v4l2_lock_device(struct ks_v4l2_device *dev);
void ks_v4l2_unlock_device(struct ks_v4l2_device *dev);
int ks_v4l2_begin(struct ks_v4l2_device *dev, unsigned int cmd,
		  struct device **hardware);
void ks_v4l2_end(struct ks_v4l2_device *dev, struct device *hardware);
struct v4l2_fh *ks_v4l2_fh(struct ks_v4l2_device *dev);
int ks_v4l2_check_priority(struct ks_v4l2_device *dev);
void ks_v4l2_drop_priority(struct ks_v4l2_device *dev);
int ks_v4l2_reqbufs(struct ks_v4l2_device *dev, enum v4l2_memory memory,
		    u32 count);
void ks_v4l2_free_buffers(struct ks_v4l2_device *dev,
			  enum v4l2_memory memory);
void ks_v4l2_end_reservation(struct ks_v4l2_device *dev);
int ks_v4l2_querybuf(struct ks_v4l2_device *dev, u32 index,
		     struct v4l2_buffer *buffer, struct v4l2_plane *planes);
bool ks_v4l2_has_buffers(struct ks_v4l2_device *dev,
			 struct v4l2_plane *planes);
int ks_v4l2_streamon(struct ks_v4l2_device *dev);
bool ks_v4l2_has_queued(struct ks_v4l2_device *dev, u32 count,
			struct v4l2_plane *planes);
int ks_v4l2_streamoff(struct ks_v4l2_device *dev);

/* v4l2_thread.c: a kernel thread that has its own table of descriptors */

void ks_v4l2_put_thread(struct ks_v4l2_device *dev);
void ks_v4l2_exit(void);
int ks_v4l2_run_in_thread(struct ks_v4l2_device *dev, int (*fn)(void *data),
			  void *data);

/* v4l2_format.c */

int ks_v4l2_get_requirements(struct ks_v4l2_device *dev,
			     struct ksalloc_requirements *needs);
int ks_v4l2_get_details(struct ks_v4l2_device *dev,
			struct ksalloc_framing_details *details);
int ks_v4l2_get_whole_format(struct ks_v4l2_device *dev,
			     struct v4l2_format *format);
int ks_v4l2_get_parm(struct ks_v4l2_device *dev, struct v4l2_streamparm *parm);
s64 ks_v4l2_frame_duration(struct ks_v4l2_device *dev, bool *alternates);

/* v4l2_memory.c */

extern const struct ksalloc_memory_ops ks_v4l2_memory_ops;

bool ks_v4l2_has_memory(struct ks_v4l2_device *dev);
bool ks_v4l2_memory_is_of(struct ks_v4l2_device *dev,
			  const struct ks_allocator *allocator);

/* For v4l2.c and v4l2_direct.c: what a buffer says about its frame */

/* Contract I3 */
static inline u32 ks_v4l2_options_flags(u32 flags)
{
	u32 options = 0;

	if ((flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) ==
	    V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		options |= KSSTREAM_HEADER_OPTIONSF_TIMEVALID;
	if (flags & V4L2_BUF_FLAG_KEYFRAME)
		options |= KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT;
	if (flags & V4L2_BUF_FLAG_ERROR)
		options |= KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	if (flags & V4L2_BUF_FLAG_LAST)
		options |= KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM;
	return options;
}

/* The field of a buffer if the format is V4L2_FIELD_ALTERNATE. Contract I3 */
static inline u8 ks_v4l2_field(u32 field)
{
	switch (field) {
	case V4L2_FIELD_TOP:
		return KS_VIDEO_FLAG_FIELD1;
	case V4L2_FIELD_BOTTOM:
		return KS_VIDEO_FLAG_FIELD2;
	default:
		return KS_VIDEO_FLAG_FRAME;
	}
}

/* Of a plane, bytesused includes data_offset */
static inline void ks_v4l2_complete_plane(u32 data_offset, u32 bytesused,
					  struct ksalloc_plane_data *data)
{
	data->data_offset = min(data_offset, bytesused);
	data->data_used = bytesused - data->data_offset;
}

/* v4l2_direct.c: the device's own buffers, without struct v4l2_buffer */

bool ks_v4l2_is_direct(const struct ks_v4l2_device *dev);
int ks_v4l2_queue_direct(struct ks_v4l2_device *dev, u32 index);
int ks_v4l2_dequeue_direct(struct ks_v4l2 *v4l2, struct ksalloc_completion *completion);

/* v4l2.c: the device of a connection */

struct ksalloc_device *ks_v4l2_create(int fd);

#endif /* _KSALLOC_V4L2_H */
