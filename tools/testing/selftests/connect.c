// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSALLOC_CONNECT: which files it accepts, which references a connection holds, and what it
 * reports about its device.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A KSALLOC_CONNECT that must fail and leak nothing */
static void expect_no_connection(int fd, int expected)
{
	struct footprint before;
	int ksalloc;

	repair_machine();
	ksalloc = open_ksalloc();
	footprint_take(&before);
	EXPECT_EQ(expected, do_connect(ksalloc, fd));
	EXPECT_FOOTPRINT(&before);
}

static void expect_node_refused(const char *name, int expected)
{
	repair_machine();
	expect_no_connection(open_node(name, O_RDWR), expected);
}

static void expect_path_refused(const char *path, int flags, int expected)
{
	int fd;

	repair_machine();
	fd = open(path, flags | O_CLOEXEC);
	ASSERT_LE(0, fd);
	expect_no_connection(fd, expected);
}

/* A5: a number that was never a descriptor: EBADF. */
TEST(not_open)
{
	expect_no_connection(-1, -EBADF);
	expect_no_connection(-2, -EBADF);
	expect_no_connection(AT_FDCWD, -EBADF);
	expect_no_connection(INT_MIN, -EBADF);
	expect_no_connection(INT_MAX, -EBADF);
	expect_no_connection(1000, -EBADF);
}

/* A5: a descriptor that was closed: EBADF. */
TEST(closed)
{
	repair_machine();
	ASSERT_EQ(100, dup2(open_camera(0), 100));
	close(100);
	expect_no_connection(100, -EBADF);
}

/* A5: an O_PATH descriptor of a camera: EBADF. */
TEST(path_only)
{
	repair_machine();
	expect_no_connection(open(node_path("vivid-000-vid-cap"),
				  O_PATH | O_CLOEXEC), -EBADF);
}

/* A5: a camera that is open for reading only: EACCES. */
TEST(read_only)
{
	expect_path_refused(node_path("vivid-000-vid-cap"), O_RDONLY, -EACCES);
}

/* A5: a camera that is open for writing only: EACCES. */
TEST(write_only)
{
	expect_path_refused(node_path("vivid-000-vid-cap"), O_WRONLY, -EACCES);
}

/* A5: a pipe that is open for reading and writing: EINVAL. */
TEST(pipe)
{
	const char *path = "/tmp/selftest-fifo";
	int fd;

	unlink(path);
	ASSERT_EQ(0, mkfifo(path, 0600));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	unlink(path);
	expect_no_connection(fd, -EINVAL);
}

/* A5: an end of a pipe: EINVAL, because the kind is checked before the mode. */
TEST(pipe_ends)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	expect_no_connection(fds[0], -EINVAL);
	expect_no_connection(fds[1], -EINVAL);
}

/* A5: a regular file: EINVAL. */
TEST(regular_file)
{
	const char *path = "/tmp/selftest-file";
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	unlink(path);
	expect_no_connection(fd, -EINVAL);
	expect_no_connection(memfd_create("selftest", 0), -EINVAL);
}

/* A5: a directory: EINVAL. */
TEST(directory)
{
	expect_path_refused("/tmp", O_RDONLY | O_DIRECTORY, -EINVAL);
}

/* A5: sockets and the kernel's anonymous files: EINVAL. */
TEST(anonymous_files)
{
	expect_no_connection(socket(AF_UNIX, SOCK_STREAM, 0), -EINVAL);
	expect_no_connection(eventfd(0, 0), -EINVAL);
	expect_no_connection(epoll_create1(0), -EINVAL);
	expect_no_connection(timerfd_create(CLOCK_MONOTONIC, 0), -EINVAL);
}

/* A5: V4L2 nodes that are not cameras: EINVAL. */
TEST(video_output)
{
	expect_node_refused("vivid-000-vid-out", -EINVAL);
}

