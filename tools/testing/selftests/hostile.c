// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can do to the module on purpose: queue buffers of its own on
 * the camera's file, exchange descriptors under the module's hands, answer no
 * page fault before something else has happened, send signals without end, hand
 * over any file as a heap. The worst that may come of it is an error, for this
 * process and no other. Each test here stands for a mistake that there was once.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
#define PAGE 4096

/* Landlock's right to call ioctls of devices; headers may be older */
#define LANDLOCK_IOCTL_DEV 0x8000
#define LANDLOCK_ABI_IOCTL_DEV 5
#define LANDLOCK_GET_ABI 1

/* One camera, connected, with an allocator, in STOP */
FIXTURE(hostile) {
	struct rig rig;
	int connection, allocator, video;
	int other;
};

static void open_hostile(struct hostile_fixture *self, unsigned int width,
			 unsigned int height, unsigned int frames)
{
	rig_open(&self->rig, 0, width, height);
	rig_allocator(&self->rig, frames);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	self->video = self->rig.video;
}

FIXTURE_SETUP(hostile)
{
	open_hostile(self, WIDTH, HEIGHT, FRAMES);
}

FIXTURE_TEARDOWN(hostile)
{
	rig_close(&self->rig);
	if (!vivid_is_bound())
		vivid_bind();
}

/* All frames are free; a capture with all of them is possible. */
static void expect_capture(struct hostile_fixture *self)
{
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, rig_complete(&self->rig, NULL));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
}

/* The camera drops what it has filled: what is submitted stays submitted. */
static void drop_all(struct hostile_fixture *self, bool drop)
{
	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 drop ? 100 : 0));
}

/* The client's own use of its V4L2 file */

static int own_queue(int video, unsigned int index, int dmabuf)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = dmabuf,
	};

	return call_fd(video, VIDIOC_QBUF, &buffer);
}

static int own_request(int video, unsigned int memory, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};

	return call_fd(video, VIDIOC_REQBUFS, &request);
}

/*
 * After PAUSE, ACQUIRE and PAUSE nothing is submitted: a buffer that the client
 * has queued by its own VIDIOC_QBUF is passed over, though its frame was
 * submitted before, and the next one is delivered.
 */
TEST_F(hostile, own_buffer_after_cancelled_stream)
{
	int dmabuf = export_frame(self->allocator, 0);

	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, own_queue(self->video, 0, dmabuf));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(1, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 1));
	EXPECT_EQ(1, rig_complete(&self->rig, NULL));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, in_device(self->allocator));
	EXPECT_EQ(2, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(0, free_frame(self->allocator, 1));
	expect_capture(self);
}

/*
 * A buffer that the client has added by VIDIOC_CREATE_BUFS, with an index that no
 * frame has, is passed over, and the next one is delivered.
 */
TEST_F(hostile, own_buffer_beyond_the_frames)
{
	struct v4l2_create_buffers create = {
		.count = 1,
		.memory = V4L2_MEMORY_DMABUF,
	};
	int dmabuf = export_frame(self->allocator, 0);

	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, get_format(self->video, &create.format));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_CREATE_BUFS, &create));
	ASSERT_EQ(FRAMES, create.index);
	ASSERT_EQ(0, own_queue(self->video, create.index, dmabuf));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, free_frame(self->allocator, 0));
	expect_capture(self);
}

/*
 * In RUN with nothing submitted poll and epoll say nothing, as COMPLETE would
 * wait; not even where the camera has filled a buffer of the client's own.
 */
TEST_F(hostile, poll_with_nothing_submitted)
{
	struct epoll_event event = { .events = EPOLLIN };
	int dmabuf = export_frame(self->allocator, 0);
	int epoll = epoll_create1(0);

	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->connection,
			       &event));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	ASSERT_EQ(0, own_queue(self->video, 0, dmabuf));
	ASSERT_EQ(POLLIN, poll_fd(self->video, POLLIN, PATIENCE_MS));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	expect_capture(self);
}

/*
 * The client frees the queue's buffers under the connection, and polls it: that
 * does not start videobuf2's read(), so the next stream runs.
 */
