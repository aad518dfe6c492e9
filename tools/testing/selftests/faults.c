// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection: each ioctl fails at its first point of failure, then at its second,
 * and so on until it succeeds. After each failure the errno must be an expected one, and
 * everything must be as before the call (A4).
 *
 * This file has the operations, each of which is a test, with their special properties.
 * operation.h describes the fields, and inject.h the points of failure. A separate test
 * checks that each ioctl of ioctls.def has an operation.
 */
#include "operation.h"

#include <sys/eventfd.h>
#include <unistd.h>

FIXTURE_SETUP(faults)
{
	operation_set_up(self);
	self->second = create_allocator(self->rig.connection, self->rig.heap,
					FRAMES, 0);
	ASSERT_LE(0, self->second);
	self->video = open_camera(1);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	self->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->eventfd);
}

FIXTURE_TEARDOWN(faults)
{
	operation_tear_down(self);
}

/* A4: CONNECT that fails keeps no connection and no reference to the V4L2 file. */
OPERATION(connect) = {
	CALLS(CONNECT, connect),
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 5, [COPY] = 1 },
};

/*
 * A4: SHARE that fails keeps no node, connection or reference to the V4L2 file. If the V4L2 core
 * cannot allocate the name of the node, its error is EINVAL. If device_register() fails, the core
 * leaks the name before 6.15.
 */
OPERATION(share) = {
	CALLS(SHARE, share),
	.undo = operation_undo_descriptor,
	.also = EINVAL,
	.except = "device_register",
	.points = { [SLAB] = 8, [COPY] = 2 },
};

/* A4: GET_FRAMING fails only if its argument cannot be copied. */
OPERATION(get_framing) = {
	CALLS(GET_FRAMING, get_framing),
	.points = { [COPY] = 2 },
};

/* A4: the same for GET_FRAMING_EX, whose answer has two parts. */
OPERATION(get_framing_ex) = {
	CALLS(GET_FRAMING_EX, get_framing_ex),
	.points = { [COPY] = 4 },
};

/*
 * A4: CREATE_ALLOCATOR keeps no frame, descriptor or address space, at whichever frame it
 * fails. If the heap cannot copy its argument, the file does not count as a heap: EINVAL.
 */
OPERATION(create_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
	      .framing.frames = FRAMES),
	.undo = operation_undo_descriptor,
	.also_copy = EINVAL,
	.points = { [SLAB] = 30, [PAGES] = 6, [COPY] = 1 + 2 * FRAMES },
};

/*
 * A4, A9: CREATE_ALLOCATOR of the device's own memory keeps none of its buffers: otherwise
 * the device would be busy for the next call. videobuf2 returns EINVAL for any dma-buf that
 * it cannot make, and the module takes that for memory that cannot be exported. Allocations
 * of pages for the buffers themselves do not fail, because the kernel would log a warning.
 * The first allocation of a buffer has the same error path.
 */
OPERATION(create_own_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.frames = FRAMES),
	.use = "own memory",
	.undo = operation_undo_descriptor,
	.also = EOPNOTSUPP,
	.except = "vmalloc_user",
	.points = { [SLAB] = 20, [COPY] = 1 },
};

/* Uses the dma-bufs of another allocator, because these need no other device */
static void prepare_import(struct faults_fixture *self)
{
	int i;

	for (i = 0; i < FRAMES && !self->imported[i]; i++) {
		self->imported[i] = export_frame(self->rig.allocator, i);
		ASSERT_LE(0, self->imported[i]);
	}
}

static int import_allocator(struct faults_fixture *self)
{
	return import_dmabufs(self->rig.connection, self->imported, FRAMES);
}

/* A4: the same with dma-bufs of the caller: no reference to a dma-buf is kept. */
OPERATION(import_allocator) = {
	.ioctl = &ioctls[IOCTL_CREATE_ALLOCATOR],
	.use = "import",
	.prepare = prepare_import,
	.run = import_allocator,
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 6, [COPY] = 2 },
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

/* The state that SET_STATE requests; the state before the call is .state */
#define SET_STATE(to) CALLS(SET_STATE, set_state, .state = KSSTATE_##to)

/*
 * videobuf2 makes as many buffers as it can. The module takes that for a device that cannot
 * have more.
 */
#define ACQUIRE_ERROR EOPNOTSUPP

/*
 * Leaves STOP. If a failure prevents that, there is a reason, unless the call had no argument. It
 * is not the memory of a frame: another thread maps the frames, and nothing fails there.
 */
