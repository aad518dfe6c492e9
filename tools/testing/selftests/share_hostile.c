// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process of another user that has only the node of a share, and tries to write to frames, to use
 * what belongs to others, and to stall them, also by fences that others would wait for. Meanwhile
 * other handles get each frame in time, and the picture in a frame that one of them has stays as it
 * is.
 */
#include "attacker.h"
#include "fence.h"
#include "share_steady.h"

#include <linux/dma-buf.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Frames that the steady handles get during the attack */
#define DURING 10
/* Together, they ask for more frames than the share has */
#define HANDLES 10
/* The number of the descriptor of a fence that the process has in one test */
#define FENCE 3
/*
 * It waits for frames with so many epoll files, in each of them with so many descriptors. On the
 * debug kernel, it takes seconds to begin as many
 */
#define EPOLLS 50
#define EPOLLS_DEBUG 5
#define WAITS 200

/* Returns another handle, which keeps a buffer with the picture until the caller closes it */
static int keep_picture(struct share_fixture *self, struct attack *attack)
{
	struct v4l2_buffer buffer;
	int fd = handle_open(self);
	const unsigned char *map;

	request_and_queue(fd, MANY, MANY);
	ASSERT_EQ(0, stream(fd, true));
	ASSERT_EQ(0, dequeue(fd, &buffer));
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd, buffer.m.offset);
	ASSERT_TRUE((void *)map != MAP_FAILED);
	attack_keep_picture(attack, map, FRAME_SIZE);
	return fd;
}

static void be_hostile(struct share_fixture *self, struct attack *attack, int fence,
		       void (*run)(const char *path))
{
	if (fence >= 0)
		ASSERT_EQ(FENCE, dup2(fence, FENCE));
	ASSERT_EQ(0, close_range(FENCE + (fence >= 0), ~0U, 0));
	become_other_user();
	for (;;) {
		run(self->path);
		attack_end_round(attack);
	}
}

/*
 * Lets the process try everything again and again, and kills it then. It has no file, besides
 * @fence if that is not negative.
 */
static void attack_with_fence(struct share_fixture *self, int fence,
			      void (*run)(const char *path))
{
	struct steady_handles handles = { };
	struct steady *steady = handles.each;
	unsigned int end[STEADY], i;
	struct attack attack;
	pid_t child;
	int keeper;

	attack_prepare(&attack);
	/* The process can use a processor all the time, so the others need more time */
	steady_start(self, &handles, 10);
	keeper = keep_picture(self, &attack);
	ASSERT_EQ(0, chmod(self->path, 0666));

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		be_hostile(self, &attack, fence, run);
	EXPECT_TRUE(EVENTUALLY(*attack.rounds));
	for (i = 0; i < STEADY; i++)
		end[i] = steady[i].frames + DURING;
	for (i = 0; i < STEADY; i++)
		EXPECT_TRUE(EVENTUALLY(steady[i].frames >= end[i]));
	attack_end(&attack, child);
	steady_end(&handles);
	close(keeper);
}

static void attack_with(struct share_fixture *self, void (*run)(const char *path))
{
	attack_with_fence(self, -1, run);
}

/* A handle of the process that streams */
static int start_handle(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	ASSERT_LE(0, fd);
	request_and_queue(fd, MANY, MANY);
	ASSERT_EQ(0, stream(fd, true));
	return fd;
}

/* Takes the next frame. Until the first attempt, poll() can also tell of one that others fetch */
static struct v4l2_buffer take_next(int fd)
{
	struct v4l2_buffer buffer;
	int ret;

	do {
		ASSERT_TRUE(poll_fd(fd, POLLIN, PATIENCE_MS) & POLLIN);
		ret = dequeue(fd, &buffer);
	} while (ret == -EAGAIN);
	ASSERT_EQ(0, ret);
	return buffer;
}

/* Writing */

static sigjmp_buf before_fault;

static void jump_back(int signal)
{
	siglongjmp(before_fault, signal);
}

/* By an instruction, which must fault */
static void store(unsigned char *map)
{
	struct sigaction action = { .sa_handler = jump_back };
	int signal;

	ASSERT_EQ(0, sigaction(SIGSEGV, &action, NULL));
	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	signal = sigsetjmp(before_fault, true);
	if (!signal) {
		__atomic_store_n(map, ~*map, __ATOMIC_SEQ_CST);
		ASSERT_TRUE(!"there was a fault");
	}
	ASSERT_EQ(SIGSEGV, signal);
}