TEST_F(hostile, poll_of_an_emptied_queue)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	drop_all(self, true);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_STREAMOFF, &type));
	ASSERT_EQ(0, own_request(self->video, V4L2_MEMORY_DMABUF, 0));
	poll_fd(self->connection, POLLIN, 0);
	EXPECT_GT(0, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	drop_all(self, false);
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

/*
 * ACQUIRE does not throw away buffers that the client has allocated on the same
 * file: EBUSY, and they hold what they held and can be used.
 */
TEST_F(hostile, own_mmap_buffers)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned char *map;

	ASSERT_EQ(0, own_request(self->video, V4L2_MEMORY_MMAP, 2));
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_QUERYBUF, &buffer));
	map = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED,
		   self->video, buffer.m.offset);
	ASSERT_NE(MAP_FAILED, map);
	map[100] = 0x5a;
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));

	EXPECT_EQ(0x5a, map[100]);
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(V4L2_MEMORY_MMAP, buffer.memory);
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_QBUF, &buffer));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_STREAMON, &type));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_DQBUF, &buffer));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_STREAMOFF, &type));
	munmap(map, buffer.length);
	EXPECT_EQ(0, own_request(self->video, V4L2_MEMORY_MMAP, 0));
	expect_capture(self);
}

/*
 * A file of ours takes the place of the descriptor that the module makes for the
 * time of a call. Large frames make that time long.
 */
#define THIEF_FRAMES 16
#define THIEF_ROUNDS 60
#define THIEF_HITS 5

/* The number that the next descriptor will have */
static int next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	ASSERT_LE(0, fd);
	close(fd);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/*
 * Calls ACQUIRE, and puts @fd in the place of the module's descriptor, where it is
 * the last descriptor of its file; then locks the file if that is wanted. Returns
 * whether the module closed ours instead of its own.
 */
static bool acquire_and_steal(int connection, int fd, bool lock)
{
	struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.state = KSSTATE_ACQUIRE,
	};
	struct flock whole = { .l_type = F_WRLCK };
	int number = next_descriptor();
	bool stolen = false;
	struct call call;

	call_start(&call, connection, KSALLOC_SET_STATE, &arg);
	while (!call.done && !stolen)
		stolen = is_open(number);
	if (!stolen) {
		call_result(&call);
		close(fd);
		return false;
	}
	dup2(fd, number);
	close(fd);
	if (lock && fcntl(number, F_SETLK, &whole))
		stolen = false;
	call_result(&call);
	if (is_open(number)) {
		close(number);
		stolen = false;
	}
	return stolen;
}

static void expect_hits(int hits, int rounds)
{
	harness_note("hit %d times in %d rounds", hits, rounds);
	if (!hits)
		SKIP("the moment was never hit");
}

/*
 * The module's descriptor has become the last one of the very connection that is
 * being called: the call ends, and so does the connection.
 */
TEST(stolen_descriptor_of_the_connection)
{
	struct hostile_fixture self = { 0 };
	int round, hits = 0;

	open_hostile(&self, 1920, 1080, THIEF_FRAMES);
	for (round = 0; round < THIEF_ROUNDS && hits < THIEF_HITS; round++) {
		hits += acquire_and_steal(self.connection, self.connection,
					  false);
		self.connection = do_connect(self.rig.ksalloc, self.video);
		ASSERT_LE(0, self.connection);
		ASSERT_EQ(0, set_allocator(self.connection, self.allocator));
	}
	EXPECT_EQ(0, set_state(self.connection, KSSTATE_RUN));
	self.rig.connection = self.connection;
	rig_close(&self.rig);
	expect_hits(hits, round);
}

