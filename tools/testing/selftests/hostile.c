// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can do to the module on purpose: send signals all the time, pass any file
 * as a heap, and unusual events. faulting.c tests calls that are blocked, video.c the file
 * of the camera, and table.c descriptors. The worst result may be an error, and only for
 * this process. Each test here is for a bug that existed.
 */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* The access right of Landlock for ioctls of devices; older headers lack it */
#define LANDLOCK_IOCTL_DEV 0x8000
#define LANDLOCK_ABI_IOCTL_DEV 5
#define LANDLOCK_GET_ABI 1

/*
 * In RUN with nothing submitted, poll and epoll report nothing, because COMPLETE would
 * wait.
 */
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
		/* The same after frames were completed */
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
 * With a single frame, a sleeping poller is woken for each completion. If one is lost, the
 * poller sleeps for ever, because there is no other frame.
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
	/* Below PAUSE poll reports POLLERR, which ends the thread. */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	pthread_join(thread, NULL);
}

static atomic_int handled;

static void handler(int signal)
{
	(void)signal;
	handled++;
}

/* A signal handler after which calls are restarted */
static void handle(int signal)
{
	struct sigaction action = {
		.sa_handler = handler,
		.sa_flags = SA_RESTART,
	};

	ASSERT_EQ(0, sigaction(signal, &action, NULL));
}

/* CREATE_ALLOCATOR ends although signals come faster than it can be restarted. */
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
			.options_flags = usual_memory(),
			/* The guest of the debug kernel has little memory */
			.frames = is_debug_kernel() ? 16 : 32,
			.frame_size = 4 << 20,
		},
	};
	struct call call;
	sigset_t alarm;

	need_heap();
	handle(SIGALRM);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	call_start(&call, self->connection, KSALLOC_CREATE_ALLOCATOR, &arg);
	/* The signals are for the calling thread. */
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &alarm, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &every_10_ms, NULL));
	EXPECT_LE(0, call_result(&call));
	harness_note("%d signals", handled);
}

/*
 * CONNECT that is interrupted while it waits for the lock of the device is restarted, and
 * makes a connection that is notified of frames.
 */
TEST_F(hostile, connect_under_signals)
{
	struct v4l2_requestbuffers request = {
		/* The guest of the debug kernel has little memory */
		.count = is_debug_kernel() ? 4 : 8,
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

	need_heap();
	close(self->connection);
	self->rig.connection = 0;
	ASSERT_EQ(0, set_format(self->video, 3840, 2160));
	handle(SIGUSR1);
	other = open_camera(0);
	/*
	 * It takes a long time to clear so much memory, and the device is locked meanwhile.
	 */
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
 * A call that waits for a frame of a stream that ends gets ECANCELED, even if the next
 * stream runs and has a frame before the task runs.
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

/* An input for TV streams pictures of this field order. */
static void run_fields(struct hostile_fixture *self, __u32 field)
{
	struct v4l2_format format;
	int input = 1;

	need_heap();
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, get_format(self->video, &format));
	format.fmt.pix.field = field;
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(field, format.fmt.pix.field);
	close(self->allocator);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
}

/* The field that comes first in a frame of this camera's TV standard */
static __u32 first_field(struct hostile_fixture *self)
{
	v4l2_std_id std = 0;

	ASSERT_EQ(0, call_fd(self->video, VIDIOC_G_STD, &std));
	return (std & V4L2_STD_525_60) ? KS_VIDEO_FLAG_FIELD2 : KS_VIDEO_FLAG_FIELD1;
}

/*
 * I3: the header says which field a frame is. The two fields of a frame have the same sequence
 * number. This is no gap: neither DATADISCONTINUITY nor fdinfo report one.
 */
TEST_F(hostile, alternate_fields)
{
	struct ksalloc_complete frame = { 0 };
	char text[32] = "", expected[32];
	int i, gaps = 0, pairs = 0;
	__u32 last = 0, first;

	run_fields(self, V4L2_FIELD_ALTERNATE);
	first = first_field(self);
	for (i = 0; i < 16; i++) {
		__u32 before = frame.header.type_specific_flags, field;

		rig_turn(&self->rig, &frame);
		field = frame.header.type_specific_flags;
		EXPECT_TRUE(field == KS_VIDEO_FLAG_FIELD1 || field == KS_VIDEO_FLAG_FIELD2);
		if (i) {
			bool gap = frame.sequence != last &&
				   frame.sequence != last + 1;

			EXPECT_EQ(gap, discontinuity(&frame));
			gaps += gap;
			/* vivid can give two frames the same number if the machine is busy */
			if (frame.sequence == last && field != before) {
				EXPECT_EQ(first, before);
				pairs++;
			}
		}
		last = frame.sequence;
	}
	/* Both kinds must have occurred, or the test shows nothing. */
	EXPECT_LT(0, pairs);
	/* No more frames while the count is read */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	snprintf(expected, sizeof(expected), "%d", gaps);
	EXPECT_TRUE(fdinfo_value(self->connection, "gaps", text,
				 sizeof(text)));
	EXPECT_STREQ(expected, text);
}

/* I3: if all frames are the same field, the format says which, and the header does not. */
TEST_F(hostile, one_field)
{
	struct ksalloc_complete frame = { 0 };

	run_fields(self, V4L2_FIELD_BOTTOM);
	rig_turn(&self->rig, &frame);
	EXPECT_EQ(KS_VIDEO_FLAG_FRAME, frame.header.type_specific_flags);
}

/*
 * Checks the first frame that is filled after a pause. Frames that were filled before it
 * are completed first
 */
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
 * Pictures are lost while the stream is paused: DATADISCONTINUITY on the first frame after
 * the pause, and not on the first frame of a stream.
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
 * When the device has disappeared, the allocator can be replaced by none: its memory is
 * freed while the connection is still open.
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
 * The assigned allocator is refused like any other if the format has become too large for
 * it: EINVAL. It stays assigned.
 */
TEST_F(hostile, same_allocator_after_format_grew)
{
	need_heap();
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_format(self->video, 640, 360));
	EXPECT_EQ(-EINVAL, set_allocator(self->connection, self->allocator));
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	expect_capture(self);
}