/* By a dma-buf of the buffer */
static void write_to_dmabuf(int fd, unsigned int index)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	int dmabuf = export_buffer(fd, index, O_RDWR);
	char path[64], byte = 0;

	ASSERT_LE(0, dmabuf);
	ASSERT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0) ==
		    MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dmabuf);
	ASSERT_EQ(-1, open(path, O_RDWR));
	ASSERT_EQ(-1, write(dmabuf, &byte, 1));
	ASSERT_EQ(-1, ftruncate(dmabuf, 0));
	ASSERT_GT(0, call(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	close(dmabuf);
}

/* To the buffer that it has, and to those that others have */
static void try_to_write(const char *path)
{
	int fd = start_handle(path);
	struct v4l2_buffer had = take_next(fd), buffer;
	unsigned char *map, before;
	unsigned int index;

	for (index = 0; index < MANY; index++) {
		buffer = buffer_of(index);
		ASSERT_EQ(0, call(fd, VIDIOC_QUERYBUF, &buffer));
		map = mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   buffer.m.offset);
		ASSERT_TRUE((void *)map != MAP_FAILED);
		before = *map;
		store(map);
		map_for_writing(fd, buffer.m.offset, map, FRAME_SIZE);
		write_by_calls(map);
		write_to_dmabuf(fd, index);
		if (index == had.index) {
			write_by_tracer(map);
			ASSERT_EQ(before, *map);
		}
		munmap(map, FRAME_SIZE);
	}
	close(fd);
}

/* K5: another user finds no way to write to a frame, neither to its own nor to one of others. */
TEST_F_TIMEOUT(share, hostile_writes, 120)
{
	attack_with(self, try_to_write);
}

/* Keeping */

/* Buffers that it does not have, in each state of a handle */
static void queue_of_others(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned int index;

	ASSERT_LE(0, fd);
	for (index = 0; index < 2 * MANY; index++)
		ASSERT_EQ(-EINVAL, queue(fd, index));
	close(fd);
	fd = start_handle(path);
	for (index = 0; index < 2 * MANY; index++)
		ASSERT_EQ(-EINVAL, queue(fd, index));
	ASSERT_EQ(-EINVAL, queue(fd, ~0U));
	close(fd);
}

/* The handles have different frames, because each begins when the ones before have theirs */
static void hoard(const char *path)
{
	static int fd[HANDLES];
	static unsigned int handles;
	struct v4l2_buffer buffer;
	unsigned int taken, i;

	if (!handles)
		queue_of_others(path);
	for (; handles < HANDLES; handles++) {
		fd[handles] = start_handle(path);
		for (taken = 0; taken < STEADY_DEPTH; taken++) {
			if (!poll_fd(fd[handles], POLLIN, 250))
				break;
			dequeue(fd[handles], &buffer);
		}
	}
	/* Those that are not promised to it have been revoked */
	for (i = 0; i < HANDLES; i++)
		while (!dequeue(fd[i], &buffer))
			;
}

/* K2: another user who keeps all frames that it can get delays nobody. */
TEST_F_TIMEOUT(share, hostile_hoards, 120)
{
	attack_with(self, hoard);
}

/* Calls */

static void change_camera(int fd)
{
	struct v4l2_ext_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &control };
	struct v4l2_streamparm parm = { .type = TYPE };
	struct v4l2_format format = { .type = TYPE };
	const int most = V4L2_PRIORITY_RECORD, usual = V4L2_PRIORITY_DEFAULT;

	ASSERT_EQ(0, call(fd, VIDIOC_G_FMT, &format));
	format.fmt.pix.width *= 2;
	call(fd, VIDIOC_S_FMT, &format);
	ASSERT_EQ(0, call(fd, VIDIOC_G_FMT, &format));
	ASSERT_EQ(WIDTH, format.fmt.pix.width);
	set_rate(fd, 60);
	ASSERT_EQ(0, call(fd, VIDIOC_G_PARM, &parm));
	ASSERT_NE(60, parm.parm.capture.timeperframe.denominator);
	ASSERT_EQ(0, call(fd, VIDIOC_G_EXT_CTRLS, &controls));
	ASSERT_EQ(0, call(fd, VIDIOC_S_EXT_CTRLS, &controls));
	ASSERT_EQ(0, call(fd, VIDIOC_S_PRIORITY, (void *)&most));
	ASSERT_EQ(0, call(fd, VIDIOC_S_EXT_CTRLS, &controls));
	ASSERT_EQ(0, call(fd, VIDIOC_S_PRIORITY, (void *)&usual));
}

