// SPDX-License-Identifier: GPL-2.0-only
/*
 * A USB camera that does not answer: calls that do not need it do not wait.
 *
 * It answers when the test sends a command. So a call that the test expects to return has
 * returned while another call still hangs in the camera. There are no times in this file.
 */
#include "webcam.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

FIXTURE(uvc_silent) {
	struct studio studio;
	/* A call that hangs */
	struct ksalloc_set_state arg;
	struct call call;
	struct try_format try;
};

FIXTURE_SETUP(uvc_silent)
{
	studio_set_up(&self->studio, NULL);
	studio_run(&self->studio);
	expect_pictures(&self->studio, 2);
}

FIXTURE_TEARDOWN(uvc_silent)
{
	studio_tear_down(&self->studio);
}

/* STOP hangs: the driver asks the camera to stop, and holds its locks meanwhile. */
static void hang_in_stop(struct uvc_silent_fixture *self)
{
	struct webcam *cam = &self->studio.cam;

	webcam_tell(cam, "hang 2");
	self->arg = (struct ksalloc_set_state){
		.size = sizeof(self->arg),
		.state = KSSTATE_STOP,
	};
	call_start(&self->call, self->studio.rig.connection, KSALLOC_SET_STATE,
		   &self->arg);
	ASSERT_TRUE(EVENTUALLY(webcam_waiting(cam)));
}

static void expect_hanging(struct uvc_silent_fixture *self)
{
	EXPECT_LT(0, webcam_waiting(&self->studio.cam));
	EXPECT_FALSE(self->call.done);
}

static void answer_stop(struct uvc_silent_fixture *self)
{
	expect_hanging(self);
	webcam_tell(&self->studio.cam, "hang 0");
	EXPECT_EQ(0, call_result(&self->call));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->studio.rig.connection));
}

static void read_fdinfo(int fd)
{
	char state[32];

	EXPECT_TRUE(fdinfo_value(fd, "ksalloc", state, sizeof(state)));
}

/* A process that has a descriptor of the connection, and ends */
static void end_a_process(void)
{
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child)
		_exit(0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
}

static void look_around(struct uvc_silent_fixture *self)
{
	struct rig *rig = &self->studio.rig;
	int other;

	close(dup(rig->connection));
	expect_hanging(self);
	end_a_process();
	expect_hanging(self);
	EXPECT_EQ(0, system("true"));
	expect_hanging(self);
	read_fdinfo(rig->connection);
	read_fdinfo(rig->allocator);
	expect_hanging(self);
	EXPECT_LE(KSSTATE_STOP, get_state(rig->connection));
	expect_hanging(self);
	EXPECT_EQ(0, connection_cancel(rig->connection));
	EXPECT_EQ(0, allocator_cancel(rig->allocator));
	expect_hanging(self);
	other = connection_open(rig->connection);
	EXPECT_LE(0, other);
	close(other);
	expect_hanging(self);
	EXPECT_LE(0, allocated(rig->allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(rig->allocator));
	expect_hanging(self);
}

/* Operations of other processes on descriptors while STOP hangs */
TEST_F(uvc_silent, stop_hangs)
{
	hang_in_stop(self);
	look_around(self);
	answer_stop(self);
}

/*
 * poll() and non-blocking calls do not wait either while STOP hangs. A poller is notified
 * when STOP has ended.
 */
TEST_F(uvc_silent, stop_hangs_and_nobody_waits)
{
	struct rig *rig = &self->studio.rig;
	struct ksalloc_complete arg;

	hang_in_stop(self);
	EXPECT_EQ(0, poll_fd(rig->connection, POLLIN, 0));
	expect_hanging(self);
	EXPECT_EQ(-EAGAIN, complete(rig->connection, KSALLOC_NONBLOCK, 0, &arg));
	answer_stop(self);
	EXPECT_EQ(POLLERR, poll_fd(rig->connection, POLLIN, 0));
}

static int get_framing_ex(int connection, struct ksallocator_framing_ex *framing,
			  size_t bytes)
{
	struct ksalloc_get_framing_ex arg = {
		.size = sizeof(arg),
		.framing = (uintptr_t)framing,
		.framing_size = bytes,
	};

	return call_fd(connection, KSALLOC_GET_FRAMING_EX, &arg);
}

/*
 * Requirements of the camera are read without requests to the camera: some cameras do not
 * support requests while they stream, and others do not answer. The stream continues
 * meanwhile.
 */
TEST_F(uvc_silent, framing_asks_nothing)
{
	struct rig *rig = &self->studio.rig;
	struct ksallocator_framing framing;

	need_heap();
	webcam_tell(&self->studio.cam, "hang 1");
	EXPECT_EQ(0, get_framing(rig->connection, &framing));
	EXPECT_EQ(0, get_framing_ex(rig->connection, NULL, 0));
	EXPECT_LE(0, create_allocator(rig->connection, rig->heap, 2, 0));
	EXPECT_EQ(0, webcam_waiting(&self->studio.cam));
	expect_pictures(&self->studio, 2 * WEBCAM_FRAMES);
	EXPECT_EQ(0, webcam_waiting(&self->studio.cam));
}

/*
 * Another file holds the lock of the driver, because the camera does not answer its
 * TRY_FMT. With drivers that queue frames under that lock, a filled frame is completed
 * after that.
 */
TEST_F(uvc_silent, another_hangs)
{
	struct webcam *cam = &self->studio.cam;

	webcam_tell(cam, "hang 1");
	try_format_hang(&self->try, cam);
	look_around(self);
	EXPECT_EQ(0, poll_fd(self->studio.rig.connection, POLLIN, 0) & ~POLLIN);
	expect_hanging(self);
	webcam_tell(cam, "hang 0");
	try_format_end(&self->try);
	expect_pictures(&self->studio, 2);
}

/*
 * A process whose connection cannot stop is killed. Its frames become free when the device
 * has stopped.
 */
TEST_F(uvc_silent, killed_while_stop_hangs)
{
	struct studio *studio = &self->studio;
	pid_t child;
	int status;

	studio_disconnect(studio);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		studio_run(studio);
		for (;;)
			expect_pictures(studio, 1);
	}
	ASSERT_TRUE(EVENTUALLY(webcam_pictures(&studio->cam) > 8));
	webcam_tell(&studio->cam, "hang 2");
	kill(child, SIGKILL);
	ASSERT_TRUE(EVENTUALLY(webcam_waiting(&studio->cam)));
	webcam_tell(&studio->cam, "hang 0");
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	studio_run(studio);
	expect_pictures(studio, 2);
}

/* Late answers are accepted. */
TEST_F(uvc_silent, late_answers)
{
	struct studio *studio = &self->studio;

	webcam_tell(&studio->cam, "delay 100");
	ASSERT_EQ(0, set_state(studio->rig.connection, KSSTATE_STOP));
	studio_start(studio);
	expect_pictures(studio, 2 * WEBCAM_FRAMES);
}

/* A camera that refuses a request does not start, and the connection keeps its state. */
TEST_F(uvc_silent, refuses)
{
	struct studio *studio = &self->studio;
	struct rig *rig = &studio->rig;

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_PAUSE));
	EXPECT_EQ(WEBCAM_FRAMES, rig_submit_all(rig));
	webcam_tell(&studio->cam, "stall 1");
	EXPECT_GT(0, set_state(rig->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(rig->connection));
	EXPECT_EQ(WEBCAM_FRAMES, get_pending(rig->connection));
	webcam_tell(&studio->cam, "stall 0");
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	expect_pictures(studio, 2 * WEBCAM_FRAMES);
}