static int count_locks(void)
{
	char text[8192] = "";
	int count = 0;
	char *at;

	ASSERT_LE(0, read_text("/proc/locks", text, sizeof(text)));
	for (at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/*
 * The module's descriptor has become that of a file with a POSIX lock: it is
 * closed as close() closes it, which removes the lock.
 */
TEST(stolen_descriptor_of_a_locked_file)
{
	static const char path[] = "/tmp/ksalloc-hostile-lock";
	struct hostile_fixture self = { 0 };
	int round, hits = 0, locks, fd;

	open_hostile(&self, 1920, 1080, THIEF_FRAMES);
	locks = count_locks();
	for (round = 0; round < THIEF_ROUNDS && hits < THIEF_HITS; round++) {
		struct flock whole = { .l_type = F_WRLCK };

		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ASSERT_LE(0, fd);
		hits += acquire_and_steal(self.connection, fd, true);
		ASSERT_EQ(0, set_state(self.connection, KSSTATE_STOP));

		/* Unlike F_GETLK this sees our own locks. */
		fd = open(path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fcntl(fd, F_OFD_GETLK, &whole));
		ASSERT_EQ(F_UNLCK, whole.l_type);
		close(fd);
	}
	unlink(path);
	EXPECT_EQ(locks, count_locks());
	rig_close(&self.rig);
	expect_hits(hits, round);
}

/* No descriptor can be made until this is undone with the old limit. */
static struct rlimit forbid_descriptors(void)
{
	struct rlimit before = { 0 }, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	none = before;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	return before;
}

/*
 * From RUN to PAUSE no descriptor is needed, and no frame is lost. From PAUSE to
 * RUN one is: EMFILE, and state and frames stay what they are.
 */
TEST_F(hostile, pause_and_run_without_descriptors)
{
	struct rlimit before;
	int i;

	drop_all(self, true);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	before = forbid_descriptors();
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EMFILE, set_state(self->connection, KSSTATE_RUN));
		EXPECT_EQ(KSSTATE_PAUSE, get_state(self->connection));
		EXPECT_EQ(FRAMES, get_pending(self->connection));
		EXPECT_EQ(FRAMES, in_device(self->allocator));
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	drop_all(self, false);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
}

/* Cameras with the multi-planar API; vivid has an offset only if all are so. */
FIXTURE(planes) {
	struct rig rig;
};

FIXTURE_SETUP(planes)
{
	repair_machine();
	if (module_refs("vivid") < 0)
		SKIP("vivid cannot be loaded anew");
	vivid_reload("multiplanar=2,2");
	self->rig.ksalloc = open_ksalloc();
	self->rig.heap = open_heap();
	self->rig.video = open_camera(0);
}

FIXTURE_TEARDOWN(planes)
{
	rig_close(&self->rig);
	if (module_refs("vivid") >= 0)
		vivid_reload("");
}

static int set_multiplanar_format(int video, __u32 *size)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_YUYV,
			.field = V4L2_FIELD_NONE,
			.num_planes = 1,
		},
	};
	int input = 0;
	int err = call_fd(video, VIDIOC_S_INPUT, &input);

	if (!err)
		err = call_fd(video, VIDIOC_S_FMT, &format);
	*size = format.fmt.pix_mp.plane_fmt[0].sizeimage;
	return err;
}

/*
 * A device puts its data behind an offset: the header says where they begin and
 * how many they are, and there are the picture's first and last bytes.
 */
TEST_F(planes, data_offset)
{
	struct ksalloc_complete frame = { 0 };
	const struct ksstream_header *header = &frame.header;
	unsigned char *map;
	__u32 size = 0;
	int dmabuf;

	ASSERT_EQ(0, set_multiplanar_format(self->rig.video, &size));
	if (size == FRAME_SIZE)
		SKIP("vivid has no offset");
	self->rig.connection = do_connect(self->rig.ksalloc, self->rig.video);
	ASSERT_LE(0, self->rig.connection);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->rig.allocator));
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, size, PROT_READ | PROT_WRITE);
	memset(map, 0x33, size);
	ASSERT_EQ(0, submit(self->rig.connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));

	EXPECT_EQ(size, header->frame_extent);
	EXPECT_EQ(FRAME_SIZE, header->data_used);
	ASSERT_EQ(size - FRAME_SIZE, header->data);
	/* In the last line, white begins it, and black ends it. */
	map += header->data + FRAME_SIZE - WIDTH * 2;
	EXPECT_LT(150, map[0]);
	EXPECT_LT(150, map[2]);
	EXPECT_GT(20, map[WIDTH * 2 - 4]);
	EXPECT_GT(20, map[WIDTH * 2 - 2]);
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

/* A page that an argument can be read from but not be written back to */
static void *read_only_page(const void *arg, size_t size)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	memcpy(page, arg, size);
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	return page;
}

/*
 * A page of an argument, in the middle of whose use by a call something else
 * happens, in another thread: before the call can read it, or after it was read
 * and before the call hears that it cannot be written to.
 */
struct trap {
	char *page;
	char content[PAGE];
	__u64 mode;
	int fault_fd;
	void (*meanwhile)(void *data);
	void *data;
	pthread_t thread;
};

static void trap_release(struct trap *trap)
{
	const struct uffdio_range range = {
		.start = (unsigned long)trap->page,
		.len = PAGE,
	};
	struct uffdio_writeprotect unprotect = { .range = range };
	struct uffdio_copy copy = {
		.dst = range.start,
		.src = (unsigned long)trap->content,
		.len = PAGE,
	};

	if (trap->mode == UFFDIO_REGISTER_MODE_MISSING) {
		EXPECT_EQ(0, call_fd(trap->fault_fd, UFFDIO_COPY, &copy));
		return;
	}
	EXPECT_EQ(0, mprotect(trap->page, PAGE, PROT_READ));
	EXPECT_EQ(0, call_fd(trap->fault_fd, UFFDIO_WRITEPROTECT, &unprotect));
}

