// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: a failed call leaves nothing, and a program that delays its own calls for ever delays
 * nobody else.
 */
#include "share.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap.h"

/* Nodes of a camera, with those of ended shares */
#define NODES 8
/* Handles of a node that stream */
#define STREAMS KSALLOC_MAX_READERS
/* Handles of a node */
#define HANDLES 1024
#define NOBODY 65534

/* Makes a call while the process cannot have another descriptor */
static int call_without_descriptor(int fd, unsigned long request, void *arg)
{
	struct rlimit limit;
	int spare = dup(fd), ret;

	close(spare);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = spare;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ret = call(fd, request, arg);
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	return ret;
}

/* K12: without a descriptor there is no node, and the argument is as before. */
TEST_F(share, no_descriptor)
{
	struct ksalloc_share arg = {
		.size = sizeof(arg),
		.v4l2_fd = self->video,
		.node = 1234,
	};
	struct footprint before;

	footprint_take(&before);
	EXPECT_EQ(-EMFILE, call_without_descriptor(self->ksalloc, KSALLOC_SHARE, &arg));
	EXPECT_EQ(1234, arg.node);
	EXPECT_FOOTPRINT(&before);
}

/* K12: without a descriptor for a buffer, no view is left, and the argument is as before. */
TEST_F(share, no_descriptor_for_buffer)
{
	struct v4l2_exportbuffer export = { .type = TYPE, .flags = O_CLOEXEC, .fd = 1234 };
	int fd = handle_open(self);
	struct footprint before;

	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	footprint_take(&before);
	EXPECT_EQ(-EMFILE, call_without_descriptor(fd, VIDIOC_EXPBUF, &export));
	EXPECT_EQ(1234, export.fd);
	EXPECT_FOOTPRINT(&before);
	ASSERT_EQ(0, call(fd, VIDIOC_EXPBUF, &export));
	close(export.fd);
	close(fd);
}

/* While the camera waits for memory of one program, another one gets buffers and streams. */
static void expect_no_delay(struct share_fixture *self, unsigned long request,
			    const void *arg, size_t size)
{
	int slow = handle_open(self), fd;
	struct v4l2_buffer buffer;
	struct trap trap;

	trap_set(&trap, TRAP_READ, arg, size);
	trap_spring(&trap, slow, request);
	fd = handle_start(self);
	EXPECT_EQ(0, dequeue(fd, &buffer));
	close(fd);
	EXPECT_EQ(0, trap_release(&trap));
	close(slow);
}

/* K12: a thread that faults on the format of its call does not delay other programs. */
TEST_F(share, format_not_read)
{
	struct v4l2_format format = { .type = TYPE };

	ASSERT_EQ(0, call(self->video, VIDIOC_G_FMT, &format));
	expect_no_delay(self, VIDIOC_S_FMT, &format, sizeof(format));
	expect_no_delay(self, VIDIOC_TRY_FMT, &format, sizeof(format));
}

/* K12: a thread that faults on the rate of its call does not delay other programs. */
TEST_F(share, rate_not_read)
{
	struct v4l2_streamparm parm = { .type = TYPE };

	ASSERT_EQ(0, call(self->video, VIDIOC_G_PARM, &parm));
	expect_no_delay(self, VIDIOC_S_PARM, &parm, sizeof(parm));
}

/* K12: a thread that faults on the control of its call does not delay other programs. */
TEST_F(share, control_not_read)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };

	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	expect_no_delay(self, VIDIOC_S_CTRL, &control, sizeof(control));
}

/*
 * K11: the priority of a handle keeps others from changing controls, the format and the rate, but
 * not from streaming.
 */
