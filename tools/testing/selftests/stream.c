// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of frames: their content and their headers, waiting, and their holders. gaps.c
 * tests flags for gaps.
 */
#include "stream.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define BARS 8
/* A line below all text of vivid */
#define CLEAR_LINE (HEIGHT - 8)

/* Luma in the middle of a bar */
static unsigned int bar_luma(const unsigned char *frame, unsigned int bar)
{
	unsigned int x = (2 * bar + 1) * WIDTH / (2 * BARS);

	return frame[CLEAR_LINE * PITCH + x * 2];
}

/* The first pattern of vivid: from white to black, each bar darker than the one before */
static void expect_colour_bars(const unsigned char *frame)
{
	unsigned int bar, x;
	const unsigned char *line = frame + CLEAR_LINE * PITCH;

	for (bar = 0; bar < BARS; bar++) {
		unsigned int first = bar * WIDTH / BARS + 4;
		unsigned int last = (bar + 1) * WIDTH / BARS - 4;

		for (x = first; x < last; x++)
			if (line[x * 2] != line[first * 2])
				break;
		EXPECT_EQ(last, x);
		if (bar)
			EXPECT_GT(bar_luma(frame, bar - 1),
				  bar_luma(frame, bar));
	}
	EXPECT_LT(150, bar_luma(frame, 0));
	EXPECT_GT(20, bar_luma(frame, BARS - 1));
}

/* I2, I3: frames arrive, each with a complete header. */
TEST_F(stream, headers)
{
	struct ksalloc_complete frame;
	const struct ksstream_header *header = &frame.header;
	int i, index;

	submit_all(self);
	for (i = 0; i < 20; i++) {
		memset(&frame, 0xa5, sizeof(frame));
		index = rig_complete(&self->rig, &frame);
		ASSERT_LE(0, index);
		ASSERT_GT(FRAMES, index);
		EXPECT_EQ(sizeof(*header), header->header_size);
		EXPECT_EQ(0, header->type_specific_flags);
		EXPECT_EQ(1, header->presentation_time.numerator);
		EXPECT_EQ(1, header->presentation_time.denominator);
		EXPECT_EQ(FRAME_SIZE, header->frame_extent);
		EXPECT_EQ(FRAME_SIZE, header->data_used);
		EXPECT_EQ(0, header->data);
		EXPECT_EQ(0, header->reserved);
		EXPECT_TRUE(header->options_flags &
			    KSSTREAM_HEADER_OPTIONSF_TIMEVALID);
		EXPECT_EQ(0, header->options_flags &
			  ~(KSSTREAM_HEADER_OPTIONSF_TIMEVALID |
			    KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY |
			    KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY |
			    KSSTREAM_HEADER_OPTIONSF_DURATIONVALID));
		EXPECT_EQ(!!(header->options_flags &
			     KSSTREAM_HEADER_OPTIONSF_DURATIONVALID),
			  header->duration > 0);
		ASSERT_EQ(0, submit(self->connection, index));
	}
}

/*
 * I3: presentation times are on CLOCK_MONOTONIC in 100 ns and increase. vivid sets the time
 * of a frame after it has marked the frame as done, so occasionally it is the last time of
 * the buffer.
 */
TEST_F(stream, presentation_times)
{
	enum { COUNT = 20 };
	struct ksalloc_complete frame;
	__s64 last = self->started_ns / 100;
	int i, good = 0;

	/* Otherwise it is the end of the frame, which is in the future. */
	ASSERT_EQ(0, set_control(self->rig.video, "Timestamp Source", 1));
	submit_all(self);
	for (i = 0; i < COUNT; i++) {
		rig_turn(&self->rig, &frame);
		EXPECT_LE(frame.header.presentation_time.time,
			  (__s64)(now_ns() / 100));
		if (frame.header.presentation_time.time > last)
			good++;
		last = frame.header.presentation_time.time;
	}
	EXPECT_LE(COUNT - 2, good);
	/* The last one was a short time ago. */
	EXPECT_GT(PATIENCE_MS * 10000LL, (__s64)(now_ns() / 100) - last);
}

/* I3: sequence numbers do not decrease, and frames come in the order of submission. */
TEST_F(stream, order)
{
	struct ksalloc_complete frame;
	__u32 last = 0;
	int i;

	submit_all(self);
	for (i = 0; i < 20; i++) {
		rig_turn(&self->rig, &frame);
		EXPECT_EQ(i % FRAMES, frame.index);
		if (i)
			EXPECT_LE(last, frame.sequence);
		last = frame.sequence;
	}
	EXPECT_LT(0, last);
}