static void *trap_thread(void *data)
{
	struct trap *trap = data;
	struct uffd_msg message;

	ASSERT_EQ(POLLIN, poll_fd(trap->fault_fd, POLLIN, PATIENCE_MS));
	ASSERT_EQ(sizeof(message), read(trap->fault_fd, &message,
					sizeof(message)));
	trap->meanwhile(trap->data);
	trap_release(trap);
	return NULL;
}

static void trap_set(struct trap *trap, __u64 mode, const void *arg,
		     size_t size, void (*meanwhile)(void *data), void *data)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = { .mode = mode };
	struct uffdio_writeprotect protect = {
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	trap->mode = mode;
	trap->meanwhile = meanwhile;
	trap->data = data;
	memset(trap->content, 0, PAGE);
	memcpy(trap->content, arg, size);
	trap->fault_fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (trap->fault_fd < 0 || call_fd(trap->fault_fd, UFFDIO_API, &api))
		SKIP("no userfaultfd");
	trap->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, trap->page);
	if (mode == UFFDIO_REGISTER_MODE_WP)
		memcpy(trap->page, trap->content, PAGE);
	range.range.start = (unsigned long)trap->page;
	range.range.len = PAGE;
	protect.range = range.range;
	ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_REGISTER, &range));
	if (mode == UFFDIO_REGISTER_MODE_WP)
		ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_WRITEPROTECT,
				     &protect));
	ASSERT_EQ(0, pthread_create(&trap->thread, NULL, trap_thread, trap));
}

/* The call that falls into the trap */
static int trap_spring(struct trap *trap, int fd, unsigned long request)
{
	struct call call;
	int result;

	call_start(&call, fd, request, trap->page);
	result = call_result(&call);
	pthread_join(trap->thread, NULL);
	close(trap->fault_fd);
	return result;
}

static void stop(void *data)
{
	const struct hostile_fixture *self = data;

	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
}

static void next_stream(void *data)
{
	const struct hostile_fixture *self = data;

	EXPECT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
}

/* Another allocator, whose first frame we have got by COMPLETE likewise */
static void next_allocator(void *data)
{
	struct hostile_fixture *self = data;

	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	self->other = create_allocator(self->connection, self->rig.heap, FRAMES,
				       0);
	EXPECT_LE(0, self->other);
	EXPECT_EQ(0, set_allocator(self->connection, self->other));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, alloc_now(self->other));
	EXPECT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
}

/* COMPLETE gets a frame, cannot tell of it, and meanwhile something happens. */
static void complete_into_trap(struct hostile_fixture *self,
			       void (*meanwhile)(void *data))
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };
	struct trap trap;

	trap_set(&trap, UFFDIO_REGISTER_MODE_WP, &arg, sizeof(arg), meanwhile,
		 self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	EXPECT_EQ(-EFAULT, trap_spring(&trap, self->connection,
				       KSALLOC_COMPLETE));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, get_pending(self->connection));
}

/* The stream ends while COMPLETE's result cannot be written: the frame is free. */
TEST_F(hostile, stop_while_complete_faults)
{
	complete_into_trap(self, stop);
	expect_capture(self);
}

/* The same with the next stream begun already: the frame does not get into it. */
TEST_F(hostile, next_stream_while_complete_faults)
{
	complete_into_trap(self, next_stream);
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	expect_capture(self);
}

/* The same with another allocator: its frame of that number is not touched. */
TEST_F(hostile, next_allocator_while_complete_faults)
{
	complete_into_trap(self, next_allocator);
	EXPECT_EQ(1, allocated(self->other));
	EXPECT_EQ(0, in_device(self->other));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
	expect_capture(self);
}

/*
 * COMPLETE whose result cannot be written has collected nothing: the next one
 * gets the same frame, in RUN as in PAUSE, and then the others in their order.
 */
TEST_F(hostile, complete_after_a_fault)
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };
	void *page = read_only_page(&arg, sizeof(arg));
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE,
					   page));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE, page));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(-EFAULT, call_fd(self->connection, KSALLOC_COMPLETE, page));
	EXPECT_EQ(1, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 2; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
}

/* ALLOC whose result cannot be written, or in part only, has taken nothing. */
TEST_F(hostile, alloc_that_faults)
{
	const struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF | KSALLOC_NONBLOCK,
	};
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *last = pages + PAGE - offsetof(struct ksalloc_alloc, dmabuf_fd);
	int before = count_fds(), i;

	ASSERT_NE(MAP_FAILED, pages);
	memcpy(last, &arg, sizeof(arg));
	ASSERT_EQ(0, mprotect(pages + PAGE, PAGE, PROT_READ));
	for (i = 0; i < 2 * FRAMES; i++)
		EXPECT_EQ(-EFAULT, call_fd(self->allocator, KSALLOC_ALLOC,
					   last));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(before, count_fds());
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, alloc_now(self->allocator));
}

