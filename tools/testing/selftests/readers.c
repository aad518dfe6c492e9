// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of a stream that circulates: what each of them gets and loses, and that none of them
 * delays the camera or another one. reader_calls.c tests the arguments of their calls, and views.c
 * that they cannot write.
 */
#include "camera_gaps.h"
#include "readers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* K1: a reader gets each frame many times, in order and without a loss. */
TEST_F(readers, each_frame)
{
	int reader = reader_open(self->connection, DEEP, 0, 0), i;
	struct ksalloc_reader_frame frame = { }, last;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_FALSE(marked(&frame));
	for (i = 0; i < 5 * FRAMES; i++) {
		last = frame;
		ASSERT_EQ(1, turn(reader, &frame));
		EXPECT_TRUE(follows(&frame, &last));
		EXPECT_EQ(0, frame.lost);
		EXPECT_EQ(frame.sequence > last.sequence + 1, marked(&frame));
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		EXPECT_EQ(1, frame.nr_planes);
		EXPECT_EQ(FRAME_SIZE, frame.planes[0].data_used);
	}
	close(reader);
}

/* The first stripe of colour bars is white, and the last is black. */
static void expect_picture(const unsigned char *pixels)
{
	const unsigned char *line = pixels + PITCH * (HEIGHT - 8);

	EXPECT_LT(150, line[PITCH / 16]);
	EXPECT_GT(40, line[PITCH - PITCH / 16]);
}

/* Two readers get the same frames, and see the same picture in them. */
TEST_F(readers, same_picture)
{
	struct ksalloc_reader_frame frames[2] = { };
	const unsigned char *map[2];
	int reader[2], view, i;

	for (i = 0; i < 2; i++) {
		reader[i] = reader_open(self->connection, 2, 0, 0);
		ASSERT_LE(0, reader[i]);
	}
	ASSERT_EQ(1, take(reader[0], &frames[0]));
	ASSERT_EQ(1, take(reader[1], &frames[1]));
	/* A frame can have come between the two that were opened */
	while (frames[1].sequence < frames[0].sequence)
		ASSERT_EQ(1, turn(reader[1], &frames[1]));
	while (frames[0].sequence < frames[1].sequence)
		ASSERT_EQ(1, turn(reader[0], &frames[0]));
	EXPECT_EQ(frames[0].index, frames[1].index);
	for (i = 0; i < 2; i++) {
		view = reader_export(reader[i], frames[i].index, frames[i].generation);
		ASSERT_LE(0, view);
		map[i] = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, view, 0);
		ASSERT_TRUE(map[i] != MAP_FAILED);
		expect_picture(map[i]);
		close(view);
	}
	EXPECT_EQ(0, memcmp(map[0], map[1], FRAME_SIZE));
	for (i = 0; i < 2; i++) {
		munmap((void *)map[i], FRAME_SIZE);
		close(reader[i]);
	}
}

/*
 * K4: the device gets a frame that is given back, even if no other one is taken. A kernel thread
 * queues frames of a heap.
 */
TEST_F(readers, returned_by_thread)
{
	int reader = reader_open(self->connection, FRAMES / 2, 0, 0);
	struct ksalloc_reader_frame frames[FRAMES / 2] = { };

	ASSERT_EQ(FRAMES / 2, take_some(reader, frames, FRAMES / 2));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
	ASSERT_TRUE(EVENTUALLY(get_pending(self->connection) == FRAMES / 2));
	ASSERT_EQ(0, give(reader, &frames[0]));
	EXPECT_TRUE(EVENTUALLY(get_pending(self->connection) == FRAMES / 2 + 1));
	close(reader);
}

/*
 * K4: the call that gives a frame of the camera's own memory back queues it. If the thread of the
 * stream uses the camera at that moment, the thread does it.
 */