/* Any character device as a heap: EINVAL, and nothing is leaked. */
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

/* Files that are opened from now on cannot be used for ioctls. */
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
 * A connection or an allocator does not circumvent a security module that forbids ioctls of
 * a device: EACCES for a camera and for a heap.
 */
TEST_F(hostile, forbidden_ioctls)
{
	struct v4l2_format format;
	struct footprint before;
	int video, heap;

	need_heap();
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
	/* Files that were opened before can still be used. */
	expect_capture(self);
}

#define ASKED "ksalloc_test/asked"

/* Traces about which ioctls the kernel asks the security modules */
FIXTURE(asked) {
	struct rig rig;
};

FIXTURE_SETUP(asked)
{
	char filter[32];
	int fd;

	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	if (access(TRACING "/kprobe_events", F_OK))
		SKIP("the kernel does not trace calls");
	/* A test that was killed leaves the event */
	write_text(TRACING "/events/" ASKED "/enable", "0");
	write_text(TRACING "/kprobe_events", "-:" ASKED);
	ASSERT_EQ(0, write_text(TRACING "/kprobe_events",
				"p:" ASKED " security_file_ioctl cmd=$arg2:u32"));
	/* This empties the trace */
	fd = open(TRACING "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ASSERT_LE(0, fd);
	close(fd);
	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	ASSERT_EQ(0, write_text(TRACING "/events/" ASKED "/filter", filter));
	ASSERT_EQ(0, write_text(TRACING "/tracing_on", "1"));
}

FIXTURE_TEARDOWN(asked)
{
	write_text(TRACING "/events/" ASKED "/enable", "0");
	write_text(TRACING "/kprobe_events", "-:" ASKED);
	rig_close(&self->rig);
}

static bool is_traced(const char *trace, unsigned int cmd)
{
	char text[32];

	snprintf(text, sizeof(text), " cmd=%u\n", cmd);
	return strstr(trace, text);
}

struct asked_ioctl {
	const char *name;
	unsigned int cmd;
};

/* Makes a call that returns a file, and expects these questions */
static void expect_asked(int fd, unsigned int cmd, void *arg, const struct asked_ioctl *asked,
			 unsigned int count)
{
	static char trace[64 * 1024];
	unsigned int i;
	int file;

	ASSERT_EQ(0, write_text(TRACING "/events/" ASKED "/enable", "1"));
	file = ioctl(fd, cmd, arg);
	ASSERT_EQ(0, write_text(TRACING "/events/" ASKED "/enable", "0"));
	ASSERT_LE(0, file);
	close(file);
	ASSERT_LT(0, read_text(TRACING "/trace", trace, sizeof(trace)));
	ASSERT_TRUE(is_traced(trace, cmd));
	for (i = 0; i < count; i++)
		if (!EXPECT_TRUE(is_traced(trace, asked[i].cmd)))
			harness_note("(VIDIOC_%s)", asked[i].name);
}

#define ASKS(name) { #name, VIDIOC_##name }

/*
 * CONNECT asks the security modules whether the caller may use each ioctl of the device whose
 * operation a connection calls: a module can forbid any of them.
 */
TEST_F(asked, each_ioctl)
{
	static const struct asked_ioctl used[] = {
		ASKS(G_FMT), ASKS(REQBUFS), ASKS(QUERYBUF), ASKS(EXPBUF), ASKS(PREPARE_BUF),
		ASKS(QBUF), ASKS(DQBUF), ASKS(STREAMON), ASKS(STREAMOFF), ASKS(G_PARM),
		ASKS(ENUM_FRAMESIZES),
	};
	struct ksalloc_connect arg = {
		.size = sizeof(arg),
		.v4l2_fd = self->rig.video,
	};

	expect_asked(self->rig.ksalloc, KSALLOC_CONNECT, &arg, used, ARRAY_SIZE(used));
}

/* SHARE does so for each ioctl that other programs can then make on its node. */
TEST_F(asked, each_ioctl_of_a_share)
{
	static const struct asked_ioctl used[] = {
		ASKS(G_FMT), ASKS(REQBUFS), ASKS(STREAMON), ASKS(QUERYCAP), ASKS(ENUM_FMT),
		ASKS(S_FMT), ASKS(TRY_FMT), ASKS(S_PARM), ASKS(ENUM_FRAMEINTERVALS),
		ASKS(ENUMINPUT), ASKS(G_INPUT), ASKS(QUERYCTRL), ASKS(QUERY_EXT_CTRL),
		ASKS(QUERYMENU), ASKS(G_CTRL), ASKS(S_CTRL), ASKS(G_EXT_CTRLS),
		ASKS(S_EXT_CTRLS), ASKS(TRY_EXT_CTRLS), ASKS(SUBSCRIBE_EVENT),
		ASKS(UNSUBSCRIBE_EVENT), ASKS(DQEVENT),
	};
	struct ksalloc_share arg = {
		.size = sizeof(arg),
		.v4l2_fd = self->rig.video,
	};

	expect_asked(self->rig.ksalloc, KSALLOC_SHARE, &arg, used, ARRAY_SIZE(used));
}