/* I2: the frames contain the pictures of the camera, and the pictures move. */
TEST_F(stream, content)
{
	enum { TEXT = PITCH * 64 };
	unsigned char *last = malloc(TEXT);
	int i, index;

	submit_all(self);
	for (i = 0; i < 8; i++) {
		index = rig_complete(&self->rig, NULL);
		ASSERT_LE(0, index);
		expect_colour_bars(self->map[index]);
		/* The counter in the upper left corner */
		if (i)
			EXPECT_NE(0, memcmp(last, self->map[index], TEXT));
		memcpy(last, self->map[index], TEXT);
		ASSERT_EQ(0, submit(self->connection, index));
	}
}

/*
 * I2: the device writes into the pages that were mapped before the capture, into all of the
 * frame, and into no frame that was not submitted.
 */
TEST_F(stream, in_place)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		memset(self->map[i], 0x33, FRAME_SIZE);
	ASSERT_EQ(0, submit(self->connection, 2));
	EXPECT_EQ(2, rig_complete(&self->rig, NULL));
	expect_colour_bars(self->map[2]);
	EXPECT_NE(0x33, self->map[2][FRAME_SIZE - 2]);
	for (i = 0; i < FRAMES; i++) {
		unsigned int j = 0;

		while (i != 2 && j < FRAME_SIZE && self->map[i][j] == 0x33)
			j++;
		EXPECT_EQ(i == 2 ? 0 : FRAME_SIZE, j);
	}
}

/*
 * I2, H3: a completed frame belongs to the client: the device does not write to it any
 * more.
 */
TEST_F(stream, completed_frame_is_left_alone)
{
	unsigned int j;
	int held, i;

	submit_all(self);
	held = rig_complete(&self->rig, NULL);
	ASSERT_LE(0, held);
	memset(self->map[held], 0x44, FRAME_SIZE);
	for (i = 0; i < 10; i++)
		rig_turn(&self->rig, NULL);
	for (j = 0; j < FRAME_SIZE; j++)
		if (self->map[held][j] != 0x44)
			break;
	EXPECT_EQ(FRAME_SIZE, j);
}

/* DMA_BUF_IOCTL_SYNC works on the dma-buf of a completed frame. */
TEST_F(stream, dmabuf_sync)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START,
	};
	int dmabuf, index;

	submit_all(self);
	index = rig_complete(&self->rig, NULL);
	ASSERT_LE(0, index);
	dmabuf = export_frame(self->allocator, index);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(0, call_fd(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	expect_colour_bars(self->map[index]);
	sync.flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END;
	EXPECT_EQ(0, call_fd(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
}

/* I2: COMPLETE waits for a frame that is submitted later. */
TEST_F(stream, complete_waits)
{
	struct ksalloc_complete frame;
	struct call call;

	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(self->connection, 3));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(3, frame.index);
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, in_device(self->allocator));
	/* The test holds it now. */
	EXPECT_EQ(0, free_frame(self->allocator, 3));
}

/* I2: without a filled frame, NONBLOCK fails with EAGAIN, by flag and by O_NONBLOCK. */
TEST_F(stream, nonblock)
{
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK,
				    in_ms(PATIENCE_MS), NULL));
	ASSERT_EQ(0, fcntl(self->connection, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, complete(self->connection, 0, 0, NULL));
	ASSERT_EQ(0, submit(self->connection, 1));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	EXPECT_EQ(1, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(-EAGAIN, complete(self->connection, 0, 0, NULL));
	ASSERT_EQ(0, fcntl(self->connection, F_SETFL, 0));
	EXPECT_EQ(-ETIMEDOUT, complete(self->connection, 0, in_ms(1), NULL));
}

/* I2: ioctls on the V4L2 file of the caller have no effect. */
TEST_F(stream, nonblocking_video)
{
	ASSERT_EQ(0, fcntl(self->rig.video, F_SETFL, O_NONBLOCK));
	submit_all(self);
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(1, rig_complete(&self->rig, NULL));
	ASSERT_EQ(0, fcntl(self->rig.video, F_SETFL, 0));
	EXPECT_EQ(2, rig_complete(&self->rig, NULL));
	EXPECT_EQ(3, rig_complete(&self->rig, NULL));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(0, fcntl(self->rig.video, F_GETFL) & O_NONBLOCK);
}

/* I2: a deadline ends the wait with ETIMEDOUT, and not before its time. */
TEST_F(stream, deadline)
{
	__u64 deadline = in_ms(100);

	EXPECT_EQ(-ETIMEDOUT, complete(self->connection, 0, deadline, NULL));
	EXPECT_LE(deadline, now_ns());
	EXPECT_EQ(-ETIMEDOUT, complete(self->connection, 0, 1, NULL));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	/* In the past, but the call does not have to wait. */
	EXPECT_EQ(0, complete(self->connection, 0, 1, NULL));
}

/* I2: the largest possible deadlines are in the future. */
TEST_F(stream, deadline_never)
{
	static const __u64 deadlines[] = {
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		struct ksalloc_complete frame = {
			.size = sizeof(frame),
			.deadline_ns = deadlines[i],
		};
		struct call call;

		call_start(&call, self->connection, KSALLOC_COMPLETE, &frame);
		EXPECT_TRUE(call_waits(&call));
		ASSERT_EQ(0, submit(self->connection, 0));
		EXPECT_EQ(0, call_result(&call));
	}
}

static atomic_int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
}