/* A5: a VBI capture node: EINVAL. */
TEST(vbi_capture)
{
	expect_node_refused("vivid-000-vbi-cap", -EINVAL);
}

/* A5: a VBI output node: EINVAL. */
TEST(vbi_output)
{
	expect_node_refused("vivid-000-vbi-out", -EINVAL);
}

/* A5: a radio: EINVAL. */
TEST(radio)
{
	expect_node_refused("vivid-000-rad-rx", -EINVAL);
	expect_node_refused("vivid-000-rad-tx", -EINVAL);
}

/* A5: a software radio: EINVAL. */
TEST(software_radio)
{
	expect_node_refused("vivid-000-sdr-cap", -EINVAL);
}

/* A5: metadata nodes: EINVAL. */
TEST(metadata)
{
	expect_node_refused("vivid-000-meta-cap", -EINVAL);
	expect_node_refused("vivid-000-meta-out", -EINVAL);
}

/* A5: a touch sensor: EINVAL, although it has a capture queue. */
TEST(touch)
{
	expect_node_refused("vivid-000-touch-cap", -EINVAL);
}

/* A5: a dma-buf heap in place of a camera: EINVAL. */
TEST(heap)
{
	need_heap();
	expect_path_refused("/dev/dma_heap/system", O_RDWR, -EINVAL);
}

/* A5: character devices of other modules: EINVAL. */
TEST(other_devices)
{
	static const char * const paths[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/udmabuf",
		"/dev/media0", "/dev/cec0",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		if (access(paths[i], F_OK)) {
			harness_note("no %s here", paths[i]);
			continue;
		}
		expect_path_refused(paths[i], O_RDWR, -EINVAL);
	}
}

FIXTURE(connect) {
	struct rig rig;
};

FIXTURE_SETUP(connect)
{
	rig_open(&self->rig, 0, 320, 180);
}

FIXTURE_TEARDOWN(connect)
{
	rig_close(&self->rig);
}

/* A5: files of the module in place of a camera: EINVAL. */
TEST_F(connect, own_files)
{
	int dmabuf;

	rig_allocator(&self->rig, 0);
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	expect_no_connection(self->rig.ksalloc, -EINVAL);
	expect_no_connection(self->rig.connection, -EINVAL);
	expect_no_connection(self->rig.allocator, -EINVAL);
	expect_no_connection(dmabuf, -EINVAL);
}

/* A new connection is in STOP, has nothing pending, and is close-on-exec. */
TEST_F(connect, fresh)
{
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	EXPECT_EQ(0, get_pending(self->rig.connection));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->rig.connection, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(self->rig.connection, F_GETFL) & O_ACCMODE);
}

/*
 * There can be several connections of a V4L2 file, and of other files of its device. Only
 * one of them can be in ACQUIRE or above: EBUSY for the others.
 */
TEST_F(connect, several_on_one_file)
{
	int connections[3], i, j;

	need_heap();
	for (i = 0; i < 3; i++) {
		connections[i] = do_connect(self->rig.ksalloc, self->rig.video);
		ASSERT_LE(0, connections[i]);
	}
	rig_allocator(&self->rig, 0);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, set_allocator(connections[i],
					   self->rig.allocator));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, set_state(connections[i], KSSTATE_ACQUIRE));
		for (j = i + 1; j < 3; j++)
			EXPECT_EQ(-EBUSY, set_state(connections[j],
						    KSSTATE_RUN));
		ASSERT_EQ(0, set_state(connections[i], KSSTATE_RUN));
		ASSERT_LT(0, rig_submit_all(&(struct rig){
			.connection = connections[i],
			.allocator = self->rig.allocator,
		}));
		EXPECT_LE(0, complete(connections[i], 0, in_ms(PATIENCE_MS),
				      NULL));
		/* The frames that it completed become free when it ends. */
		close(connections[i]);
		EXPECT_TRUE(EVENTUALLY(allocated(self->rig.allocator) == 0));
	}
}