TEST_F(readers, returned_at_once)
{
	struct ksalloc_reader_frame frames[FRAMES / 2] = { };
	int own, reader, i, at_once = 0;

	/* The camera has one allocator of its own memory, and without a heap it has that already */
	need_heap();
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	own = create_own(self->connection, FRAMES, 0);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, set_allocator(self->connection, own));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	reader = reader_open(self->connection, FRAMES / 2, 0, 0);
	ASSERT_EQ(FRAMES / 2, take_some(reader, frames, FRAMES / 2));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
	ASSERT_TRUE(EVENTUALLY(get_pending(self->connection) == FRAMES / 2));
	for (i = 0; i < FRAMES / 2; i++) {
		ASSERT_EQ(0, give(reader, &frames[i]));
		at_once += get_pending(self->connection) == FRAMES / 2 + i + 1;
		EXPECT_TRUE(EVENTUALLY(get_pending(self->connection) == FRAMES / 2 + i + 1));
	}
	EXPECT_LE(FRAMES / 2 - 1, at_once);
	close(reader);
	close(own);
}

/* K1: a reader that wants each third frame gets these, and has lost none. */
TEST_F(readers, every_third)
{
	int each = reader_open(self->connection, DEEP, 0, 0);
	int third = reader_open(self->connection, 2, 3, 0), i, n;
	struct ksalloc_reader_frame frame = { }, one = { };
	bool gap;

	ASSERT_LE(0, each);
	ASSERT_LE(0, third);
	ASSERT_EQ(1, take(third, &frame));
	ASSERT_EQ(1, take(each, &one));
	while (one.index != frame.index || one.sequence != frame.sequence)
		ASSERT_EQ(1, turn(each, &one));
	for (i = 0; i < 6; i++) {
		/* Not by the numbers: the camera can skip some, see follows() */
		for (n = 0, gap = false; n < 3; n++) {
			ASSERT_EQ(1, turn(each, &one));
			gap |= marked(&one);
		}
		ASSERT_EQ(1, turn(third, &frame));
		EXPECT_EQ(gap, marked(&frame));
		EXPECT_EQ(one.index, frame.index);
		EXPECT_EQ(one.sequence, frame.sequence);
		EXPECT_EQ(0, frame.lost);
	}
	close(third);
	close(each);
}

/* K1: a reader that wants only the newest frame gets that, and no older one. */
TEST_F(readers, newest)
{
	int newest = reader_open(self->connection, 2, 0, KSALLOC_READER_NEWEST);
	int reader = reader_open(self->connection, 1, 0, 0), i;
	struct ksalloc_reader_frame frame = { }, last = { };

	ASSERT_LE(0, newest);
	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &last));
	for (i = 0; i < 2 * FRAMES; i++)
		ASSERT_EQ(1, turn(reader, &last));
	ASSERT_EQ(1, take(newest, &frame));
	EXPECT_LE(last.sequence, frame.sequence);
	EXPECT_EQ(0, frame.lost);
	EXPECT_EQ(1, reader_info(newest).taken);
	close(newest);
	close(reader);
}

/* K1: the same if the camera has filled more frames since one was put into its queue. */
TEST_F(readers, newest_of_camera)
{
	int newest = reader_open(self->connection, 1, 0, KSALLOC_READER_NEWEST);
	int reader = reader_open(self->connection, DEEP, 0, 0);
	struct ksalloc_reader_frame frame = { }, last = { };

	ASSERT_LE(0, newest);
	ASSERT_LE(0, reader);
	/* Now both have had this frame in their queues. Nobody fetches the next frames */
	ASSERT_EQ(1, take(reader, &last));
	sleep_ms(100);
	ASSERT_EQ(1, take(newest, &frame));
	while (take_now(reader, &last) == 1)
		ASSERT_EQ(0, give(reader, &last));
	/* One frame can have been filled between the two calls */
	EXPECT_LE(last.sequence, frame.sequence + 1);
	close(newest);
	close(reader);
}