struct waiting {
	struct call call;
	struct ksalloc_alloc arg;
	int allocator;
};

static void begin_to_wait(void *data)
{
	struct waiting *waiting = data;

	waiting->arg.size = sizeof(waiting->arg);
	call_start(&waiting->call, waiting->allocator, KSALLOC_ALLOC,
		   &waiting->arg);
	EXPECT_TRUE(call_waits(&waiting->call));
}

/*
 * ALLOC gets the last frame and cannot tell of it; who has begun to wait for one
 * meanwhile gets it.
 */
TEST_F(hostile, waiter_while_alloc_faults)
{
	struct waiting waiting = { .allocator = self->allocator };
	const struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct trap trap;
	int i;

	for (i = 0; i < FRAMES - 1; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
	trap_set(&trap, UFFDIO_REGISTER_MODE_WP, &arg, sizeof(arg),
		 begin_to_wait, &waiting);
	EXPECT_EQ(-EFAULT, trap_spring(&trap, self->allocator,
				       KSALLOC_ALLOC));
	EXPECT_EQ(0, call_result(&waiting.call));
	EXPECT_EQ(FRAMES - 1, waiting.arg.index);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

struct other_owner {
	struct agent agent;
	int allocator, index, got;
};

static void give_to_another(void *data)
{
	struct other_owner *other = data;

	EXPECT_EQ(0, free_frame(other->allocator, other->index));
	other->got = agent_alloc(&other->agent, other->allocator);
}

/*
 * ALLOC gets a frame and cannot tell of it; who has it by then, because somebody
 * freed it, keeps it.
 */
TEST_F(hostile, other_owner_while_alloc_faults)
{
	struct other_owner other = {
		.allocator = self->allocator,
		.index = FRAMES - 1,
	};
	const struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct trap trap;
	int i;

	agent_start(&other.agent);
	for (i = 0; i < FRAMES - 1; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
	trap_set(&trap, UFFDIO_REGISTER_MODE_WP, &arg, sizeof(arg),
		 give_to_another, &other);
	EXPECT_EQ(-EFAULT, trap_spring(&trap, self->allocator,
				       KSALLOC_ALLOC));
	EXPECT_EQ(FRAMES - 1, other.got);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	agent_kill(&other.agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == FRAMES - 1));
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

static void close_last(void *data)
{
	int *fd = data;

	close(*fd);
	*fd = 0;
}

/*
 * The process closes its last descriptor of the connection when COMPLETE has been
 * entered but nobody could know that it will wait: ECANCELED all the same.
 */
TEST_F(hostile, last_close_before_complete_waits)
{
	const struct ksalloc_complete arg = { .size = sizeof(arg) };
	struct trap trap;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	trap_set(&trap, UFFDIO_REGISTER_MODE_MISSING, &arg, sizeof(arg),
		 close_last, &self->rig.connection);
	EXPECT_EQ(-ECANCELED, trap_spring(&trap, self->connection,
					  KSALLOC_COMPLETE));
	/* With the call the connection has ended. */
	EXPECT_EQ(0, own_request(self->video, V4L2_MEMORY_MMAP, 2));
}

/* The same with ALLOC, of an allocator that lives on with another process */
TEST_F(hostile, last_close_before_alloc_waits)
{
	const struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct agent agent;
	struct trap trap;
	int i;

	agent_start(&agent);
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, agent_alloc(&agent, self->allocator));
	trap_set(&trap, UFFDIO_REGISTER_MODE_MISSING, &arg, sizeof(arg),
		 close_last, &self->rig.allocator);
	EXPECT_EQ(-ECANCELED, trap_spring(&trap, self->allocator,
					  KSALLOC_ALLOC));
}

/*
 * The same with ENABLE_EVENT: there is no event afterwards, for nobody could end it
 * any more (E1, B7).
 */
TEST_F(hostile, last_close_before_enable_event)
{
	const struct ksalloc_enable_event arg = {
		.size = sizeof(arg),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
		.eventfd = eventfd(0, EFD_CLOEXEC),
	};
	char path[64], text[4096] = "";
	struct agent agent;
	struct trap trap;

	agent_start(&agent);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", agent.pid,
		 self->allocator);
	trap_set(&trap, UFFDIO_REGISTER_MODE_MISSING, &arg, sizeof(arg),
		 close_last, &self->rig.allocator);
	EXPECT_EQ(0, trap_spring(&trap, self->allocator, KSALLOC_ENABLE_EVENT));
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	EXPECT_TRUE(strstr(text, "events:\t0\n"));
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