/* When a connection is closed, its V4L2 file can be connected again. */
TEST_F(connect, again_after_close)
{
	int again;

	close(self->rig.connection);
	again = do_connect(self->rig.ksalloc, self->rig.video);
	ASSERT_LE(0, again);
	EXPECT_EQ(KSSTATE_STOP, get_state(again));
	self->rig.connection = again;
}

/* A4: without a free descriptor, CONNECT fails with EMFILE and keeps no reference. */
TEST_F(connect, no_descriptor_left)
{
	struct footprint before;
	struct rlimit limit;
	int other;

	other = open_camera(0);
	footprint_take(&before);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = other + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, do_connect(self->rig.ksalloc, other));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_FOOTPRINT(&before);
	EXPECT_LE(0, do_connect(self->rig.ksalloc, other));
}

#define NOBODY 65534

/* The result of CONNECT in a process without permissions, which got an open file */
static int connect_as_nobody(int ksalloc, int video)
{
	int status, result;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		ASSERT_EQ(0, setgroups(0, NULL));
		ASSERT_EQ(0, setgid(NOBODY));
		ASSERT_EQ(0, setuid(NOBODY));
		result = do_connect(ksalloc, video);
		_exit(result < 0 ? -result : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/*
 * An open file of the node is the permission to use it: a process that was given one can
 * connect, whatever its user and the mode of the node are.
 */
TEST_F(connect, given_file)
{
	const char *path = node_path("vivid-000-vid-cap");
	int video = open_camera(0);
	struct stat st;

	ASSERT_EQ(0, stat(path, &st));
	ASSERT_EQ(0, chmod(path, 0600));
	EXPECT_EQ(0, connect_as_nobody(self->rig.ksalloc, video));
	ASSERT_EQ(0, chmod(path, st.st_mode & 07777));
	close(video);
}

/* It connects to the node of the open file, even if another node has its name by now. */
TEST_F(connect, node_is_renamed)
{
	char path[64], away[80];
	int connection;

	snprintf(path, sizeof(path), "%s", node_path("vivid-000-vid-cap"));
	snprintf(away, sizeof(away), "%s-away", path);
	ASSERT_EQ(0, rename(path, away));
	connection = do_connect(self->rig.ksalloc, self->rig.video);
	ASSERT_EQ(0, rename(away, path));
	ASSERT_LE(0, connection);
	close(connection);
}

/* Two files of one device can have a connection each. One of them has the buffers. */
TEST_F(connect, two_files_of_a_device)
{
	struct rig other;

	need_heap();
	rig_open(&other, 0, 320, 180);
	rig_allocator(&self->rig, 0);
	rig_allocator(&other, 0);

	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EBUSY, set_state(other.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EBUSY, set_state(other.connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(other.connection));
	EXPECT_EQ(KSSTATE_ACQUIRE, get_state(self->rig.connection));

	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, set_state(other.connection, KSSTATE_RUN));
	EXPECT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	rig_close(&other);
	EXPECT_TRUE(EVENTUALLY(!set_state(self->rig.connection,
					  KSSTATE_ACQUIRE)));
}

/* The caller may close its V4L2 file: the connection captures nevertheless. */
TEST_F(connect, caller_closes_video)
{
	struct ksalloc_complete frame;
	int i;

	close(self->rig.video);
	self->rig.video = 0;
	rig_allocator(&self->rig, 4);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	for (i = 0; i < 8; i++)
		rig_turn(&self->rig, &frame);
	EXPECT_EQ(320 * 180 * 2, frame.header.data_used);
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->rig.allocator));
}

/* The same if the V4L2 file is closed while frames arrive. */
TEST_F(connect, caller_closes_video_while_streaming)
{
	int i;

	rig_allocator(&self->rig, 4);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
	close(self->rig.video);
	self->rig.video = 0;
	for (i = 0; i < 8; i++)
		rig_turn(&self->rig, NULL);
}

