// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can do to the module on purpose: send signals without end, hand over
 * any file as a heap, and what it can meet. Calls that are held up are in faulting.c,
 * what can be done to the camera's file in video.c, and to descriptors in table.c. The
 * worst that may come of it is an error, for this process and no other. Each test here
 * stands for a mistake that there was once.
 */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* Landlock's right to call ioctls of devices; headers may be older */
#define LANDLOCK_IOCTL_DEV 0x8000
#define LANDLOCK_ABI_IOCTL_DEV 5
#define LANDLOCK_GET_ABI 1

/* In RUN with nothing submitted poll and epoll say nothing, as COMPLETE would wait. */
TEST_F(hostile, poll_with_nothing_submitted)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0), i;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->connection,
			       &event));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK,
					    0, NULL));
		/* Once more when frames have gone through */
		ASSERT_EQ(i ? 0 : FRAMES, rig_submit_all(&self->rig));
		while (get_pending(self->connection))
			ASSERT_LE(0, rig_complete(&self->rig, NULL));
	}
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, free_frame(self->allocator, i));
	expect_capture(self);
}

struct watcher {
	int connection;
	atomic_int seen;
};

static void *watch(void *data)
{
	struct watcher *watcher = data;
	int index;

	while (poll_fd(watcher->connection, POLLIN, -1) == POLLIN) {
		index = complete(watcher->connection, KSALLOC_NONBLOCK, 0,
				 NULL);
		if (index == 0)
			watcher->seen++;
		else
			EXPECT_EQ(-EAGAIN, index);
	}
	return NULL;
}

/*
 * With a single frame on its way a sleeping poller hears of each completion: one
 * that is lost would be waited for in vain, for no other comes.
 */
TEST_F(hostile, poller_hears_of_every_single_frame)
{
	struct watcher watcher = { .connection = self->connection };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch, &watcher));
	for (i = 1; i <= 40; i++) {
		ASSERT_EQ(0, submit(self->connection, 0));
		ASSERT_TRUE(EVENTUALLY(watcher.seen == i));
	}
	/* Below PAUSE poll says POLLERR, which ends the thread. */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	pthread_join(thread, NULL);
}

static atomic_int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
}

/* A handler after which calls go on */
static void handle(int signal)
{
	struct sigaction action = {
		.sa_handler = handler,
		.sa_flags = SA_RESTART,
	};

	ASSERT_EQ(0, sigaction(signal, &action, NULL));
}

/*
 * CREATE_ALLOCATOR ends though signals come faster than it could begin anew each
 * time.
 */
TEST_F(hostile, allocator_under_a_timer)
{
	const struct itimerval every_10_ms = {
		.it_interval.tv_usec = 10000,
		.it_value.tv_usec = 10000,
	};
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.heap_fd = self->rig.heap,
		.framing = {
			.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
			.frames = 32,
			.frame_size = 4 << 20,
		},
	};
	struct call call;
	sigset_t alarm;

	handle(SIGALRM);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	call_start(&call, self->connection, KSALLOC_CREATE_ALLOCATOR, &arg);
	/* The signals are for the thread that calls. */
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &alarm, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &every_10_ms, NULL));
	EXPECT_LE(0, call_result(&call));
	harness_note("%d signals", handled);
}

/*
 * CONNECT that is interrupted while it waits for the device's lock begins anew,
 * and makes a connection that hears of frames.
 */
TEST_F(hostile, connect_under_signals)
{
	enum { BUFFERS = 8 };
	struct v4l2_requestbuffers request = {
		.count = BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct ksalloc_connect arg = {
		.size = sizeof(arg),
		.v4l2_fd = self->video,
	};
	struct ksalloc_complete frame = { .size = sizeof(frame) };
	struct call hog, call;
	int other;

	close(self->connection);
	self->rig.connection = 0;
	ASSERT_EQ(0, set_format(self->video, 3840, 2160));
	handle(SIGUSR1);
	other = open_camera(0);
	/* To clear so much memory takes long, and the device is locked. */
	call_start(&hog, other, VIDIOC_REQBUFS, &request);
	ASSERT_TRUE(EVENTUALLY(hog.tid));
	call_start(&call, self->rig.ksalloc, KSALLOC_CONNECT, &arg);
	while (!call.done) {
		sleep_ms(5);
		pthread_kill(call.thread, SIGUSR1);
	}
	self->connection = call_result(&call);
	ASSERT_LE(0, self->connection);
	self->rig.connection = self->connection;
	ASSERT_EQ(0, call_result(&hog));
	close(other);
	harness_note("%d signals", handled);

	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->allocator));
	call_start(&call, self->connection, KSALLOC_COMPLETE, &frame);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, call_result(&call));
}