/* K1, K2: a reader that takes nothing loses frames, and no other reader does. */
TEST_F(readers, slow_one_loses)
{
	int slow = reader_open(self->connection, 2, 0, 0);
	int reader = reader_open(self->connection, DEEP, 0, 0), i;
	struct ksalloc_reader_frame frame = { }, last, first = { }, old[2] = { };
	bool regular = true;

	ASSERT_LE(0, slow);
	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(slow, &first));
	ASSERT_EQ(0, give(slow, &first));
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < 3 * FRAMES; i++) {
		last = frame;
		ASSERT_EQ(1, turn(reader, &frame));
		ASSERT_EQ(0, frame.lost);
		regular = regular && frame.sequence == last.sequence + 1;
	}

	ASSERT_EQ(2, take_some(slow, old, 2));
	/* Unless the camera has skipped numbers itself, see follows() */
	if (regular)
		EXPECT_EQ(old[0].sequence - first.sequence - 1, old[0].lost);
	EXPECT_LT(FRAMES, old[0].lost);
	EXPECT_TRUE(marked(&old[0]));
	EXPECT_EQ(0, old[1].lost);
	EXPECT_EQ(old[1].sequence > old[0].sequence + 1, marked(&old[1]));
	EXPECT_EQ(old[0].lost, reader_info(slow).lost);
	EXPECT_EQ(0, reader_info(reader).lost);
	close(slow);
	close(reader);
}

/*
 * K2, K3: a reader that keeps all its frames does not stop the camera, with and without other
 * readers.
 */
TEST_F(readers, hoarder)
{
	int hoarder = reader_open(self->connection, FRAMES - KEEP - DEEP, 0, 0);
	int reader = reader_open(self->connection, DEEP, 0, 0), i;
	struct ksalloc_reader_frame kept[FRAMES] = { }, frame = { };
	unsigned int gaps = gaps_of(self->connection);

	ASSERT_LE(0, hoarder);
	ASSERT_LE(0, reader);
	ASSERT_EQ(FRAMES - KEEP - DEEP, take_some(hoarder, kept, FRAMES - KEEP - DEEP));
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < 3 * FRAMES; i++) {
		ASSERT_EQ(1, turn(reader, &frame));
		EXPECT_EQ(0, frame.lost);
	}
	close(reader);
	/* Nobody fetches frames now */
	EXPECT_TRUE(EVENTUALLY(reader_info(hoarder).lost > 4 * FRAMES));
	ASSERT_EQ(0, give(hoarder, &kept[0]));
	ASSERT_EQ(1, take(hoarder, &frame));
	EXPECT_LT(4 * FRAMES, frame.lost);
	expect_no_gaps(gaps_of(self->connection) - gaps, 4 * FRAMES);
	close(hoarder);
}

/* K2, K4: the death of readers gives their frames back, and another reader loses none. */
TEST_F(readers, death)
{
	int reader = reader_open(self->connection, DEEP, 0, 0), other, i;
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_reader_frame kept[2] = { };
	unsigned int gaps = gaps_of(self->connection);
	pid_t child;
	int pipes[2];
	char byte;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(0, pipe(pipes));
		other = reader_open(self->connection, FRAMES - KEEP - DEEP, 0, 0);
		ASSERT_LE(0, other);
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			take_some(other, kept, 2);
			write(pipes[1], "", 1);
			pause();
			_exit(0);
		}
		close(other);
		close(pipes[1]);
		ASSERT_EQ(1, read(pipes[0], &byte, 1));
		close(pipes[0]);
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		do {
			ASSERT_EQ(1, turn(reader, &frame));
			EXPECT_EQ(0, frame.lost);
		} while (reader_info(reader).queued);
	}
	expect_no_gaps(gaps_of(self->connection) - gaps, 2 * FRAMES);
	close(reader);
	EXPECT_TRUE(EVENTUALLY(in_device(self->allocator) == FRAMES));
}

