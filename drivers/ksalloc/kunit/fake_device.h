/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fake device: it records its calls, fails when a test requests it, and fills frames when
 * a test requests it.
 */
#ifndef _KS_FAKE_DEVICE_H
#define _KS_FAKE_DEVICE_H

#include "ks_test.h"

/*
 * The recorded calls of &struct ksalloc_device_ops. gone, ready and show are not recorded,
 * because they have no effect.
 */
enum ks_fake_op {
	KS_FAKE_GET_FRAMING,
	KS_FAKE_ACQUIRE,
	KS_FAKE_RELEASE,
	KS_FAKE_QUEUE,
	KS_FAKE_DEQUEUE,
	KS_FAKE_RUN,
	KS_FAKE_STOP,
	KS_FAKE_WATCH,
	KS_FAKE_UNWATCH,
	KS_FAKE_DESTROY,
};

/* Maximum number of calls between two ks_fake_forget() */
#define KS_FAKE_CALLS 64

/* The same as text */
#define KS_FAKE_TEXT 512

/**
 * struct ks_fake_hw - state of the hardware of a real device
 * @acquired: its buffers are the frames of an allocator
 * @running: it streams
 * @queued: frames to fill, in order
 * @n_queued: length of @queued
 * @filled: frames that it has filled, in order
 * @n_filled: length of @filled
 */
struct ks_fake_hw {
	bool acquired;
	bool running;
	u32 queued[KS_TEST_FRAMES];
	u32 n_queued;
	struct ksalloc_completion filled[KS_TEST_FRAMES];
	u32 n_filled;
};

/**
 * struct ks_fake_gate - blocks the device in a call
 * @op: the call
 * @reached: the device is in that call
 * @open: the call may continue
 */
struct ks_fake_gate {
	enum ks_fake_op op;
	struct completion reached;
	struct completion open;
};

/**
 * struct ks_fake - a fake device
 * @device: what the connection knows
 * @own_ops: operations of a device with its own memory
 * @lock: protects all that follows
 * @framing: its requirements
 * @planes: the planes that it needs; zero for one of the frame size
 * @alloc: the allocator of its frames, while acquired
 * @hw: the device
 * @dmabuf_fd: the descriptor of the last queue
 * @queued_by: the task that made it
 * @dequeued_by: the task that dequeued the last frame
 * @sequence: sequence number of the next frame to be filled
 * @gone: the device has disappeared
 * @maps: it writes with the CPU, and maps its frames while acquired
 * @watched: the connection receives notifications
 * @stuck: a stop has failed
 * @destroyed: the device was destroyed
 * @misuse: the first call that violates the rules for devices; NULL if there was none
 * @ops: the calls since ks_fake_forget(), the first KS_FAKE_CALLS of them
 * @frame: the frame of each queue call
 * @n_calls: number of calls
 * @fail_in: which of the next calls that can fail does so: 1 is the next, 0 none. Calls of
 *	stop are not counted
 * @error: errno of that call
 * @failed: the call that failed
 * @stop_error: errno of stop; 0 if it does not fail
 * @on_call: called at the beginning of each call that can fail, and of stop
 * @on_call_data: its argument
 * @on_ready: called by ->ready(); may be NULL. Not protected by @lock
 * @gate: argument of ks_fake_close_gate()
 */
struct ks_fake {
	struct ksalloc_device device;
	struct ksalloc_device_ops own_ops;
	spinlock_t lock; /* the device, and the record */
	struct ksallocator_framing framing;
	struct ksalloc_planes planes;
	const struct ks_allocator *alloc;
	struct ks_fake_hw hw;
	int dmabuf_fd;
	const struct task_struct *queued_by;
	const struct task_struct *dequeued_by;
	u32 sequence;
	bool gone;
	bool maps;
	bool watched;
	bool stuck;
	bool destroyed;
	const char *misuse;

	enum ks_fake_op ops[KS_FAKE_CALLS];
	u32 frame[KS_FAKE_CALLS];
	u32 n_calls;

	u32 fail_in;
	int error;
	enum ks_fake_op failed;
	int stop_error;

	void (*on_call)(struct ks_fake *fake, enum ks_fake_op op, void *data);
	void *on_call_data;
	void (*on_ready)(struct ks_fake *fake);
	struct ks_fake_gate gate;
};

/* Number of bytes that the device fills in, in a frame of a page or more */
static inline u32 ks_fake_bytes(u32 sequence)
{
	return sequence % PAGE_SIZE + 1;
}

void ks_fake_close_gate(struct ks_fake *fake, enum ks_fake_op op);
bool ks_fake_wait_at_gate(struct ks_fake *fake);
void ks_fake_open_gate(struct ks_fake *fake);

struct ks_fake *ks_fake_create(struct kunit *test);
void ks_fake_own_memory(struct ks_fake *fake);
void ks_fake_forget(struct ks_fake *fake);
void ks_fake_fail(struct ks_fake *fake, u32 in, int error);
void ks_fake_fail_stop(struct ks_fake *fake, int error);
const char *ks_fake_calls(struct ks_fake *fake, char *text);
void ks_fake_look(struct ks_fake *fake, struct ks_fake_hw *hw);
bool ks_fake_fill(struct ks_fake *fake);
void ks_fake_fill_as(struct ks_fake *fake, const struct ksalloc_completion *completion);
void ks_fake_vanish(struct ks_fake *fake);

/**
 * struct ks_rig - a connection to a fake device, with an allocator
 * @test: the test
 * @allocator: an open file of the allocator
 * @alloc: the allocator
 * @file: an open file of the connection; NULL when the test has released it
 * @conn: the connection
 * @fake: its device
 * @owner: the client of all calls: the open file of the connection
 */
struct ks_rig {
	struct kunit *test;
	struct file *allocator;
	struct ks_allocator *alloc;
	struct file *file;
	struct ks_connection *conn;
	struct ks_fake *fake;
	struct ks_owner *owner;
};

struct ks_rig *ks_rig_create(struct kunit *test, u32 frames);
struct ks_rig *ks_rig_create_on(struct kunit *test, struct file *allocator);
struct file *ks_rig_open(struct ks_rig *rig);
void ks_rig_close(struct ks_rig *rig, struct file *file);
void ks_rig_release(struct ks_rig *rig);
void ks_rig_end(struct ks_rig *rig);

void ks_rig_request(struct ks_rig *rig, enum ksstate state);
u32 ks_rig_alloc(struct ks_rig *rig);
u32 ks_rig_submit(struct ks_rig *rig);
int ks_rig_read(struct ks_rig *rig, struct ksalloc_complete *complete);
enum ksstate ks_rig_state(struct ks_rig *rig);
u32 ks_rig_submitted(struct ks_rig *rig, u32 *order);
u32 ks_rig_done(struct ks_rig *rig, u32 *order);

void ks_rig_expect_calls(struct ks_rig *rig, const char *expected);

#endif /* _KS_FAKE_DEVICE_H */
