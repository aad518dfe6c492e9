// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every failure: each ioctl is made to fail at its first point of failure, then
 * at its second, and so on until it comes through untouched. After each failure
 * the error is a right one, and all is as it was before the call (A4).
 *
 * Here are the operations, each of which is a test: what is special to it. operation.h
 * says what it may say, and inject.h what a point of failure is. A test of its own sees
 * that no ioctl of ioctls.def is without an operation.
 */
#include "operation.h"

#include <sys/eventfd.h>
#include <unistd.h>

FIXTURE_SETUP(faults)
{
	if (!inject_is_possible())
		SKIP("the kernel injects no failures");
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->second = create_allocator(self->rig.connection, self->rig.heap,
					FRAMES, 0);
	ASSERT_LE(0, self->second);
	self->video = open_camera(1);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	self->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->eventfd);
	self->index = -1;
	self->dmabuf = -1;
}

FIXTURE_TEARDOWN(faults)
{
	if (inject_is_possible())
		inject_tear_down();
	if (self->eventfd > 0)
		close(self->eventfd);
	if (self->second > 0)
		close(self->second);
	if (self->video > 0)
		close(self->video);
	rig_close(&self->rig);
}

static void undo_descriptor(struct faults_fixture *self, int fd)
{
	(void)self;
	close(fd);
}

/* A4: CONNECT leaves no connection and no hold on the V4L2 file where it fails. */
OPERATION(connect) = {
	CALLS(CONNECT, connect),
	.undo = undo_descriptor,
	.points = { [SLAB] = 5, [COPY] = 1 },
};

/* A4: GET_FRAMING fails only where its argument cannot be copied. */
OPERATION(get_framing) = {
	CALLS(GET_FRAMING, get_framing),
	.points = { [COPY] = 2 },
};

/* A4: it is the same with GET_FRAMING_EX, which has an answer in two parts besides. */
OPERATION(get_framing_ex) = {
	CALLS(GET_FRAMING_EX, get_framing_ex),
	.points = { [COPY] = 4 },
};

/*
 * A4: CREATE_ALLOCATOR keeps no frame, descriptor or address space, whichever frame
 * it fails at. A file that cannot copy what it has been asked as a heap is
 * taken for none: EINVAL.
 */
OPERATION(create_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
	      .framing.frames = FRAMES),
	.undo = undo_descriptor,
	.also_copy = EINVAL,
	.points = { [SLAB] = 30, [PAGES] = 6, [COPY] = 1 + 2 * FRAMES },
};

/*
 * A4, A9: CREATE_ALLOCATOR of the device's own memory keeps none of its buffers
 * either: if it did, the device would be busy for the next one. videobuf2 says EINVAL
 * for whatever dma-buf it cannot make, and the module has to take that for memory that
 * no process may have. It fails at no pages of the buffers themselves: the kernel would
 * complain of that in its log, and a buffer's first allocation has the same way back.
 */
OPERATION(create_own_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.frames = FRAMES),
	.use = "own memory",
	.undo = undo_descriptor,
	.also = EOPNOTSUPP,
	.except = "vmalloc_user",
	.points = { [SLAB] = 20, [COPY] = 1 },
};

static void undo_set_allocator(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
}

/* A4: SET_ALLOCATOR that fails leaves the allocator that was assigned. */
OPERATION(set_allocator) = {
	CALLS(SET_ALLOCATOR, set_allocator),
	.undo = undo_set_allocator,
	.points = { [COPY] = 1 },
};

/* What SET_STATE is told; the state before is .state. */
#define SET_STATE(to) CALLS(SET_STATE, set_state, .state = KSSTATE_##to)

/*
 * videobuf2 makes as many buffers as it can, and the module has to take that for
 * a device that has not more.
 */
#define ACQUIRE_ERROR EOPNOTSUPP

/* A4, I1: STOP to ACQUIRE that fails leaves the device to others. */
OPERATION(stop_to_acquire) = {
	SET_STATE(ACQUIRE),
	.use = "STOP to ACQUIRE",
	.also = ACQUIRE_ERROR,
	.points = { [SLAB] = 8, [COPY] = 1 },
};

