// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of allocators of a device's own memory. device_memory.c tests their use.
 */
#include "ksalloc_test.h"

#include <sys/resource.h>
#include <unistd.h>

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
/* More buffers than any queue of vivid has */
#define TOO_MANY 512

static int reqbufs(int video, enum v4l2_memory memory, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};
	int err = call_fd(video, VIDIOC_REQBUFS, &req);

	return err ? err : (int)req.count;
}

/* No allocator is created yet */
FIXTURE(creation) {
	struct rig rig;
	struct footprint before;
};

FIXTURE_SETUP(creation)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(creation)
{
	rig_close(&self->rig);
	repair_machine();
}

/* A failed creation leaks nothing, and the device is free. */
static void expect_refused(struct creation_fixture *self, int expected,
			   unsigned int frames, unsigned int frame_size)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	EXPECT_EQ(expected, create_own(self->rig.connection, frames,
				       frame_size));
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_EQ(-EINVAL, call_fd(self->rig.video, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(2, reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 2));
	EXPECT_EQ(0, reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 0));
}

/* A9: more or larger buffers than the device can have: EOPNOTSUPP. */
TEST_F(creation, too_much)
{
	expect_refused(self, -EOPNOTSUPP, TOO_MANY, 0);
	expect_refused(self, -EOPNOTSUPP, FRAMES, FRAME_SIZE + getpagesize());
	expect_refused(self, -EINVAL, 1, 0);
	expect_refused(self, -EINVAL, FRAMES, FRAME_SIZE - 1);
	expect_refused(self, -E2BIG, KSALLOC_MAX_FRAMES + 1, 0);
}

/* A9: more memory than the machine has: ENOMEM. */
TEST_F(creation, limit)
{
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				"1"));
	expect_refused(self, -ENOMEM, 10, 0);
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes",
				"0"));
}

/* A9: if another file has buffers of the device, it keeps them: EBUSY. */
TEST_F(creation, busy)
{
	static const enum v4l2_memory memories[] = {
		V4L2_MEMORY_MMAP, V4L2_MEMORY_DMABUF, V4L2_MEMORY_USERPTR,
	};
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int other = open_camera(0), i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 2; j++) {
			int video = j ? other : self->rig.video;

			ASSERT_EQ(2, reqbufs(video, memories[i], 2));
			EXPECT_EQ(-EBUSY, create_own(self->rig.connection,
						     FRAMES, 0));
			buffer.index = 1;
			EXPECT_EQ(0, call_fd(video, VIDIOC_QUERYBUF, &buffer));
			EXPECT_EQ(memories[i], buffer.memory);
			ASSERT_EQ(0, reqbufs(video, memories[i], 0));
		}
	}
	close(other);
	EXPECT_FOOTPRINT(&self->before);
}

/* A9, A4: an error of the driver is passed on. */
TEST_F(creation, driver_fails)
{
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_REQBUFS Error", 1));
	expect_refused(self, -EINVAL, FRAMES, 0);
}

/* A4: without a free descriptor for any of the frames or for the allocator: EMFILE. */
TEST_F(creation, no_descriptors)
{
	struct rlimit old = { 0 }, none;
	int next = dup(0);

	close(next);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, create_own(self->rig.connection, FRAMES, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_EQ(2, reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 2));
}

/* A9: EBUSY for a file with less than the highest priority on the device. */
TEST_F(creation, priority)
{
	enum v4l2_priority record = V4L2_PRIORITY_RECORD;
	int other = open_camera(0);

	ASSERT_EQ(0, call_fd(other, VIDIOC_S_PRIORITY, &record));
	EXPECT_EQ(-EBUSY, create_own(self->rig.connection, FRAMES, 0));
	close(other);
	EXPECT_FOOTPRINT(&self->before);
}

/* A9: a device that has disappeared has no memory. */
TEST_F(creation, gone)
{
	vivid_unbind();
	EXPECT_EQ(-ENODEV, create_own(self->rig.connection, FRAMES, 0));
}

/* A9, B7: the process that created the allocator is killed: the device is free. */
TEST_F(creation, owner_killed)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.heap_fd = -1,
		.framing.frames = FRAMES,
	};
	struct ksalloc_set_allocator set = { .size = sizeof(set) };
	struct ksalloc_set_state run = {
		.size = sizeof(run),
		.state = KSSTATE_RUN,
	};
	struct agent agent;
	int connection;

	agent_start(&agent);
	connection = agent_pass(&agent, self->rig.connection);
	ASSERT_LE(0, connection);
	set.allocator_fd = agent_call(&agent, connection,
				      KSALLOC_CREATE_ALLOCATOR, &arg,
				      sizeof(arg));
	ASSERT_LE(0, set.allocator_fd);
	EXPECT_EQ(-EBUSY, create_own(self->rig.connection, FRAMES, 0));
	agent_kill(&agent);
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_TRUE(EVENTUALLY(reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 2) ==
			       2));
	ASSERT_EQ(0, reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 0));

	/* The same in RUN, with all files closed in this process */
	agent_start(&agent);
	connection = agent_pass(&agent, self->rig.connection);
	set.allocator_fd = agent_call(&agent, connection,
				      KSALLOC_CREATE_ALLOCATOR, &arg,
				      sizeof(arg));
	ASSERT_LE(0, set.allocator_fd);
	ASSERT_EQ(0, agent_call(&agent, connection, KSALLOC_SET_ALLOCATOR,
				&set, sizeof(set)));
	ASSERT_EQ(0, agent_call(&agent, connection, KSALLOC_SET_STATE, &run,
				sizeof(run)));
	close(self->rig.connection);
	close(self->rig.video);
	self->rig.connection = 0;
	agent_kill(&agent);
	self->rig.video = open_camera(0);
	EXPECT_TRUE(EVENTUALLY(reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 2) ==
			       2));
}