/* K4: a frame goes to the camera again when the last reader has given it back, and not before. */
TEST_F(readers, last_one_frees)
{
	int reader[2], i;
	struct ksalloc_reader_frame frames[2] = { };

	for (i = 0; i < 2; i++) {
		reader[i] = reader_open(self->connection, 1, 0, 0);
		ASSERT_LE(0, reader[i]);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(1, take(reader[i], &frames[i]));
	while (frames[0].sequence < frames[1].sequence)
		ASSERT_EQ(1, turn(reader[0], &frames[0]));
	while (frames[1].sequence < frames[0].sequence)
		ASSERT_EQ(1, turn(reader[1], &frames[1]));
	EXPECT_EQ(-EBUSY, free_frame(self->allocator, frames[0].index));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(1, allocated(self->allocator));
	ASSERT_EQ(0, give(reader[0], &frames[0]));
	EXPECT_EQ(1, allocated(self->allocator));
	ASSERT_EQ(0, give(reader[1], &frames[1]));
	EXPECT_EQ(0, allocated(self->allocator));
	for (i = 0; i < 2; i++)
		close(reader[i]);
}

/* K7: in a stream that circulates, there are no explicit calls, and the stream cannot change. */
TEST_F(readers, no_explicit_calls)
{
	struct ksalloc_complete out;
	int i;

	EXPECT_EQ(-EBUSY, complete(self->connection, 0, in_ms(PATIENCE_MS), &out));
	/* No frame is for COMPLETE */
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 100));
	/* Frames of the camera and frames that readers hold */
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(-EBUSY, submit(self->connection, i));
	EXPECT_EQ(-EINVAL, circulate(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, circulate(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-EBUSY, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-EBUSY, circulate(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
}

/*
 * K4: a client of the allocator that waits for a frame gets one, and frees it into the
 * circulation.
 */
TEST_F(readers, allocator_client)
{
	int reader = reader_open(self->connection, 1, 0, 0), index;
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_alloc arg;
	struct call call;

	ASSERT_LE(0, reader);
	ASSERT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	start_alloc(&call, &arg, self->allocator);
	/* It gets a frame already if the reader loses one meanwhile */
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1 || call.done));
	ASSERT_EQ(1, take(reader, &frame));
	ASSERT_EQ(1, turn(reader, &frame));
	ASSERT_EQ(0, call_result(&call));
	index = arg.index;
	ASSERT_EQ(1, turn(reader, &frame));
	ASSERT_EQ(0, give(reader, &frame));
	EXPECT_EQ(0, free_frame(self->allocator, index));
	close(reader);
	EXPECT_TRUE(EVENTUALLY(in_device(self->allocator) == FRAMES));
}

/* After this, the camera fills no frame, and the queue of the reader is empty */
static void pause_without_frames(struct readers_fixture *self, int reader)
{
	struct ksalloc_reader_frame frame = { };

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	while (take_now(reader, &frame) == 1)
		ASSERT_EQ(0, give(reader, &frame));
}

static void on_signal(int number)
{
	(void)number;
}

/* K8: after a permanent cancel, calls of the reader that may wait are cancelled. */
TEST_F(readers, permanent_cancel)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	int other = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = exchange_of(&frame, 1);

	ASSERT_LE(0, reader);
	ASSERT_LE(0, other);
	pause_without_frames(self, reader);
	pause_without_frames(self, other);
	arg.deadline_ns = in_ms(PATIENCE_MS);
	ASSERT_EQ(0, cancel_permanently(reader, KSALLOC_READER_CANCEL));
	EXPECT_EQ(-ECANCELED, call_fd(reader, KSALLOC_EXCHANGE, &arg));

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, call_fd(other, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(-ECANCELED, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(1, take_now(reader, &frame));
	/* A call that gives the frame back and would wait for another one */
	arg = exchange_of(&frame, 1);
	arg.give = (uintptr_t)&frame.index;
	arg.nr_give = 1;
	arg.generation = frame.generation;
	EXPECT_EQ(-ECANCELED, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_EQ(0, give(reader, &frame));
}

/* K8: a cancel of a reader does not wake a process that polls another reader. */
TEST_F(readers, cancel_wakes_no_poller)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	int other = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct rusage before, after;
	int status = -1;
	pid_t child;

	ASSERT_LE(0, reader);
	ASSERT_LE(0, other);
	pause_without_frames(self, reader);
	pause_without_frames(self, other);
	child = fork();
	if (!child) {
		getrusage(RUSAGE_SELF, &before);
		if (poll_fd(other, POLLIN, 500))
			_exit(2);
		getrusage(RUSAGE_SELF, &after);
		_exit(after.ru_nvcsw - before.ru_nvcsw > 10);
	}
	ASSERT_LT(0, child);
	while (!waitpid(child, &status, WNOHANG)) {
		ASSERT_EQ(0, call_fd(reader, KSALLOC_READER_CANCEL, &cancel));
		usleep(1000);
	}
	EXPECT_EQ(0, status);
}

/* K8: in PAUSE no frame comes: calls wait until a cancel, a signal or the deadline. */
TEST_F(readers, waiting)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_cancel cancel = { .size = sizeof(cancel) };
	struct ksalloc_reader_frame frame = { };
	struct ksalloc_exchange arg = exchange_of(&frame, 1);
	struct sigaction action = { .sa_handler = on_signal };
	struct call call;

	ASSERT_LE(0, reader);
	pause_without_frames(self, reader);

	arg.deadline_ns = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, call_fd(reader, KSALLOC_EXCHANGE, &arg));
	EXPECT_LE(arg.deadline_ns, now_ns());
	arg.flags = KSALLOC_NONBLOCK;
	EXPECT_EQ(-EAGAIN, call_fd(reader, KSALLOC_EXCHANGE, &arg));

	arg = exchange_of(&frame, 1);
	arg.deadline_ns = 0;
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(0, call_fd(reader, KSALLOC_READER_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, call_result(&call));

	sigaction(SIGUSR1, &action, NULL);
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_result(&call));

	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, call_result(&call));
	close(reader);
}

