/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares: a second V4L2 node for a camera, from which many programs stream.
 *
 * Layers, from top to bottom: share_file (the start and the end of a share); share_node (V4L2
 * operations); share (the object, and what its handles have); connection, feed and reader.
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
 * - ks_share.lock, a mutex, protects the share. It is held while the camera starts, stops, or
 *   gets buffers, a format or a rate. ks_connection.lock nests within it. No user memory is
 *   accessed under it, because a program can delay the access forever. ks_share.ended,
 *   ks_share.users, ks_share.streams and ks_share_handle.nr_buffers are written with WRITE_ONCE()
 *   and can be read without the lock.
 * - ks_share.event_lock, a mutex, is held while a handle subscribes to an event. Only relay_lock,
 *   and locks of the camera and of the V4L2 core, nest within it. No user memory is accessed under
 *   it, either.
 * - ks_share.relay_lock, a mutex, is held while events are passed on. Nobody waits under it.
 * - ks_share_handle.nr_buffers, ks_share_handle.reader, ks_share.layout and ks_share.nr_frames are
 *   written with ks_share.lock and ks_feed.lock held, and read with one of them.
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

struct dma_buf;
struct ks_connection;
struct ks_reader;
struct ks_v4l2_device;

/**
 * struct ks_share - a share
 * @v4l2_dev: counts references to the share
 * @link: in the list of shares, from ks_share_new() until the share is freed
 * @vdev: the node
 * @camera: the camera, with a reference
 * @conn: the connection, with a reference to its structure
 * @file: the file of the connection
 * @lock: protects the fields down to @streams
 * @ended: the node is unregistered; written with WRITE_ONCE()
 * @asked: number of frames that the caller of KSALLOC_SHARE requested, or the default
 * @nr_frames: number of frames, while there are users
 * @layout: the planes of each frame, while there are users
 * @users: number of handles with buffers
 * @streams: number of handles that stream
 * @event_lock: see above
 * @relay_lock: see above
 * @relays: events of controls are passed from the camera's file to the node; constant after
 *	ks_share_node_init()
 * @event_wait: on the wait queue of events of the camera's file; queues @event_work
 * @event_work: passes the events
 * @gone_wait: on the wait queue of the feed; queues @gone_work
 * @gone_work: ends the node when the camera has disappeared
 */
struct ks_share {
	struct v4l2_device v4l2_dev;
	struct list_head link;
	struct video_device vdev;
	struct ks_v4l2_device *camera;
	struct ks_connection *conn;
	struct file *file;

	struct mutex lock; /* see above */
	bool ended;
	u32 asked;
	u32 nr_frames;
	struct ksalloc_planes layout;
	u32 users;
	u32 streams;

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
 * @depth: number of frames that it can have
 * @nr_buffers: number of its buffers; 0 before VIDIOC_REQBUFS
 * @reader: gets the frames while the handle streams; otherwise NULL
 * @queued: buffers that it has queued and not dequeued yet
 */
struct ks_share_handle {
	struct v4l2_fh fh;
	struct ks_share *share;
	u32 depth;
	u32 nr_buffers;
	struct ks_reader *reader;
	DECLARE_BITMAP(queued, VIDEO_MAX_FRAME);
};

/* share.c */

int ks_share_lock(struct ks_share *share);
int ks_share_request(struct ks_share_handle *handle, u32 count);
void ks_share_end_reservation(struct ks_share *share);
int ks_share_start(struct ks_share_handle *handle);
int ks_share_stop(struct ks_share_handle *handle);
void ks_share_close(struct ks_share_handle *handle);
int ks_share_describe(struct ks_share_handle *handle, struct v4l2_buffer *buffer);
int ks_share_queue(struct ks_share_handle *handle, u32 index);
int ks_share_dequeue(struct ks_share_handle *handle, struct v4l2_buffer *buffer,
		     bool nonblock);
struct dma_buf *ks_share_view(struct ks_share_handle *handle, u32 index, u32 plane);
void ks_share_end(struct ks_share *share);

/* share_node.c */

int ks_share_node_init(struct ks_share *share);
void ks_share_node_exit(struct ks_share *share);

/* share_file.c */

struct file *ks_share_open(int v4l2_fd, u32 frames, u32 *node);

#endif /* _KSALLOC_SHARE_H */
