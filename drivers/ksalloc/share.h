/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares: a second V4L2 node for a camera, from which many programs stream.
 *
 * Layers, from top to bottom: share_file (the start and the end of a share); share_node (V4L2
 * operations); share_camera (calls of the camera); share_call (work items for calls); share (the
 * object, and what its handles have); v4l2; connection, feed and reader.
 *
 * These files use both the core and V4L2, because a share is a V4L2 driver whose buffers are frames
 * of a connection.
 */

/**
 * DOC: Shares
 *
 * A share has its own connection to the camera, so no program can change that connection. Each
 * open file of the node is a handle. While a handle streams, it has a reader. The buffers of a
 * handle are the frames themselves: buffer i is frame i for all handles. A handle gets a frame
 * only if it has queued the buffer.
 *
 * The camera has buffers while a handle has buffers, and runs while a handle streams.
 */

/**
 * DOC: Ownership of shares
 *
 * - The file of KSALLOC_SHARE has a reference to &ks_share.v4l2_dev, and so has the node. The
 *   V4L2 core keeps the node until its last file is closed. The share is freed after that.
 * - A share owns the file of its connection until the file of KSALLOC_SHARE is closed. The share
 *   keeps the structure of the connection and the V4L2 file of the camera until the share is
 *   freed: readers and control events of open handles use them.
 * - A handle owns its reader.
 */

/**
 * DOC: Locking of shares
 *
 * - Programs on the node take mutexes of the camera's driver only in VIDIOC_QBUF and VIDIOC_DQBUF,
 *   within ks_connection.lock, and only while no program is untrusted (see reader.h). All their
 *   other calls that need these mutexes, or those of the share, run in work items, with a copy of
 *   the argument. So neither the scheduler nor an access to user memory delays a task that has
 *   such a mutex.
 * - ks_share.lock, a mutex, protects the share. It is held while the camera starts, stops, or
 *   gets buffers, a format or a rate. ks_connection.lock nests within it. ks_share.ended,
 *   ks_share.users and ks_share.streams are written with WRITE_ONCE() and can be read without
 *   the lock.
 * - ks_share.event_lock, a mutex, is held while a handle subscribes to an event. Only relay_lock,
 *   and locks of the camera and of the V4L2 core, nest within it.
 * - ks_share.relay_lock, a mutex, is held while events are passed on. Its holder waits neither for
 *   the camera nor for user memory.
 * - ks_share_handle.nr_buffers, ks_share_handle.reader, ks_share.layout and ks_share.nr_frames are
 *   written with ks_share.lock and ks_feed.lock held, and read with one of them. The number of
 *   buffers and of planes can also be read without a lock, for a first check.
 *   ks_share_handle.queued is protected by ks_feed.lock. So VIDIOC_QBUF, VIDIOC_DQBUF,
 *   VIDIOC_QUERYBUF and poll() do not wait for other handles.
 * - mmap() and VIDIOC_EXPBUF take only a spinlock of the connection: mmap() is called under the
 *   lock of the address space.
 */
#ifndef _KSALLOC_SHARE_H
#define _KSALLOC_SHARE_H

#include <linux/bitmap.h>
#include <linux/ksalloc.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/videodev2.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>

#include "connection.h"

struct dma_buf;
struct ks_reader;
struct ks_v4l2_device;

/**
 * struct ks_share - a share
 * @v4l2_dev: counts references to the share
 * @link: in a list of shares, from ks_share_new() until the share is freed
 * @id: number of the share, for ks_share_put()
 * @vdev: the node
 * @handles: number of open files of the node
 * @camera: the camera, with a reference
 * @conn: the connection, with a reference to its structure
 * @file: the file of the connection
 * @program: the program that called KSALLOC_SHARE; dma-bufs have its name
 * @ask_wq: for ks_share_ask()
 * @change_wq: for ks_share_change(), and for the end of handles; runs one work item at a time
 * @close_wq: closes files of killed programs, which can wait for @change_wq. Not in a queue that
 *	others need: any number of programs can be killed. At most KS_SHARE_ASKS work items at a
 *	time, because kernel threads are charged to no user
 * @free_work: closes the file of the camera, and frees the share; in a queue that freezes
 * @lock: protects the fields down to @streams
 * @ended: the node is unregistered; written with WRITE_ONCE()
 * @asked: number of frames that the caller of KSALLOC_SHARE requested, or the default
 * @nr_frames: number of frames, while there are users
 * @layout: the planes of each frame, while there are users
 * @users: number of handles with buffers
 * @streams: number of handles that stream
 * @priorities: number of handles of each priority. Not those of the node, which the V4L2 core
 *	checks: with V4L2_PRIORITY_RECORD, a handle would keep the others from streaming
 * @event_lock: see above
 * @relay_lock: see above
 * @relays: events of controls are passed from the camera's file to the node; constant after
 *	ks_share_events_init()
 * @event_wait: on the wait queue of events of the camera's file; queues @event_work
 * @event_work: passes the events
 * @gone_wait: on the wait queue of the feed; queues @gone_work
 * @gone_work: ends the node when the camera has disappeared
 */
struct ks_share {
	struct v4l2_device v4l2_dev;
	struct list_head link;
	u32 id;
	struct video_device vdev;
	atomic_t handles;
	struct ks_v4l2_device *camera;
	struct ks_connection *conn;
	struct file *file;
	struct ks_program program;

	struct workqueue_struct *ask_wq;
	struct workqueue_struct *change_wq;
	struct workqueue_struct *close_wq;
	struct work_struct free_work;