/* K1: a reader waits through a stop, and the first frame after it is marked. */
TEST_F(readers, over_a_stop)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frame = { }, next = { };
	struct ksalloc_exchange arg = exchange_of(&next, 1);
	struct call call;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, reader_info(reader).running);
	EXPECT_EQ(1, reader_info(reader).taken);
	EXPECT_EQ(0, reader_info(reader).queued);
	arg.deadline_ns = 0;
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(1, call_result(&call));
	EXPECT_TRUE(marked(&next));
	EXPECT_EQ(frame.generation, next.generation);
	EXPECT_EQ(0, give(reader, &frame));
	EXPECT_EQ(0, give(reader, &next));
	close(reader);
}

/* K1: a flush drops what waits in the queues; the stream goes on after it, and is marked. */
TEST_F(readers, flush)
{
	int reader = reader_open(self->connection, 3, 0, 0);
	struct ksalloc_reader_frame frame = { };

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	ASSERT_EQ(0, give(reader, &frame));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, reader_info(reader).queued);
	EXPECT_EQ(0, take_now(reader, &frame));
	EXPECT_EQ(0, allocated(self->allocator));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_TRUE(marked(&frame));
	ASSERT_EQ(1, turn(reader, &frame));
	EXPECT_FALSE(marked(&frame));
	close(reader);
}

