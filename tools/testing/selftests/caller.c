// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 file that a connection was made from, and processes that are killed in a call
 * that waits for the camera.
 */
#include "ksalloc_test.h"

#include <dirent.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180

/* In STOP; the file that the connection was made from has this priority. */
static void open_rig(struct rig *rig, enum v4l2_priority priority)
{
	rig_open(rig, 0, WIDTH, HEIGHT);
	close(rig->connection);
	ASSERT_EQ(0, call_fd(rig->video, VIDIOC_S_PRIORITY, &priority));
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	rig_allocator(rig, FRAMES);
}

/*
 * A5, I1: the connection has the priority that the caller's file has when it is made,
 * also after that file is closed. Other files have the default priority.
 */
TEST(caller_priority)
{
	static const struct {
		enum v4l2_priority priority;
		int ours, others;
	} cases[] = {
		{ V4L2_PRIORITY_BACKGROUND, -EBUSY, 0 },
		{ V4L2_PRIORITY_DEFAULT, 0, 0 },
		{ V4L2_PRIORITY_RECORD, 0, -EBUSY },
	};
	struct rig rig = { 0 };
	unsigned int i, j;
	int other;

	need_heap();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		open_rig(&rig, cases[i].priority);
		for (j = 0; j < 2; j++) {
			other = open_camera(0);
			EXPECT_EQ(cases[i].others,
				  set_format(other, WIDTH, HEIGHT));
			EXPECT_EQ(cases[i].ours,
				  set_state(rig.connection, KSSTATE_ACQUIRE));
			close(other);
			EXPECT_EQ(0, set_state(rig.connection,
					       KSSTATE_ACQUIRE));
			ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
			if (!j)
				close(rig.video);
			rig.video = 0;
		}
		rig_close(&rig);
	}
}

/* A5: a connection with background priority does not block files with the same priority. */
TEST(caller_in_background)
{
	enum v4l2_priority priority = V4L2_PRIORITY_BACKGROUND;
	struct rig rig = { 0 };
	int other;

	need_heap();
	open_rig(&rig, priority);
	other = open_camera(0);
	ASSERT_EQ(0, call_fd(other, VIDIOC_S_PRIORITY, &priority));
	EXPECT_EQ(0, set_format(other, WIDTH, HEIGHT));
	EXPECT_EQ(0, set_state(rig.connection, KSSTATE_ACQUIRE));
	close(other);
	rig_close(&rig);
}

/*
 * A5: the connection does not keep the caller's file open: buffers that the caller has do
 * not outlive its file.
 */
TEST(caller_buffers)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct rig rig = { 0 };

	need_heap();
	open_rig(&rig, V4L2_PRIORITY_DEFAULT);
	ASSERT_EQ(0, call_fd(rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, set_state(rig.connection, KSSTATE_ACQUIRE));
	close(rig.video);
	rig.video = 0;
	EXPECT_EQ(0, set_state(rig.connection, KSSTATE_ACQUIRE));
	rig_close(&rig);
}

/* Counts the kernel threads of connections: see v4l2_thread.c and feed.c. */
static int count_threads(void)
{
	char path[300], name[32];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = opendir("/proc");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		count += read_text(path, name, sizeof(name)) > 0 &&
			 !strncmp(name, "ksalloc-", strlen("ksalloc-"));
	}
	closedir(dir);
	return count;
}

/*
 * A5, I1: a connection has kernel threads only in ACQUIRE and above. Only one connection to a
 * device can be in such a state, so the number of threads is limited. The number of connections
 * is not. At most one more thread is kept for the next device.
 */