static int leave_stop(struct faults_fixture *self)
{
	struct ksalloc_get_state state = { .size = sizeof(state) };
	int result = operation_ioctl(self);

	if (result < 0 && result != -EFAULT) {
		ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_GET_STATE, &state));
		EXPECT_NE(KSALLOC_REFUSAL_NONE, state.refusal);
		EXPECT_NE(KSALLOC_REFUSAL_MAP, state.refusal);
	}
	return result;
}

/* A4, I1: after a failure from STOP to ACQUIRE the device is free for other files. */
OPERATION(stop_to_acquire) = {
	SET_STATE(ACQUIRE),
	.use = "STOP to ACQUIRE",
	.run = leave_stop,
	.also = ACQUIRE_ERROR,
	.points = { [SLAB] = 8, [COPY] = 1 },
};

/* A4, I1: ACQUIRE to PAUSE needs no memory, and fails only with EFAULT. */
OPERATION(acquire_to_pause) = {
	SET_STATE(PAUSE),
	.use = "ACQUIRE to PAUSE",
	.state = KSSTATE_ACQUIRE,
	.points = { [COPY] = 1 },
};

/* A4, I1: after a failure from PAUSE to RUN the frames stay submitted. */
OPERATION(pause_to_run) = {
	SET_STATE(RUN),
	.use = "PAUSE to RUN",
	.state = KSSTATE_PAUSE,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* In PAUSE, with frames that were in the device before and are to be queued again */
static void prepare_resume(struct faults_fixture *self)
{
	operation_prepare_state(self, KSSTATE_RUN);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
}

/* A4, I1: the same after RUN, when frames wait to be queued again. */
OPERATION(pause_to_run_again) = {
	SET_STATE(RUN),
	.use = "RUN to PAUSE to RUN",
	.prepare = prepare_resume,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* A4, I1: after a failure at any step from STOP to RUN the state is STOP. */
OPERATION(stop_to_run) = {
	SET_STATE(RUN),
	.use = "STOP to RUN",
	.also = ACQUIRE_ERROR,
	.points = { [SLAB] = 9, [COPY] = 1 },
};

/* A4, I1: RUN to PAUSE succeeds with any failure except EFAULT. */
OPERATION(run_to_pause) = {
	SET_STATE(PAUSE),
	.use = "RUN to PAUSE",
	.state = KSSTATE_RUN,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: PAUSE to ACQUIRE succeeds with any failure except EFAULT. */
OPERATION(pause_to_acquire) = {
	SET_STATE(ACQUIRE),
	.use = "PAUSE to ACQUIRE",
	.state = KSSTATE_PAUSE,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: ACQUIRE to STOP succeeds with any failure except EFAULT. */
OPERATION(acquire_to_stop) = {
	SET_STATE(STOP),
	.use = "ACQUIRE to STOP",
	.state = KSSTATE_ACQUIRE,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4, I1: and all steps together. */
OPERATION(run_to_stop) = {
	SET_STATE(STOP),
	.use = "RUN to STOP",
	.state = KSSTATE_RUN,
	.never_fails = true,
	.points = { [COPY] = 1 },
};

/* A4: GET_STATE fails only if its argument cannot be copied. */
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

/* A4, I5: the beginning of a flush is a way down too, and fails only with EFAULT. */
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

/* A4, I5: if the device does not start again after a flush, the flush continues. */
OPERATION(end_flush) = {
	RESET_STATE(END),
	.use = "END",
	.prepare = prepare_flush,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* All frames are submitted except one, which the test holds. */
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

/* A4: after a failure of SUBMIT its holder still has the frame. */
OPERATION(submit) = {
	CALLS(SUBMIT, submit),
	.prepare = prepare_frame_and_descriptor,
	.state = KSSTATE_PAUSE,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

/* A4: the same while the device runs. */
OPERATION(submit_in_run) = {
	CALLS(SUBMIT, submit),
	.use = "in RUN",
	.prepare = prepare_frame_and_descriptor,
	.state = KSSTATE_RUN,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

/* A4: the same if the kernel thread queues the frame. */
OPERATION(submit_by_thread) = {
	CALLS(SUBMIT, submit),
	.use = "without a descriptor",
	.prepare = prepare_frame,
	.state = KSSTATE_RUN,
	.undo = undo_submit,
	.points = { [COPY] = 1 },
};

/*
 * A4: after a failure of COMPLETE the next COMPLETE returns the filled frame. If its answer
 * cannot be written at first, the module tries once more.
 */
OPERATION(complete) = {
	CALLS(COMPLETE, complete),
	.answers_again = true,
	.prepare = operation_prepare_filled,
	.undo = operation_undo_complete,
	.points = { [COPY] = 2 },
};

/* No frame is filled, because the device has just started. */
static void prepare_unfilled(struct faults_fixture *self)
{
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	operation_prepare_state(self, KSSTATE_RUN);
}

/* A4: the same if COMPLETE has to wait. */
OPERATION(complete_waiting) = {
	CALLS(COMPLETE, complete),
	.use = "that waits",
	.answers_again = true,
	.prepare = prepare_unfilled,
	.undo = operation_undo_complete,
	.points = { [COPY] = 2 },
};

/* A4: ALLOC that fails takes no frame. */
OPERATION(alloc) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_NONBLOCK),
	.undo = operation_undo_alloc,
	.points = { [COPY] = 2 },
};

/* A4: ALLOC with a descriptor takes neither a frame nor a descriptor if it fails. */
OPERATION(alloc_dmabuf) = {
	CALLS(ALLOC, alloc,
	      .flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF),
	.use = "with DMABUF",
	.undo = operation_undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

/* Frees a frame when a call waits for it. */
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

/* A frame that was assigned and not taken must be free: it is taken here. */
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

/* A4: ALLOC that waited and fails frees the frame that it was given. */
OPERATION(alloc_waiting) = {
	CALLS(ALLOC, alloc, .flags = KSALLOC_ALLOC_DMABUF),
	.use = "that waits",
	.prepare = prepare_none_free,
	.run = run_alloc_waiting,
	.undo = operation_undo_alloc,
	.points = { [SLAB] = 2, [COPY] = 2 },
};

static void prepare_allocated(struct faults_fixture *self)
{
	if (!allocated(self->rig.allocator))
		self->index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, self->index);
}

/* A4: after a failure of FREE the frame stays allocated. */
OPERATION(free) = {
	CALLS(FREE, free),
	.prepare = prepare_allocated,
	.points = { [COPY] = 1 },
};

/* A4: EXPORT that fails keeps no descriptor and no reference. */
OPERATION(export) = {
	CALLS(EXPORT, export, .index = 1),
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: STATUS fails only if its argument cannot be copied. */
OPERATION(status) = {
	CALLS(STATUS, status),
	.points = { [COPY] = 2 },
};

/* A4: the same for STATUS_EX. */
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
 * A4, E1: after a failure of ENABLE_EVENT there is no event. The eventfd can be used for
 * the next one, which would fail with EBUSY otherwise.
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

/* A4, E1: after a failure of DISABLE_EVENT the event stays enabled. */
OPERATION(disable_event) = {
	CALLS(DISABLE_EVENT, disable_event),
	.prepare = prepare_event,
	.undo = undo_disable_event,
	.points = { [COPY] = 1 },
};

/* A4: CONNECTION_OPEN that fails keeps no open file. */
OPERATION(connection_open) = {
	CALLS(CONNECTION_OPEN, connection_open),
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: the same for ALLOCATOR_OPEN. */
OPERATION(allocator_open) = {
	CALLS(ALLOCATOR_OPEN, allocator_open),
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

/* A4: the cancel ioctls fail only if their arguments cannot be copied: */
OPERATION(connection_cancel) = {
	CALLS(CONNECTION_CANCEL, connection_cancel),
	.state = KSSTATE_RUN,
	.points = { [COPY] = 1 },
};

/* A4: the second one. */
OPERATION(allocator_cancel) = {
	CALLS(ALLOCATOR_CANCEL, allocator_cancel),
	.points = { [COPY] = 1 },
};

/* The connection of the other camera, running with the second allocator's frames */
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

static void undo_close(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	EXPECT_TRUE(EVENTUALLY(allocated(self->second) == 0));
}

/*
 * I1: closing a connection is not an ioctl and cannot report an error: all frames become
 * free whatever fails.
 */
OPERATION(close) = {
	.use = "close() in RUN",
	.prepare = prepare_running,
	.run = operation_run_close,
	.undo = undo_close,
	.never_fails = true,
};

/* A4: each ioctl has an operation above, on any kernel. reader_faults.c has those of readers. */
TEST(every_ioctl)
{
	operation_expect_each_ioctl(false);
}

/* A4: the tests above have made each ioctl fail. Prints how often. */
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