/*
 * Who waits for a frame of a stream that ends gets ECANCELED, even if the next
 * stream runs and has a frame before he wakes up.
 */
TEST_F(hostile, readers_of_an_ended_stream)
{
	enum { READERS = 2, ROUNDS = 10 };
	struct ksalloc_complete frames[READERS];
	struct call calls[READERS];
	int round, i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < READERS; i++) {
			frames[i].size = sizeof(frames[i]);
			frames[i].flags = 0;
			frames[i].deadline_ns = 0;
			call_start(&calls[i], self->connection,
				   KSALLOC_COMPLETE, &frames[i]);
		}
		for (i = 0; i < READERS; i++)
			ASSERT_TRUE(call_waits(&calls[i]));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		for (i = 0; i < READERS; i++)
			ASSERT_EQ(-ECANCELED, call_result(&calls[i]));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	}
}

static bool discontinuity(const struct ksalloc_complete *frame)
{
	return frame->header.options_flags &
		KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
}

/*
 * The two fields of a frame have one sequence number, which is no gap: neither
 * DATADISCONTINUITY nor fdinfo say so.
 */
TEST_F(hostile, alternate_fields)
{
	struct ksalloc_complete frame = { 0 };
	struct v4l2_format format;
	int input = 1, i, gaps = 0, pairs = 0;
	char text[32] = "", expected[32];
	__u32 last = 0;

	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, get_format(self->video, &format));
	format.fmt.pix.field = V4L2_FIELD_ALTERNATE;
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(V4L2_FIELD_ALTERNATE, format.fmt.pix.field);
	close(self->allocator);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 16; i++) {
		rig_turn(&self->rig, &frame);
		if (i) {
			bool gap = frame.sequence != last &&
				   frame.sequence != last + 1;

			EXPECT_EQ(gap, discontinuity(&frame));
			gaps += gap;
			pairs += frame.sequence == last;
		}
		last = frame.sequence;
	}
	/* Some came in pairs, or this says nothing. */
	EXPECT_LT(0, pairs);
	/* No more frames while the count is read */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	snprintf(expected, sizeof(expected), "%d", gaps);
	EXPECT_TRUE(fdinfo_value(self->connection, "gaps", text,
				 sizeof(text)));
	EXPECT_STREQ(expected, text);
}

/* The first frame after a pause, of which those are no part that were filled before */
static void expect_pause_marked(struct hostile_fixture *self)
{
	struct ksalloc_complete frame;
	int index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	while ((index = complete(self->connection, KSALLOC_NONBLOCK, 0,
				 &frame)) >= 0)
		ASSERT_EQ(0, submit(self->connection, index));
	ASSERT_EQ(-EAGAIN, index);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	rig_turn(&self->rig, &frame);
	EXPECT_TRUE(discontinuity(&frame));
}

/*
 * Pictures are lost while the stream pauses: DATADISCONTINUITY on the first frame
 * after it, and on none that begins a stream.
 */
TEST_F(hostile, pause_is_a_discontinuity)
{
	static const unsigned int down[] = { KSSTATE_ACQUIRE, KSSTATE_STOP };
	struct ksalloc_complete frame;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(down); i++) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		rig_turn(&self->rig, &frame);
		EXPECT_FALSE(discontinuity(&frame));
		expect_pause_marked(self);
		expect_pause_marked(self);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		ASSERT_EQ(0, set_state(self->connection, down[i]));
	}
}

/*
 * With the device gone the allocator can be let go of: its memory is free, though
 * the connection is open.
 */
TEST_F(hostile, let_go_of_the_allocator_when_gone)
{
	int before = count_dmabufs();

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	vivid_unbind();
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
	EXPECT_EQ(-ENODEV, set_allocator(self->connection, self->allocator));
	EXPECT_EQ(0, set_allocator(self->connection, -1));
	close(self->allocator);
	self->rig.allocator = 0;
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before - FRAMES));
	EXPECT_EQ(0, set_allocator(self->connection, -1));
}