/* A4, I1: ACQUIRE to PAUSE needs nothing, and so fails for EFAULT only. */
OPERATION(acquire_to_pause) = {
	SET_STATE(PAUSE),
	.use = "ACQUIRE to PAUSE",
	.state = KSSTATE_ACQUIRE,
	.points = { [COPY] = 1 },
};

/* A4, I1: PAUSE to RUN that fails leaves the frames submitted. */
OPERATION(pause_to_run) = {
	SET_STATE(RUN),
	.use = "PAUSE to RUN",
	.state = KSSTATE_PAUSE,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* In PAUSE, with frames that the device has had before and is to have again */
static void prepare_resume(struct faults_fixture *self)
{
	operation_prepare_state(self, KSSTATE_RUN);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
}

/* A4, I1: so does it after RUN, when frames wait in front of the device's queue. */
OPERATION(pause_to_run_again) = {
	SET_STATE(RUN),
	.use = "RUN to PAUSE to RUN",
	.prepare = prepare_resume,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* A4, I1: STOP to RUN that fails at any step walks back to STOP. */
OPERATION(stop_to_run) = {
	SET_STATE(RUN),
	.use = "STOP to RUN",
	.also = ACQUIRE_ERROR,
	.points = { [SLAB] = 9, [COPY] = 1 },
};

/* A4, I1: the way down succeeds with whatever failure, but for EFAULT: one step, */
OPERATION(run_to_pause) = {
	SET_STATE(PAUSE),
	.use = "RUN to PAUSE",
	.state = KSSTATE_RUN,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: the next, */
OPERATION(pause_to_acquire) = {
	SET_STATE(ACQUIRE),
	.use = "PAUSE to ACQUIRE",
	.state = KSSTATE_PAUSE,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: the last, */
OPERATION(acquire_to_stop) = {
	SET_STATE(STOP),
	.use = "ACQUIRE to STOP",
	.state = KSSTATE_ACQUIRE,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: and all of them at once. */
OPERATION(run_to_stop) = {
	SET_STATE(STOP),
	.use = "RUN to STOP",
	.state = KSSTATE_RUN,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4: GET_STATE fails only where its argument cannot be copied. */
OPERATION(get_state) = {
	CALLS(GET_STATE, get_state),
	.state = KSSTATE_RUN,
	.points = { [COPY] = 2 },
};

#define RESET_STATE(what) \
	CALLS(RESET_STATE, reset_state, .reset = KSRESET_##what)

static void undo_begin_flush(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, reset_state(self->rig.connection, KSRESET_END));
}

/* A4, I5: the begin of a flush is a way down too, and fails for EFAULT only. */
OPERATION(begin_flush) = {
	RESET_STATE(BEGIN),
	.use = "BEGIN",
	.state = KSSTATE_RUN,
	.undo = undo_begin_flush,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

static void prepare_flush(struct faults_fixture *self)
{
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(0, reset_state(self->rig.connection, KSRESET_BEGIN));
}

/* A4, I5: where the device does not run again after a flush, the flush goes on. */
OPERATION(end_flush) = {
	RESET_STATE(END),
	.use = "END",
	.prepare = prepare_flush,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* All frames are submitted but one, which the test has. */
static void prepare_frame(struct faults_fixture *self)
{
	struct ksalloc_status status = { 0 };
	int index;

	ASSERT_EQ(0, get_status(self->rig.allocator, &status));
	if (status.in_device == FRAMES - 1 && self->index >= 0)
		return;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	for (index = 0; index < FRAMES; index++)
		free_frame(self->rig.allocator, index);
	ASSERT_EQ(0, set_state(self->rig.connection, self->op->state));
	self->index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->index);
	ASSERT_EQ(FRAMES - 1, rig_submit_all(&self->rig));
}

/* The same, and a descriptor of it */
static void prepare_frame_and_descriptor(struct faults_fixture *self)
{
	int before = self->index;

	prepare_frame(self);
	if (self->dmabuf >= 0 && before == self->index)
		return;
	if (self->dmabuf >= 0)
		close(self->dmabuf);
	self->dmabuf = export_frame(self->rig.allocator, self->index);
	ASSERT_LE(0, self->dmabuf);
}

static void undo_submit(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	self->index = -1;
	if (self->dmabuf >= 0)
		close(self->dmabuf);
	self->dmabuf = -1;
}

/* A4: SUBMIT that fails leaves the frame to its holder. */
OPERATION(submit) = {
	CALLS(SUBMIT, submit),
	.prepare = prepare_frame_and_descriptor,
	.state = KSSTATE_PAUSE,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

/* A4: it is the same while the device runs. */
OPERATION(submit_in_run) = {
	CALLS(SUBMIT, submit),
	.use = "in RUN",
	.prepare = prepare_frame_and_descriptor,
	.state = KSSTATE_RUN,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

/* A4: it is the same where the kernel's thread queues the frame. */
OPERATION(submit_by_thread) = {
	CALLS(SUBMIT, submit),
	.use = "without a descriptor",
	.prepare = prepare_frame,
	.state = KSSTATE_RUN,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

static void prepare_filled(struct faults_fixture *self)
{
	operation_prepare_state(self, KSSTATE_RUN);
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) & POLLIN);
}

static void undo_complete(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, submit(self->rig.connection, self->arg.complete.index));
}

/*
 * A4: COMPLETE that fails leaves the filled frame for the next COMPLETE. Where its answer
 * cannot be written at first, it is written once more.
 */
OPERATION(complete) = {
	CALLS(COMPLETE, complete),
	.answers_again = true,
	.prepare = prepare_filled,
	.undo = undo_complete,
	.points = { [COPY] = 2 },
};

/* Nothing is filled: the device has begun just now. */
static void prepare_unfilled(struct faults_fixture *self)
{
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	operation_prepare_state(self, KSSTATE_RUN);
}

/* A4: it is the same where COMPLETE has to wait. */
OPERATION(complete_waiting) = {
	CALLS(COMPLETE, complete),
	.use = "that waits",
	.answers_again = true,
	.prepare = prepare_unfilled,
	.undo = undo_complete,
	.points = { [COPY] = 2 },
};

static void undo_alloc(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	if (self->arg.head.flags & KSALLOC_ALLOC_DMABUF)
		ASSERT_EQ(0, close(self->arg.alloc.dmabuf_fd));
	ASSERT_EQ(0, free_frame(self->rig.allocator, self->arg.alloc.index));
}

/* A4: ALLOC that fails takes no frame. */
OPERATION(alloc) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_NONBLOCK),
	.undo = undo_alloc,
	.points = { [COPY] = 2 },
};

/* A4: ALLOC with a descriptor takes neither frame nor descriptor where it fails. */
OPERATION(alloc_dmabuf) = {
	CALLS(ALLOC, alloc,
	      .flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF),
	.use = "with DMABUF",
	.undo = undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

/* Frees a frame once somebody waits for it. */
struct giver {
	int allocator;
	atomic_bool stop;
	bool gave;
};

static void *give(void *data)
{
	struct giver *giver = data;

	while (!giver->stop && waiters(giver->allocator) < 1)
		sleep_ms(1);
	giver->gave = waiters(giver->allocator) == 1 &&
		      !free_frame(giver->allocator, 0);
	return NULL;
}

static void prepare_none_free(struct faults_fixture *self)
{
	while (alloc_now(self->rig.allocator) >= 0)
		;
	ASSERT_EQ(FRAMES, allocated(self->rig.allocator));
}

/* A frame that was given and not taken must be free: it is taken here. */
static int run_alloc_waiting(struct faults_fixture *self)
{
	struct giver giver = { .allocator = self->rig.allocator };
	pthread_t thread;
	int result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, give, &giver));
	result = operation_ioctl(self);
	atomic_store(&giver.stop, true);
	pthread_join(thread, NULL);
	if (result < 0 && giver.gave)
		EXPECT_EQ(0, alloc_now(self->rig.allocator));
	return result;
}

/* A4: ALLOC that waited and fails gives the frame back that it was given. */
OPERATION(alloc_waiting) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_ALLOC_DMABUF),
	.use = "that waits",
	.prepare = prepare_none_free,
	.run = run_alloc_waiting,
	.undo = undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

static void prepare_allocated(struct faults_fixture *self)
{
	if (!allocated(self->rig.allocator))
		self->index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->index);
}

/* A4: FREE that fails leaves the frame allocated. */
OPERATION(free) = {
	CALLS(FREE, free),
	.prepare = prepare_allocated,
	.points = { [COPY] = 1 },
};

/* A4: EXPORT that fails leaves no descriptor and no reference. */
OPERATION(export) = {
	CALLS(EXPORT, export, .index = 1),
	.undo = undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: STATUS fails only where its argument cannot be copied. */
OPERATION(status) = {
	CALLS(STATUS, status),
	.points = { [COPY] = 2 },
};

/* A4: so does STATUS_EX. */
OPERATION(status_ex) = {
	CALLS(STATUS_EX, status_ex),
	.points = { [COPY] = 2 },
};

static void undo_enable_event(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, disable_event(self->rig.allocator,
				   self->arg.enable_event.id));
}

/*
 * A4, E1: ENABLE_EVENT that fails leaves no event, and the eventfd to the next one,
 * which would be refused (EBUSY) if one were there.
 */
OPERATION(enable_event) = {
	CALLS(ENABLE_EVENT, enable_event,
	      .event = KSEVENT_STREAMALLOCATOR_FREEFRAME),
	.undo = undo_enable_event,
	.points = { [SLAB] = 1, [COPY] = 2 },
};

static void prepare_event(struct faults_fixture *self)
{
	if (self->index >= 0)
		return;
	self->index = enable_event(self->rig.allocator, 0, self->eventfd);
	ASSERT_LT(0, self->index);
}

static void undo_disable_event(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	self->index = -1;
}

/* A4, E1: DISABLE_EVENT that fails leaves the event enabled. */
OPERATION(disable_event) = {
	CALLS(DISABLE_EVENT, disable_event),
	.prepare = prepare_event,
	.undo = undo_disable_event,
	.points = { [COPY] = 1 },
};

/* A4: CONNECTION_OPEN that fails leaves no open file. */
OPERATION(connection_open) = {
	CALLS(CONNECTION_OPEN, connection_open),
	.undo = undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: so does ALLOCATOR_OPEN. */
OPERATION(allocator_open) = {
	CALLS(ALLOCATOR_OPEN, allocator_open),
	.undo = undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: the cancels fail only where their arguments cannot be copied: */
OPERATION(connection_cancel) = {
	CALLS(CONNECTION_CANCEL, connection_cancel),
	.state = KSSTATE_RUN,
	.points = { [COPY] = 1 },
};

/* A4: this one as well. */
OPERATION(allocator_cancel) = {
	CALLS(ALLOCATOR_CANCEL, allocator_cancel),
	.points = { [COPY] = 1 },
};

/* The other camera's connection, running with the second allocator's frames */
static void prepare_running(struct faults_fixture *self)
{
	int index;

	self->index = do_connect(self->rig.ksalloc, self->video);
	ASSERT_LE(0, self->index);
	ASSERT_EQ(0, set_allocator(self->index, self->second));
	ASSERT_EQ(0, set_state(self->index, KSSTATE_RUN));
	while ((index = alloc_now(self->second)) >= 0)
		ASSERT_EQ(0, submit(self->index, index));
}

static int run_close(struct faults_fixture *self)
{
	return close(self->index) ? -errno : 0;
}

static void undo_close(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	EXPECT_TRUE(EVENTUALLY(allocated(self->second) == 0));
}

/*
 * I1: the end of a connection is no ioctl, and nobody could be told of a failure
 * either: all frames come back whatever fails.
 */
OPERATION(close) = {
	.use = "in RUN",
	.prepare = prepare_running,
	.run = run_close,
	.undo = undo_close,
	.never_fails = true,
};

/* A4: there is an operation above for each ioctl, on any kernel. */
TEST(every_ioctl)
{
	const struct ioctl_entry *ioctl;

	for_each_ioctl(ioctl)
		if (!EXPECT_TRUE(operation_exists(ioctl)))
			harness_note("%s has no operation", ioctl->name);
}

/* A4: the tests above together have made each ioctl fail, and how often is said. */
TEST(total)
{
	unsigned int sum = tally->injected[SLAB] + tally->injected[PAGES] +
			   tally->injected[COPY];

	if (!tally->operations)
		SKIP("no failure was injected");
	harness_note("%u operations: %u failures injected", tally->operations,
		     sum);
	harness_note("%u of slab, %u of pages, %u of copies; %u calls failed",
		     tally->injected[SLAB], tally->injected[PAGES],
		     tally->injected[COPY], tally->failed);
	EXPECT_LE(tally->operations - 1, sum);
	EXPECT_LT(0, tally->failed);
}
