// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two concurrent calls to a USB camera. The driver of 6.12 takes a lock in each operation,
 * but releases it between two operations, such as QUERYBUF (are there buffers?) and REQBUFS.
 * Another call could call REQBUFS in between.
 *
 * The tests bring both calls to this point reliably. All operations take one lock of the
 * driver. TRY_FMT holds this lock until the camera responds. So a TRY_FMT is a gate: operations
 * that take the lock later wait for it. The order of lock requests is
 *
 *	gate, first call, gate, second call, gate
 *
 * so both calls have made their first operation when the last gate is reached. A task can
 * release a lock and take it again before a waiting task runs. To prevent this, all tasks run
 * on one processor, and the gates have the highest priority.
 */
#include "webcam.h"

#include <sched.h>
#include <unistd.h>

enum { FIRST, SECOND, CALLS };

#define GATES (CALLS + 1)
#define GATE_PRIORITY 30
#define CALL_PRIORITY 20

struct attempt {
	int fd;
	unsigned long request;
	void *arg;
	/* Result of the ioctl, or a negative errno */
	int result;
};

FIXTURE(uvc_together) {
	struct studio studio;
	struct rig *rig;
	struct try_format gates[GATES];
	struct call calls[CALLS];
	/* Not on the stack, because the calls continue if a test fails */
	struct ksalloc_create_allocator create[CALLS];
	struct ksalloc_set_state acquire[CALLS];
	struct attempt attempts[CALLS];
};

FIXTURE_SETUP(uvc_together)
{
	self->rig = &self->studio.rig;
	studio_set_up(&self->studio, NULL);
}

FIXTURE_TEARDOWN(uvc_together)
{
	studio_tear_down(&self->studio);
}

/* Sets the real-time priority, which new threads inherit. 0: none. */
static void set_priority(int priority)
{
	struct sched_param param = { .sched_priority = priority };
	cpu_set_t processor;

	CPU_ZERO(&processor);
	CPU_SET(0, &processor);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(processor), &processor));
	ASSERT_EQ(0, sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER,
					&param));
}

static void start_gate(struct uvc_together_fixture *self, int i)
{
	set_priority(GATE_PRIORITY);
	try_format_start(&self->gates[i], &self->studio.cam);
	call_waits(&self->gates[i].call);
}

/* The first call has the higher priority. */
static void start_call(struct uvc_together_fixture *self, int i)
{
	const struct attempt *attempt = &self->attempts[i];

	set_priority(CALL_PRIORITY - i);
	call_start(&self->calls[i], attempt->fd, attempt->request, attempt->arg);
	call_waits(&self->calls[i]);
}

/* Lets the camera respond to the requests of one TRY_FMT. */
static void open_gate(struct uvc_together_fixture *self, int i)
{
	struct call *call = &self->gates[i].call;

	while (!call->done) {
		webcam_tell(&self->studio.cam, "pass 1");
		ASSERT_TRUE(EVENTUALLY(call->done ||
				       webcam_waiting(&self->studio.cam)));
	}
	/* Each call waits for the next gate, or has returned: newer drivers use other locks. */
	call_waits(&self->calls[FIRST]);
	call_waits(&self->calls[SECOND]);
}

static void call_together(struct uvc_together_fixture *self)
{
	int i;

	webcam_tell(&self->studio.cam, "hang 1");
	for (i = 0; i < CALLS; i++) {
		start_gate(self, i);
		start_call(self, i);
	}
	start_gate(self, i);
	set_priority(0);
	for (i = 0; i < CALLS; i++)
		open_gate(self, i);
	webcam_tell(&self->studio.cam, "hang 0");
	for (i = 0; i < GATES; i++)
		try_format_end(&self->gates[i]);
	for (i = 0; i < CALLS; i++)
		self->attempts[i].result = call_result(&self->calls[i]);
}

/* Passes if one call succeeds and the other one fails with EBUSY. Returns the first. */
static int winner_of(const struct attempt *attempts)
{
	const int winner = attempts[FIRST].result < 0;

	EXPECT_LE(0, attempts[winner].result);
	EXPECT_EQ(-EBUSY, attempts[!winner].result);
	return winner;
}