TEST_F(share, priority)
{
	int record = V4L2_PRIORITY_RECORD, background = V4L2_PRIORITY_BACKGROUND;
	int normal = V4L2_PRIORITY_DEFAULT, none = 0, highest = 0;
	int owner = handle_open(self), other = handle_open(self), late;
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_control ext = { .id = V4L2_CID_BRIGHTNESS, .value = 127 };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &ext };
	struct v4l2_streamparm parm = { .type = TYPE };
	struct v4l2_format format = { .type = TYPE }, larger;
	struct v4l2_fract rate;
	__u32 width;

	ASSERT_EQ(0, call(other, VIDIOC_G_CTRL, &control));
	EXPECT_EQ(-EINVAL, call(owner, VIDIOC_S_PRIORITY, &none));
	EXPECT_EQ(0, call(owner, VIDIOC_S_PRIORITY, &record));
	late = handle_open(self);
	EXPECT_EQ(-EBUSY, call(other, VIDIOC_S_PRIORITY, &record));
	EXPECT_EQ(-EBUSY, call(other, VIDIOC_S_PRIORITY, &normal));
	EXPECT_EQ(0, call(late, VIDIOC_G_PRIORITY, &highest));
	EXPECT_EQ(record, highest);
	EXPECT_EQ(-EBUSY, call(other, VIDIOC_S_CTRL, &control));
	EXPECT_EQ(-EBUSY, call(late, VIDIOC_S_EXT_CTRLS, &controls));
	EXPECT_EQ(0, call(owner, VIDIOC_S_CTRL, &control));
	EXPECT_EQ(0, call(owner, VIDIOC_S_EXT_CTRLS, &controls));
	ASSERT_EQ(0, call(other, VIDIOC_G_FMT, &format));
	width = format.fmt.pix.width;
	format.fmt.pix.width = 2 * width;
	format.fmt.pix.height *= 2;
	larger = format;
	EXPECT_EQ(0, call(other, VIDIOC_TRY_FMT, &format));
	EXPECT_EQ(width, format.fmt.pix.width);
	format = larger;
	EXPECT_EQ(0, call(other, VIDIOC_S_FMT, &format));
	EXPECT_EQ(width, format.fmt.pix.width);
	ASSERT_EQ(0, call(other, VIDIOC_G_PARM, &parm));
	rate = parm.parm.capture.timeperframe;
	parm.parm.capture.timeperframe.denominator *= 2;
	EXPECT_EQ(0, call(other, VIDIOC_S_PARM, &parm));
	EXPECT_EQ(rate.denominator, parm.parm.capture.timeperframe.denominator);
	parm.parm.capture.timeperframe.denominator *= 2;
	EXPECT_EQ(0, call(owner, VIDIOC_S_PARM, &parm));
	EXPECT_EQ(rate.denominator * 2, parm.parm.capture.timeperframe.denominator);
	parm.parm.capture.timeperframe = rate;
	EXPECT_EQ(0, call(owner, VIDIOC_S_PARM, &parm));
	EXPECT_EQ(FRAMES, request_buffers(late, 4));
	EXPECT_EQ(0, stream(late, true));
	EXPECT_EQ(0, stream(late, false));
	/* The end of a handle ends its priority */
	close(owner);
	EXPECT_EQ(0, call(other, VIDIOC_S_CTRL, &control));
	EXPECT_EQ(0, call(other, VIDIOC_S_PRIORITY, &background));
	EXPECT_EQ(-EBUSY, call(other, VIDIOC_S_CTRL, &control));
	EXPECT_EQ(-EBUSY, call(other, VIDIOC_S_PRIORITY, &normal));
	EXPECT_EQ(FRAMES, request_buffers(other, 4));
	EXPECT_EQ(0, stream(other, true));
	close(late);
	EXPECT_EQ(0, call(other, VIDIOC_S_PRIORITY, &normal));
	close(other);
}

/* K12: an open node of an ended share does not keep the priority of the camera. */
TEST_F(share, priority_of_ended)
{
	const int record = V4L2_PRIORITY_RECORD;
	int owner, fd, other = open_camera(0);

	close(self->share);
	owner = open_camera(0);
	ASSERT_EQ(0, call(owner, VIDIOC_S_PRIORITY, (void *)&record));
	self->share = share_of(self->ksalloc, owner, 0, self->path);
	ASSERT_LE(0, self->share);
	fd = handle_open(self);
	close(owner);
	EXPECT_EQ(-EBUSY, set_format(other, WIDTH, HEIGHT));
	close(self->share);
	self->share = -1;
	EXPECT_EQ(0, set_format(other, WIDTH, HEIGHT));
	close(fd);
	close(other);
}

/* K12: a user cannot take all minor numbers, also not with handles of ended shares. */
TEST_F(share, nodes)
{
	int fd[2 * NODES], n, other, other_camera;
	char path[32];

	EXPECT_EQ(-EBUSY, share_of(self->ksalloc, self->video, 0, path));
	for (n = 0; n < 2 * NODES && self->share >= 0; n++) {
		fd[n] = handle_open(self);
		close(self->share);
		self->share = share_of(self->ksalloc, self->video, 0, self->path);
	}
	EXPECT_EQ(NODES, n);
	EXPECT_EQ(-EBUSY, self->share);
	/* Those of another camera do not count */
	other_camera = open_camera(1);
	other = share_of(self->ksalloc, other_camera, 0, path);
	EXPECT_LE(0, other);
	close(other);
	close(other_camera);
	while (n)
		close(fd[--n]);
	self->share = share_of(self->ksalloc, self->video, 0, self->path);
	EXPECT_LE(0, self->share);
}

static void subscribe(int fd, unsigned int flags)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
		.flags = flags,
	};

	ASSERT_EQ(0, call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription));
}

static void set_brightness(int fd, int value)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS, .value = value };

	ASSERT_EQ(0, call(fd, VIDIOC_S_CTRL, &control));
}

/* The handle, which does not block, gets an event with this value. */
static bool is_told(int fd, int value)
{
	struct v4l2_event event = { };

	return !call(fd, VIDIOC_DQEVENT, &event) && event.u.ctrl.value == value;
}