/* With another allocator the frames are others: a new generation. */
TEST_F(readers, generations)
{
	int reader = reader_open(self->connection, 2, 0, 0), view;
	struct ksalloc_reader_frame old = { }, frame = { };
	int other;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &old));
	view = reader_export(reader, old.index, old.generation);
	ASSERT_LE(0, view);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	other = create_allocator(self->connection, self->rig.heap, FRAMES + 1, 0);
	if (other < 0) {
		/* The camera has one set of buffers of its own */
		ASSERT_EQ(-EBUSY, other);
		SKIP("there is no heap");
	}
	ASSERT_EQ(0, set_allocator(self->connection, other));
	EXPECT_EQ(0, allocated(self->allocator));
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	ASSERT_EQ(1, take(reader, &frame));
	EXPECT_EQ(old.generation + 1, frame.generation);
	EXPECT_EQ(1, reader_info(reader).taken);
	EXPECT_EQ(FRAMES + 1, reader_info(reader).frames);
	EXPECT_EQ(0, give(reader, &old));
	EXPECT_EQ(1, reader_info(reader).taken);
	EXPECT_EQ(-ESTALE, reader_export(reader, old.index, old.generation));
	close(view);
	view = reader_export(reader, FRAMES, frame.generation);
	EXPECT_LE(0, view);
	close(view);
	close(other);
	close(reader);
}

/* K3: frames are promised to readers as long as they suffice, and revoked from the others. */
TEST_F(readers, promises)
{
	const int depth = FRAMES - KEEP - DEEP;
	int first = reader_open(self->connection, depth, 0, 0);
	int second = reader_open(self->connection, DEEP, 0, 0), third, i;
	struct ksalloc_reader_frame kept[FRAMES] = { }, taken[4] = { }, frame = { };
	struct ksalloc_reader_info info;

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_EQ(1, reader_info(first).promised);
	EXPECT_EQ(1, reader_info(second).promised);
	EXPECT_EQ(-EBUSY, reader_open(self->connection, 1, 0, 0));
	third = reader_open(self->connection, 4, 0, KSALLOC_READER_REVOCABLE);
	ASSERT_LE(0, third);
	EXPECT_EQ(0, reader_info(third).promised);

	/* The third one has four frames that the others do not have. Then they take theirs */
	ASSERT_EQ(4, take_some(third, taken, 4));
	ASSERT_EQ(1, take(second, &frame));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(1, turn(second, &frame));
	ASSERT_EQ(depth, take_some(first, kept, depth));
	for (i = 0; i < 3 * FRAMES; i++) {
		ASSERT_EQ(1, turn(second, &frame));
		EXPECT_EQ(0, frame.lost);
	}
	EXPECT_EQ(0, reader_info(first).revoked);
	EXPECT_EQ(0, reader_info(second).revoked);
	info = reader_info(third);
	EXPECT_LE(1, info.revoked);
	EXPECT_EQ(4 - info.revoked, info.taken);

	/* All are given back, also those that were revoked */
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, give(third, &taken[i]));
	/* Only now the camera cannot take another one away */
	info = reader_info(third);
	for (i = 0; i < depth; i++)
		ASSERT_EQ(0, give(first, &kept[i]));
	ASSERT_EQ(1, take(third, &frame));
	EXPECT_EQ(info.revoked, frame.revoked);
	EXPECT_TRUE(marked(&frame));

	/* A promise passes on when a reader ends */
	close(first);
	first = reader_open(self->connection, 1, 0, 0);
	EXPECT_LE(0, first);
	close(first);
	close(second);
	close(third);
}

/* K3: a reader that is promised too much before the stream begins is told. */
TEST_F(readers, no_promise_in_stop)
{
	int reader, small;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	reader = reader_open(self->connection, FRAMES, 0, 0);
	small = reader_open(self->connection, 2, 0, 0);
	ASSERT_LE(0, reader);
	ASSERT_LE(0, small);
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, reader_info(reader).promised);
	EXPECT_EQ(1, reader_info(small).promised);
	close(reader);
	close(small);
}