static void attempt_own_memory(struct uvc_together_fixture *self, int i, int connection)
{
	self->create[i] = (struct ksalloc_create_allocator){
		.size = sizeof(self->create[i]),
		.heap_fd = -1,
		.framing = { .frames = WEBCAM_FRAMES },
	};
	self->attempts[i] = (struct attempt){
		connection, KSALLOC_CREATE_ALLOCATOR, &self->create[i], 0
	};
}

static void attempt_acquire(struct uvc_together_fixture *self, int i, int connection)
{
	self->acquire[i] = (struct ksalloc_set_state){
		.size = sizeof(self->acquire[i]),
		.state = KSSTATE_ACQUIRE,
	};
	self->attempts[i] = (struct attempt){
		connection, KSALLOC_SET_STATE, &self->acquire[i], 0
	};
}

/* Connects, and removes the reservation of the camera for the file that set the format. */
static void connect_without_reservation(struct uvc_together_fixture *self)
{
	struct v4l2_requestbuffers none = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	studio_connect(&self->studio, 320, 180, 30);
	ASSERT_EQ(0, call_fd(self->rig->video, VIDIOC_REQBUFS, &none));
}

/* Only one allocator can use the camera's own memory. */
TEST_F(uvc_together, own_memory)
{
	int winner;

	connect_without_reservation(self);
	attempt_own_memory(self, FIRST, self->rig->connection);
	attempt_own_memory(self, SECOND, self->rig->connection);
	call_together(self);
	winner = winner_of(self->attempts);
	close(self->attempts[winner].result);
	studio_allocate(&self->studio, self->rig->heap);
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2);
}

/* The camera uses its own memory or memory of a heap. The later call changes nothing. */
static void expect_own_memory_or_heap(struct uvc_together_fixture *self, int own)
{
	int winner;

	connect_without_reservation(self);
	studio_allocate(&self->studio, self->rig->heap);
	attempt_own_memory(self, own, self->rig->connection);
	attempt_acquire(self, !own, self->rig->connection);
	call_together(self);
	winner = winner_of(self->attempts);
	if (winner == own) {
		EXPECT_EQ(-EBUSY, set_state(self->rig->connection, KSSTATE_ACQUIRE));
		close(self->attempts[winner].result);
	}
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2 * WEBCAM_FRAMES);
	EXPECT_EQ(0, set_state(self->rig->connection, KSSTATE_STOP));
}

TEST_F(uvc_together, own_memory_before_heap)
{
	expect_own_memory_or_heap(self, FIRST);
}

TEST_F(uvc_together, own_memory_after_heap)
{
	expect_own_memory_or_heap(self, SECOND);
}

/*
 * Two connections are made from the file that set the format. The driver of 6.12 reserves the
 * camera for this file. Both connections release the reservation. Only one gets the camera, and
 * the other one does not take it away.
 */
TEST_F(uvc_together, reserved_for_the_caller)
{
	int winner, connections[CALLS];

	need_heap();
	studio_connect(&self->studio, 320, 180, 30);
	studio_allocate(&self->studio, self->rig->heap);
	connections[FIRST] = self->rig->connection;
	connections[SECOND] = do_connect(self->rig->ksalloc, self->rig->video);
	ASSERT_LE(0, connections[SECOND]);
	ASSERT_EQ(0, set_allocator(connections[SECOND], self->rig->allocator));
	attempt_acquire(self, FIRST, connections[FIRST]);
	attempt_acquire(self, SECOND, connections[SECOND]);
	call_together(self);
	winner = winner_of(self->attempts);

	self->rig->connection = connections[winner];
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2 * WEBCAM_FRAMES);
	EXPECT_EQ(0, set_state(self->rig->connection, KSSTATE_STOP));
	close(connections[!winner]);
	EXPECT_EQ(0, webcam_set_mode(self->rig->video, V4L2_PIX_FMT_YUYV, 640, 360, 15));
}