/*
 * The allocator that is assigned already is refused where the format has outgrown
 * it, as any other would be: EINVAL; it stays assigned.
 */
TEST_F(hostile, same_allocator_after_format_grew)
{
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_format(self->video, 640, 360));
	EXPECT_EQ(-EINVAL, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	expect_capture(self);
}

/* Whatever character device is given as a heap: EINVAL, and nothing is left. */
TEST_F(hostile, devices_that_are_no_heaps)
{
	static const char * const paths[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
		"/dev/urandom", "/dev/mem", "/dev/port", "/dev/kmsg",
		"/dev/tty", "/dev/tty0", "/dev/tty1", "/dev/console",
		"/dev/ttyS0", "/dev/ptmx", "/dev/hvc0", "/dev/vcs",
		"/dev/rtc", "/dev/rtc0", "/dev/hpet", "/dev/nvram",
		"/dev/hwrng", "/dev/loop-control", "/dev/fuse", "/dev/cuse",
		"/dev/autofs", "/dev/btrfs-control", "/dev/mapper/control",
		"/dev/net/tun", "/dev/ppp", "/dev/vhost-net",
		"/dev/vhost-vsock", "/dev/vsock", "/dev/kvm", "/dev/udmabuf",
		"/dev/sw_sync", "/dev/dri/card0", "/dev/dri/renderD128",
		"/dev/fb0", "/dev/media0", "/dev/cec0", "/dev/input/event0",
		"/dev/input/mice", "/dev/uinput", "/dev/uhid",
		"/dev/snd/timer", "/dev/snd/seq", "/dev/snd/controlC0",
		"/dev/cpu/0/msr", "/dev/cpu/0/cpuid", "/dev/cpu_dma_latency",
		"/dev/vga_arbiter", "/dev/snapshot", "/dev/userfaultfd",
		"/dev/vfio/vfio", "/dev/iommu", "/dev/ntsync",
		"/dev/binderfs/binder-control", "/dev/vport1p1",
		"/dev/vport0p1", "/dev/ksalloc",
	};
	unsigned int i, tried = 0;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct footprint before;
		int fd = open(paths[i], O_RDONLY | O_NONBLOCK | O_NOCTTY |
			      O_CLOEXEC);

		if (fd < 0)
			continue;
		tried++;
		footprint_take(&before);
		if (create_allocator(self->connection, fd, FRAMES, 0) !=
		    -EINVAL) {
			harness_note("%s is taken for a heap", paths[i]);
			EXPECT_TRUE(!"EINVAL");
		}
		EXPECT_FOOTPRINT(&before);
		close(fd);
	}
	harness_note("%u devices", tried);
	EXPECT_LT(3, tried);
}

/* What is opened from now on is good for no ioctl. */
static bool forbid_ioctls(void)
{
	const __u64 handled_access = LANDLOCK_IOCTL_DEV;
	int rules;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_GET_ABI) <
	    LANDLOCK_ABI_IOCTL_DEV)
		return false;
	rules = syscall(SYS_landlock_create_ruleset, &handled_access,
			sizeof(handled_access), 0);
	ASSERT_LE(0, rules);
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(0, syscall(SYS_landlock_restrict_self, rules, 0));
	close(rules);
	return true;
}

/*
 * A security module that forbids a process the ioctls of a device is not got
 * round by a connection or an allocator: EACCES for a camera and for a heap.
 */
TEST_F(hostile, forbidden_ioctls)
{
	struct v4l2_format format;
	struct footprint before;
	int video, heap;

	if (!forbid_ioctls())
		SKIP("no Landlock, or an older one");
	video = open_camera(0);
	heap = open_heap();
	ASSERT_EQ(-EACCES, get_format(video, &format));
	footprint_take(&before);
	EXPECT_EQ(-EACCES, do_connect(self->rig.ksalloc, video));
	EXPECT_EQ(-EACCES, create_allocator(self->connection, heap, FRAMES,
					    0));
	EXPECT_FOOTPRINT(&before);
	/* What was opened before is allowed still. */
	expect_capture(self);
}