static void subscribe_often(int fd)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
		.flags = V4L2_EVENT_SUB_FL_SEND_INITIAL | V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK,
	};
	struct v4l2_event event;

	ASSERT_EQ(0, call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription));
	ASSERT_EQ(0, call(fd, VIDIOC_DQEVENT, &event));
	ASSERT_EQ(0, call(fd, VIDIOC_UNSUBSCRIBE_EVENT, &subscription));
}

static void wait_often(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	for (i = 0; i < 10; i++) {
		poll_fd(fd, POLLIN | POLLPRI, 0);
		epoll_wait(epoll, &event, 1, 0);
	}
	close(epoll);
}

static void call_often(const char *path)
{
	struct v4l2_buffer buffer;
	int fd[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = start_handle(path);
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		change_camera(fd[i]);
		subscribe_often(fd[i]);
		wait_often(fd[i]);
		ASSERT_EQ(-EBUSY, request_buffers(fd[i], 0));
		while (!dequeue(fd[i], &buffer))
			;
		ASSERT_EQ(0, stream(fd[i], false));
		ASSERT_EQ(0, stream(fd[i], true));
		ASSERT_EQ(0, stream(fd[i], false));
		ASSERT_EQ(0, request_buffers(fd[i], 0));
		ASSERT_EQ(MANY, request_buffers(fd[i], 1));
	}
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

/* K2, K12: another user who makes calls all the time changes and delays nothing. */
TEST_F_TIMEOUT(share, hostile_calls, 120)
{
	attack_with(self, call_often);
}

/* Waiting */

/* As a device that writes to all buffers, and does not end */
static void fence_buffers(int fd)
{
	unsigned int index;
	int dmabuf, other;

	for (index = 0; index < MANY; index++) {
		dmabuf = export_buffer(fd, index, O_CLOEXEC);
		ASSERT_LE(0, dmabuf);
		fence_import(FENCE, dmabuf, DMA_BUF_SYNC_RW);
		ASSERT_EQ(0, poll_fd(dmabuf, POLLIN | POLLOUT, 0));
		/* That of others, and of this process, too */
		other = export_buffer(fd, index, O_CLOEXEC);
		ASSERT_LE(0, other);
		ASSERT_EQ(POLLIN | POLLOUT, poll_fd(other, POLLIN | POLLOUT, 0));
		close(other);
	}
}

static unsigned int epolls;

/* Each of them is on the lists that are woken for each frame and each event. */
static void wait_everywhere(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI };
	int copies[WAITS], epoll, k;
	unsigned int i;

	for (k = 0; k < WAITS; k++) {
		copies[k] = dup(fd);
		ASSERT_LE(0, copies[k]);
	}
	for (i = 0; i < epolls; i++) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
		ASSERT_LE(0, epoll);
		for (k = 0; k < WAITS; k++)
			ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, copies[k], &event));
	}
}

/* Gets frames, too, so that its buffers circulate */
static void wait_and_fence(const char *path)
{
	struct v4l2_buffer buffer;
	static int fd;

	if (!fd) {
		fd = start_handle(path);
		fence_buffers(fd);
		wait_everywhere(fd);
	}
	buffer = take_next(fd);
	ASSERT_EQ(0, queue(fd, buffer.index));
}

/*
 * K2: another user whose device does not finish with the frames, and who waits in very many places,
 * delays nobody.
 */
TEST_F_TIMEOUT(share, hostile_waits, 120)
{
	struct fence fence;
	int file = fence_create(&fence);

	epolls = is_debug_kernel() ? EPOLLS_DEBUG : EPOLLS;
	attack_with_fence(self, file, wait_and_fence);
	close(file);
	fence_signal(&fence);
}