/* /dev/ksalloc is not needed any more when there is a connection. */
TEST_F(connect, ksalloc_closed)
{
	close(self->rig.ksalloc);
	self->rig.ksalloc = 0;
	rig_allocator(&self->rig, 4);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
}

/* When the connection is closed, the V4L2 file is as it was before. */
TEST_F(connect, video_usable_after_close)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	need_heap();
	rig_allocator(&self->rig, 4);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	close(self->rig.connection);
	self->rig.connection = 0;
	EXPECT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, set_format(self->rig.video, 640, 360));
	request.count = 0;
	EXPECT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(0, set_format(self->rig.video, 640, 360));
}

/* If another file has requested buffers of the device, ACQUIRE fails with EBUSY. */
TEST_F(connect, buffers_of_others)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int other;

	need_heap();
	rig_allocator(&self->rig, 4);
	other = open_camera(0);
	ASSERT_EQ(0, call_fd(other, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	close(other);
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
}

/* The same if they were requested through the connected V4L2 file. */
TEST_F(connect, buffers_of_the_caller)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	};

	need_heap();
	rig_allocator(&self->rig, 4);
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	/* That file still has them. */
	EXPECT_EQ(0, call_fd(self->rig.video, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(V4L2_MEMORY_MMAP, buffer.memory);
	request.count = 0;
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
}

/* D3, H2: the framing is what the device needs in its current format. */
TEST_F(connect, framing)
{
	const struct ksallocator_framing *framing = &self->rig.framing;

	EXPECT_EQ(320 * 180 * 2, framing->frame_size);
	/* Also on a kernel without heaps, because a client can import other dma-bufs */
	EXPECT_EQ(KSALLOCATOR_REQUIREMENTF_INPLACE_MODIFIER |
		  KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		  framing->requirements_flags);
	/* The queue of vivid needs at least two buffers. */
	EXPECT_LE(2, framing->frames);
	EXPECT_GE(32, framing->frames);
	EXPECT_EQ(0, framing->file_alignment & (framing->file_alignment + 1));
	EXPECT_GT(getpagesize(), framing->file_alignment);
	EXPECT_GE(KSALLOC_POOL_PAGED, framing->pool_type);
	EXPECT_EQ(0, framing->reserved);
}

/* D3: it depends on the format, both its size and its pixel format. */
TEST_F(connect, framing_follows_format)
{
	static const struct {
		unsigned int width, height, pixelformat;
	} formats[] = {
		{ 1920, 1080, V4L2_PIX_FMT_YUYV },
		{ 640, 480, V4L2_PIX_FMT_RGB24 },
		{ 640, 360, V4L2_PIX_FMT_NV12 },
		{ 320, 180, V4L2_PIX_FMT_GREY },
	};
	struct ksallocator_framing framing;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct v4l2_format format;

		ASSERT_EQ(0, get_format(self->rig.video, &format));
		format.fmt.pix.width = formats[i].width;
		format.fmt.pix.height = formats[i].height;
		format.fmt.pix.pixelformat = formats[i].pixelformat;
		format.fmt.pix.bytesperline = 0;
		ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_S_FMT, &format));
		ASSERT_EQ(formats[i].pixelformat, format.fmt.pix.pixelformat);
		ASSERT_EQ(0, get_framing(self->rig.connection, &framing));
		EXPECT_EQ(format.fmt.pix.sizeimage, framing.frame_size);
	}
}

/* The framing that the device reports is sufficient: an allocator with it can capture. */
TEST_F(connect, framing_is_enough)
{
	int i;

	self->rig.allocator = create_allocator(self->rig.connection,
					       self->rig.heap,
					       self->rig.framing.frames,
					       self->rig.framing.frame_size);
	ASSERT_LE(0, self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(self->rig.framing.frames, rig_submit_all(&self->rig));
	for (i = 0; i < 5; i++)
		rig_turn(&self->rig, NULL);
}