	struct mutex lock; /* see above */
	bool ended;
	u32 asked;
	u32 nr_frames;
	struct ksalloc_planes layout;
	u32 users;
	u32 streams;

	struct v4l2_prio_state priorities;
	struct mutex event_lock; /* subscriptions of the camera's file */
	struct mutex relay_lock; /* the order of events */
	bool relays;
	wait_queue_entry_t event_wait;
	struct work_struct event_work;

	wait_queue_entry_t gone_wait;
	struct work_struct gone_work;
};

/**
 * struct ks_share_handle - an open file of the node
 * @fh: for the V4L2 core
 * @share: the share
 * @file: the open file
 * @opener: the process that opened it
 * @priority: see VIDIOC_S_PRIORITY
 * @depth: maximum number of frames of the reader
 * @nr_buffers: number of its buffers; 0 before VIDIOC_REQBUFS
 * @reader: gets the frames while the handle streams; otherwise NULL
 * @queued: buffers that it has queued and not dequeued yet
 */
struct ks_share_handle {
	struct v4l2_fh fh;
	struct ks_share *share;
	struct file *file;
	struct pid *opener;
	enum v4l2_priority priority;
	u32 depth;
	u32 nr_buffers;
	struct ks_reader *reader;
	DECLARE_BITMAP(queued, VIDEO_MAX_FRAME);
};

/**
 * struct ks_share_control - arguments of an ioctl for one control
 * @cmd: the ioctl
 * @arg: its argument
 * @arg.query: that of VIDIOC_QUERYCTRL
 * @arg.query_ext: that of VIDIOC_QUERY_EXT_CTRL
 * @arg.menu: that of VIDIOC_QUERYMENU
 * @arg.value: that of VIDIOC_G_CTRL and VIDIOC_S_CTRL
 */
struct ks_share_control {
	unsigned int cmd;
	union {
		struct v4l2_queryctrl query;
		struct v4l2_query_ext_ctrl query_ext;
		struct v4l2_querymenu menu;
		struct v4l2_control value;
	} arg;
};

/**
 * struct ks_share_ext_controls - arguments of an ioctl for several controls
 * @cmd: VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS or VIDIOC_TRY_EXT_CTRLS
 * @controls: the argument
 * @control: its array
 */
struct ks_share_ext_controls {
	unsigned int cmd;
	struct v4l2_ext_controls controls;
	struct v4l2_ext_control control[];
};

/* A call in a work item. The argument depends on the call */
typedef int ks_share_fn(struct ks_share_handle *handle, void *arg);

/*
 * Whether VIDIOC_DQBUF of a handle that streams could take one more frame. If not, the handle waits
 * until it queues a buffer, or until its limit rises. With ks_feed.lock
 */
static inline bool ks_share_has_room(const struct ks_share_handle *handle)
{
	return handle->reader->nr_taken < handle->reader->limit &&
	       !bitmap_empty(handle->queued, VIDEO_MAX_FRAME);
}

/* -EBUSY if another handle has a higher priority: this one must not change the camera */
static inline int ks_share_check_priority(const struct ks_share_handle *handle)
{
	return v4l2_prio_check(&handle->share->priorities, READ_ONCE(handle->priority));
}

/* share.c */

ks_share_fn ks_share_request, ks_share_start, ks_share_stop;

int ks_share_lock(struct ks_share *share);
void ks_share_end_reservation(struct ks_share *share);
void ks_share_close(struct ks_share_handle *handle);
int ks_share_describe(struct ks_share_handle *handle, struct v4l2_buffer *buffer);
int ks_share_queue(struct ks_share_handle *handle, struct v4l2_buffer *buffer);
int ks_share_dequeue(struct ks_share_handle *handle, struct v4l2_buffer *buffer,
		     bool nonblock);
struct dma_buf *ks_share_view(struct ks_share_handle *handle, u32 index, u32 plane);
void ks_share_show_programs(struct seq_file *m, struct ks_share *share);
void ks_share_end(struct ks_share *share);

/* share_call.c */

int ks_share_ask(struct ks_share_handle *handle, ks_share_fn *fn, void *arg, size_t size);
int ks_share_ask_with_memory(struct ks_share_handle *handle, ks_share_fn *fn, void *arg,
			     size_t size);
int ks_share_use_memory(void *arg);
void ks_share_unuse_memory(void *arg);
int ks_share_change(struct ks_share_handle *handle, ks_share_fn *fn, void *arg, size_t size);
void ks_share_close_and_wait(struct ks_share_handle *handle);
int ks_share_calls_init(struct ks_share *share);
void ks_share_calls_exit(struct ks_share *share);

/* share_camera.c */

ks_share_fn ks_share_enum_formats, ks_share_enum_sizes, ks_share_enum_intervals;
ks_share_fn ks_share_get_format, ks_share_try_format, ks_share_set_format;
ks_share_fn ks_share_get_parm, ks_share_set_parm, ks_share_get_input;
ks_share_fn ks_share_call_control, ks_share_call_ext_controls;
ks_share_fn ks_share_subscribe, ks_share_unsubscribe;

void ks_share_events_init(struct ks_share *share);
void ks_share_events_exit(struct ks_share *share);

/* share_node.c */

int ks_share_node_init(struct ks_share *share);
void ks_share_node_exit(struct ks_share *share);

/* share_file.c */

struct file *ks_share_open(int v4l2_fd, u32 frames, u32 *node);
int ks_shares_init(void);
void ks_shares_exit(void);

#endif /* _KSALLOC_SHARE_H */