static void handle(int signal, int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	handled = 0;
	ASSERT_EQ(0, sigaction(signal, &action, NULL));
}

/* I2: a signal ends the wait with EINTR, and no frame is lost. */
TEST_F(stream, signal)
{
	struct ksalloc_complete frame;
	struct call call;

	handle(SIGUSR1, 0);
	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	pthread_kill(call.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, call_result(&call));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
}

/* I2: with SA_RESTART the call waits again, and is served. */
TEST_F(stream, signal_restart)
{
	struct ksalloc_complete frame;
	struct call call;

	handle(SIGUSR1, SA_RESTART);
	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	pthread_kill(call.thread, SIGUSR1);
	ASSERT_TRUE(EVENTUALLY(handled == 1));
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(self->connection, 2));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(2, frame.index);
}

/* E1, I2: poll reports EPOLLIN when there is a filled frame, and only then. */
TEST_F(stream, poll)
{
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 50));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	EXPECT_EQ(0, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
}

/* E1, I1: poll reports EPOLLERR in a state lower than PAUSE, and only there. */
TEST_F(stream, poll_by_state)
{
	static const int expected[] = { POLLERR, POLLERR, 0, 0 };
	unsigned int state;

	for (state = 0; state < ARRAY_SIZE(expected); state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(expected[state], poll_fd(self->connection, POLLIN,
						   0));
	}
}

/* I2: a filled frame also wakes epoll and select. */
TEST_F(stream, epoll_and_select)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int epoll = epoll_create1(0), i;
	fd_set set;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->connection,
			       &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	submit_all(self);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
		EXPECT_EQ(EPOLLIN, event.events);
		ASSERT_LE(0, complete(self->connection, KSALLOC_NONBLOCK, 0,
				      NULL) - i % FRAMES);
		ASSERT_EQ(0, submit(self->connection, i % FRAMES));
	}
	FD_ZERO(&set);
	FD_SET(self->connection, &set);
	EXPECT_EQ(1, select(self->connection + 1, &set, NULL, NULL,
			    &patience));
	EXPECT_LE(0, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
}

/* I2: edge-triggered epoll with reading until EAGAIN misses no frame. */
TEST_F(stream, epoll_edges)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0), count = 0, index;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->connection,
			       &event));
	submit_all(self);
	while (count < 20) {
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
		while ((index = complete(self->connection, KSALLOC_NONBLOCK,
					 0, NULL)) >= 0) {
			count++;
			ASSERT_EQ(0, submit(self->connection, index));
		}
		ASSERT_EQ(-EAGAIN, index);
	}
}

struct stopper {
	int connection;
	unsigned int state;
};

static void *stop_later(void *data)
{
	const struct stopper *stopper = data;

	sleep_ms(50);
	set_state(stopper->connection, stopper->state);
	return NULL;
}

/* I4: a state lower than PAUSE ends the waits of readers with ECANCELED. */
TEST_F(stream, stop_cancels_readers)
{
	static const unsigned int from[] = { KSSTATE_RUN, KSSTATE_PAUSE };
	static const unsigned int to[] = { KSSTATE_ACQUIRE, KSSTATE_STOP };
	struct ksalloc_complete frames[2];
	struct call calls[2];
	struct agent agent;
	unsigned int i, j, k;
	int connection;

	agent_start(&agent);
	connection = agent_open(&agent, self->connection);
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		for (j = 0; j < ARRAY_SIZE(to); j++) {
			ASSERT_EQ(0, set_state(self->connection, from[i]));
			for (k = 0; k < 2; k++)
				start_complete(&calls[k], &frames[k],
					       self->connection);
			agent_begin_complete(&agent, connection);
			for (k = 0; k < 2; k++)
				ASSERT_TRUE(call_waits(&calls[k]));
			ASSERT_TRUE(agent_waits(&agent));
			ASSERT_EQ(0, set_state(self->connection, to[j]));
			for (k = 0; k < 2; k++)
				EXPECT_EQ(-ECANCELED, call_result(&calls[k]));
			EXPECT_EQ(-ECANCELED, agent_end(&agent, NULL, 0));
		}
	}
}