/* K8: poll() reports a frame if there is one, and only then. */
TEST_F(readers, poll)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	struct ksalloc_reader_frame frame = { };
	int i;

	ASSERT_LE(0, reader);
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(POLLIN, poll_fd(reader, POLLIN, PATIENCE_MS));
		ASSERT_EQ(1, take(reader, &frame));
		ASSERT_EQ(0, give(reader, &frame));
	}
	pause_without_frames(self, reader);
	EXPECT_EQ(0, poll_fd(reader, POLLIN, 0));
	close(reader);
}

/* K4, K10: a reader ends with the connection: what waits returns, and the frames are free. */
TEST_F(readers, end_of_connection)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frame = { }, next = { };
	struct ksalloc_exchange arg = exchange_of(&next, 1);
	struct call call;

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	pause_without_frames(self, reader);
	arg.deadline_ns = 0;
	call_start(&call, reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&call));
	close(self->connection);
	self->rig.connection = -1;
	EXPECT_EQ(-ENODEV, call_result(&call));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(reader, POLLIN, 0));
	EXPECT_EQ(-ENODEV, take(reader, &next));
	EXPECT_EQ(-ESTALE, reader_export(reader, 0, frame.generation));
	EXPECT_EQ(0, reader_info(reader).frames);
	close(reader);
}

/* K10: the same when the camera disappears; taken frames can still be given back. */
TEST_F(readers, gone)
{
	int reader = reader_open(self->connection, 2, 0, 0);
	struct ksalloc_reader_frame frame = { }, next = { };

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	vivid_unbind();
	EXPECT_TRUE(EVENTUALLY(take_now(reader, &next) == -ENODEV));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(reader, POLLIN, 0));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
	EXPECT_EQ(0, give(reader, &frame));
	EXPECT_EQ(0, allocated(self->allocator));
	close(reader);
	close(self->rig.video);
	self->rig.video = -1;
	close(self->connection);
	self->rig.connection = -1;
	vivid_bind();
}

/* K6: the format of the stream, for a process that has only the reader */
TEST_F(readers, format)
{
	int reader = reader_open(self->connection, 1, 0, 0);
	struct v4l2_format format = {};
	struct ksalloc_reader_info info = {
		.size = sizeof(info),
		.format = (uintptr_t)&format,
		.format_size = sizeof(format),
	};

	ASSERT_LE(0, reader);
	ASSERT_EQ(0, call_fd(reader, KSALLOC_READER_INFO, &info));
	EXPECT_EQ(FRAMES, info.frames);
	EXPECT_EQ(FRAME_SIZE, info.frame_size);
	EXPECT_EQ(1, info.planes.count);
	EXPECT_EQ(1, info.running);
	EXPECT_EQ(V4L2_BUF_TYPE_VIDEO_CAPTURE, format.type);
	EXPECT_EQ(WIDTH, format.fmt.pix.width);
	EXPECT_EQ(HEIGHT, format.fmt.pix.height);
	EXPECT_EQ(PITCH, format.fmt.pix.bytesperline);
	info.format = 8;
	EXPECT_EQ(-EFAULT, call_fd(reader, KSALLOC_READER_INFO, &info));
	close(reader);
}

/* A camera's own memory circulates, too. */
TEST(own_memory)
{
	struct ksalloc_reader_frame frame = { }, last;
	struct rig rig;
	int reader, i;

	rig_open(&rig, 0, WIDTH, HEIGHT);
	rig_own_allocator(&rig, FRAMES);
	ASSERT_EQ(0, circulate(rig.connection, KSSTATE_RUN));
	reader = reader_open(rig.connection, DEEP, 0, 0);
	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, &frame));
	for (i = 0; i < 3 * FRAMES; i++) {
		last = frame;
		ASSERT_EQ(1, turn(reader, &frame));
		EXPECT_TRUE(follows(&frame, &last));
		EXPECT_EQ(0, frame.lost);
	}
	close(reader);
	rig_close(&rig);
}