TEST(caller_threads)
{
	struct ksalloc_set_state circulate = {
		.size = sizeof(circulate),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_RUN,
	};
	struct rig rig = { 0 }, other = { 0 };
	int own, camera, connection, second;

	need_heap();
	ASSERT_TRUE(EVENTUALLY(count_threads() <= 1));
	open_rig(&rig, V4L2_PRIORITY_DEFAULT);
	open_rig(&other, V4L2_PRIORITY_DEFAULT);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	EXPECT_EQ(FRAMES, rig_submit_all(&rig));
	EXPECT_EQ(1, count_threads());
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	/* Another connection gets the thread. */
	ASSERT_EQ(0, set_state(other.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(1, count_threads());
	ASSERT_EQ(0, set_state(other.connection, KSSTATE_STOP));
	/* A stream that circulates has another one. */
	ASSERT_EQ(0, call_fd(rig.connection, KSALLOC_SET_STATE, &circulate));
	EXPECT_EQ(2, count_threads());
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	EXPECT_TRUE(EVENTUALLY(count_threads() == 1));
	/*
	 * Two allocators, each of a camera's own memory, need two threads. When both are
	 * closed, one thread is kept.
	 */
	own = create_own(rig.connection, FRAMES, 0);
	ASSERT_LE(0, own);
	EXPECT_EQ(1, count_threads());
	camera = open_camera(1);
	connection = do_connect(rig.ksalloc, camera);
	ASSERT_LE(0, connection);
	second = create_own(connection, FRAMES, 0);
	ASSERT_LE(0, second);
	EXPECT_EQ(2, count_threads());
	close(second);
	close(own);
	EXPECT_TRUE(EVENTUALLY(count_threads() == 1));
	close(connection);
	close(camera);
	rig_close(&other);
	rig_close(&rig);
	EXPECT_TRUE(EVENTUALLY(count_threads() == 1));
}

/* Counts the kernel mappings of frames of the system heap. */
static int count_mappings(void)
{
	FILE *file = fopen("/proc/vmallocinfo", "r");
	char line[300];
	int count = 0;

	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "system_heap") && strstr(line, " vmap");
	fclose(file);
	return count;
}

/*
 * I1: the camera writes with the CPU. When it starts again, its frames are still mapped. Nothing
 * is mapped after the allocator was removed, or after the end.
 */
TEST(caller_mappings)
{
	struct rig rig = { 0 };
	int i;

	need_heap();
	if (sizeof(long) == 4)
		SKIP("32-bit kernels keep no mapping");
	if (!access("/sys/module/ksalloc_test_heap", F_OK))
		SKIP("the heap of the test module maps its memory when it allocates it");
	ASSERT_TRUE(EVENTUALLY(count_mappings() == 0));
	open_rig(&rig, V4L2_PRIORITY_DEFAULT);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
		EXPECT_EQ(FRAMES, rig_submit_all(&rig));
		EXPECT_EQ(FRAMES, count_mappings());
		rig_turn(&rig, NULL);
		ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
		EXPECT_EQ(FRAMES, count_mappings());
	}
	ASSERT_EQ(0, set_allocator(rig.connection, -1));
	EXPECT_EQ(0, count_mappings());
	ASSERT_EQ(0, set_allocator(rig.connection, rig.allocator));
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	rig_close(&rig);
	EXPECT_TRUE(EVENTUALLY(count_mappings() == 0));
}

static bool has_ended(pid_t pid)
{
	int status;

	return waitpid(pid, &status, WNOHANG) == pid;
}

/* Kills a process in a call that waits for the camera. It must end before that responds. */
static void expect_killed(struct agent *agent, int fd, unsigned long request,
			  void *arg, size_t size)
{
	struct held_camera held;

	camera_hold(&held, 0);
	agent_begin(agent, fd, request, arg, size);
	ASSERT_TRUE(agent_waits(agent));
	ASSERT_EQ(0, kill(agent->pid, SIGKILL));
	EXPECT_TRUE(EVENTUALLY(has_ended(agent->pid)));
	camera_let_go(&held);
}

/*
 * B7, I1: a process can be killed in SET_STATE to the next higher state, and the state does not
 * change. (A call that enters several states has to go back over them, and waits for the device
 * like close().)
 */
TEST(caller_killed_in_set_state)
{
	struct ksalloc_set_state arg = { .size = sizeof(arg) };
	struct rig rig = { 0 };
	struct agent agent;
	unsigned int state;

	open_rig(&rig, V4L2_PRIORITY_DEFAULT);
	/* The step from ACQUIRE to PAUSE does not call the camera. */
	for (state = KSSTATE_STOP; state <= KSSTATE_PAUSE;
	     state += KSSTATE_PAUSE) {
		ASSERT_EQ(0, set_state(rig.connection, state));
		arg.state = state + 1;
		agent_start(&agent);
		expect_killed(&agent, rig.connection, KSALLOC_SET_STATE, &arg,
			      sizeof(arg));
		EXPECT_EQ(state, get_state(rig.connection));
	}
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	EXPECT_EQ(FRAMES, rig_submit_all(&rig));
	rig_turn(&rig, NULL);
	rig_close(&rig);
}

/* Kills a process in SUBMIT, and checks that its frame becomes free. */
static void expect_killed_in_submit(struct rig *rig)
{
	struct ksalloc_submit arg = {
		.size = sizeof(arg),
		.dmabuf_fd = -1,
	};
	const int others = allocated(rig->allocator);
	struct agent agent;
	int theirs, index;

	agent_start(&agent);
	theirs = agent_open(&agent, rig->allocator);
	index = agent_alloc(&agent, theirs);
	ASSERT_LE(0, index);
	arg.index = index;
	expect_killed(&agent, rig->connection, KSALLOC_SUBMIT, &arg, sizeof(arg));
	EXPECT_TRUE(EVENTUALLY(allocated(rig->allocator) == others));
	EXPECT_EQ(FRAMES - others, rig_submit_all(rig));
}

/*
 * B7, I2: a process can be killed in SUBMIT. The first time, it queues the frame itself, because
 * ACQUIRE has prepared it. Later, a kernel thread queues it.
 */
TEST(caller_killed_in_submit)
{
	struct rig rig = { 0 };
	int index;

	open_rig(&rig, V4L2_PRIORITY_DEFAULT);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	expect_killed_in_submit(&rig);
	index = rig_complete(&rig, &(struct ksalloc_complete){ 0 });
	ASSERT_LE(0, index);
	ASSERT_EQ(0, free_frame(rig.allocator, index));
	expect_killed_in_submit(&rig);
	rig_turn(&rig, NULL);
	rig_close(&rig);
}