/* K12: a program cannot make an event take long by many handles. All that there are get it. */
TEST_F(share, handles_of_node)
{
	const struct rlimit many = { 2 * HANDLES, 2 * HANDLES };
	int fd[2 * HANDLES], n, i;
	struct rlimit before;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &many));
	for (n = 0; n < 2 * HANDLES; n++) {
		fd[n] = open(self->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd[n] < 0)
			break;
		subscribe(fd[n], 0);
	}
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(HANDLES, n);
	set_brightness(self->video, 99);
	for (i = 0; i < n; i++)
		EXPECT_TRUE(EVENTUALLY(is_told(fd[i], 99)));
	close(fd[0]);
	fd[0] = handle_open(self);
	while (n)
		close(fd[--n]);
	set_brightness(self->video, 127);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
}

struct vanishing {
	void *page;
	atomic_bool stop;
};

static void *vanish_thread(void *data)
{
	struct vanishing *vanishing = data;

	while (!vanishing->stop) {
		mprotect(vanishing->page, TRAP_PAGE, PROT_NONE);
		mprotect(vanishing->page, TRAP_PAGE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/*
 * K12: a call that fails does not end an earlier subscription. The argument vanishes at any time
 * during the call, so a module that reads it twice can fail in the middle.
 */
TEST_F(share, subscription_kept)
{
	struct vanishing vanishing = { };
	struct v4l2_event_subscription *again;
	int fd = handle_open(self), i, ret, failed = 0;
	pthread_t thread;

	vanishing.page = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(vanishing.page != MAP_FAILED);
	again = vanishing.page;
	again->type = V4L2_EVENT_CTRL;
	again->id = V4L2_CID_BRIGHTNESS;
	again->flags = V4L2_EVENT_SUB_FL_SEND_INITIAL;
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	subscribe(fd, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, vanish_thread, &vanishing));
	for (i = 0; i < 2000 && failed < 100; i++) {
		ret = call(fd, VIDIOC_SUBSCRIBE_EVENT, again);
		if (!ret)
			continue;
		ASSERT_EQ(-EFAULT, ret);
		failed++;
		set_brightness(self->video, i % 100);
		set_brightness(self->video, i % 100 + 100);
		if (!EVENTUALLY(is_told(fd, i % 100 + 100)))
			break;
	}
	vanishing.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	harness_note("%d calls, %d failed", i, failed);
	EXPECT_TRUE(i == 2000 || failed == 100);
	munmap(vanishing.page, TRAP_PAGE);
	set_brightness(self->video, 127);
	close(fd);
}

/* Nothing else runs on the processor of this thread until it sleeps. */
static void keep_processor(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
}

/*
 * K12: a handle that subscribes to the same control does not make others lose events: here, while
 * the work that passes the event has not run yet.
 */
TEST_F(share, events_of_others)
{
	int fd = handle_open(self), other = handle_open(self), i;

	keep_processor();
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	subscribe(fd, 0);
	for (i = 0; i < 100; i++) {
		set_brightness(self->video, i);
		subscribe(other, i & 1 ? V4L2_EVENT_SUB_FL_SEND_INITIAL : 0);
		ASSERT_TRUE(EVENTUALLY(is_told(fd, i)));
	}
	set_brightness(self->video, 127);
	close(other);
	close(fd);
}

/* A process that streams until it is killed. It has @fd, and the caller has it no more. */
static pid_t start_program(int fd, uid_t user)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ASSERT_EQ(0, setuid(user));
		for (;;)
			next(fd);
	}
	close(fd);
	return child;
}

static void end_program(pid_t child)
{
	int status;

	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* K2: while a program of another user streams, no program fetches frames for others. */
TEST_F(share, other_user)
{
	int fd = handle_start(self);
	pid_t own = start_program(handle_start(self), getuid());
	pid_t other = start_program(handle_start(self), NOBODY);

	EXPECT_TRUE(EVENTUALLY(only_thread_fetches()));
	end_program(other);
	next(fd);
	EXPECT_TRUE(EVENTUALLY(!only_thread_fetches()));
	end_program(own);
	next(fd);
	close(fd);
}

/* K11: the number of streams is limited. */
TEST_F_TIMEOUT(share, streams, 120)
{
	int fd[STREAMS + 1], i;

	for (i = 0; i <= STREAMS; i++) {
		fd[i] = handle_open(self);
		ASSERT_EQ(FRAMES, request_buffers(fd[i], 2));
		ASSERT_EQ(i < STREAMS ? 0 : -EBUSY, stream(fd[i], true));
	}
	/* One that streams already, and another one after it has stopped */
	EXPECT_EQ(0, stream(fd[0], true));
	EXPECT_EQ(0, stream(fd[0], false));
	EXPECT_EQ(0, stream(fd[STREAMS], true));
	EXPECT_EQ(-EBUSY, stream(fd[0], true));
	for (i = 0; i <= STREAMS; i++)
		close(fd[i]);
}