/* I4: also if the state is back before they run. */
TEST_F(stream, stop_and_run_cancels_readers)
{
	int round;

	for (round = 0; round < 20; round++) {
		struct ksalloc_complete frame;
		struct call call;

		start_complete(&call, &frame, self->connection);
		ASSERT_TRUE(call_waits(&call));
		ASSERT_EQ(0, set_state(self->connection, round % 2 ?
				       KSSTATE_STOP : KSSTATE_ACQUIRE));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(-ECANCELED, call_result(&call));
	}
}

/* I4: pollers are notified as well. */
TEST_F(stream, stop_wakes_pollers)
{
	struct stopper stopper = { self->connection, KSSTATE_STOP };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_later, &stopper));
	EXPECT_EQ(POLLERR, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	pthread_join(thread, NULL);
}

/* I4: the frames in the device become free, although a reader waits for them. */
TEST_F(stream, stop_returns_frames)
{
	struct ksalloc_complete frame;
	struct call call;
	int i;

	/* vivid drops all frames, so none is filled. */
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	submit_all(self);
	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(-ECANCELED, call_result(&call));
	EXPECT_EQ(0, allocated(self->allocator));
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, alloc_now(self->allocator));
}

/* I4: from RUN to PAUSE readers continue to wait, and are served in RUN again. */
TEST_F(stream, pause_keeps_readers)
{
	struct ksalloc_complete frame;
	struct call call;

	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(0, frame.index);
}

/* I4: closing one of two descriptors cancels nothing. */
TEST_F(stream, close_of_a_dup_cancels_nothing)
{
	struct ksalloc_complete frame;
	int other = dup(self->connection);
	struct call call;

	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	close(other);
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, call_result(&call));
}

/* B7: frames that a process submitted stay in the device when it dies. */
TEST_F(stream, killed_submitter)
{
	struct agent agent;
	int allocator, connection;

	agent_start(&agent);
	allocator = agent_open(&agent, self->allocator);
	connection = agent_open(&agent, self->connection);
	ASSERT_EQ(0, free_frame(self->allocator, 2));
	ASSERT_EQ(2, agent_alloc(&agent, allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, agent_submit(&agent, connection, 2));
	agent_kill(&agent);
	EXPECT_EQ(1, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(2, rig_complete(&self->rig, NULL));
	EXPECT_EQ(0, free_frame(self->allocator, 2));
}

/* B7: capture continues with an allocator whose descriptors are all closed. */
TEST_F(stream, allocator_closed)
{
	int i, before = count_dmabufs();

	submit_all(self);
	close(self->allocator);
	self->rig.allocator = 0;
	for (i = 0; i < 8; i++)
		rig_turn(&self->rig, NULL);
	for (i = 0; i < FRAMES; i++)
		munmap(self->map[i], FRAME_SIZE);
	EXPECT_EQ(before, count_dmabufs());
	close(self->connection);
	self->rig.connection = 0;
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before - FRAMES));
}

static void *read_frames(void *data)
{
	int *counts = data;
	int connection = counts[0], index;

	while ((index = complete(connection, 0, 0, NULL)) >= 0)
		__atomic_add_fetch(&counts[1 + index], 1, __ATOMIC_RELAXED);
	return (void *)(long)index;
}

/* I2: several readers at the same time: each frame is returned to one of them. */
TEST_F(stream, several_readers)
{
	int counts[1 + FRAMES] = { self->connection };
	pthread_t threads[3];
	int round, i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_frames,
					    counts));
	for (round = 1; round <= 5; round++) {
		submit_all(self);
		for (i = 0; i < FRAMES; i++)
			ASSERT_TRUE(EVENTUALLY(__atomic_load_n(&counts[1 + i],
							       __ATOMIC_RELAXED)
					       >= round));
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	for (i = 0; i < 3; i++) {
		void *result;

		pthread_join(threads[i], &result);
		EXPECT_EQ(-ECANCELED, (long)result);
	}
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(5, counts[1 + i]);
}

/* Errors of the driver are passed on. After STOP the device can be used again. */
TEST_F(stream, device_error)
{
	struct ksalloc_complete frame;
	struct call call;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	submit_all(self);
	start_complete(&call, &frame, self->connection);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject Fatal Streaming Error", 1));
	EXPECT_EQ(-EIO, call_result(&call));
	EXPECT_EQ(-EIO, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_NE(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 0));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
}
