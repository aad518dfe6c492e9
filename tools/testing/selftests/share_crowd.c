// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many programs on the node of a share, which are killed at random moments, while other programs go
 * on. rough.h describes counts and seeds.
 */
#include "rough.h"

/* Of the cameras of rough.h, which are not used here */
#undef FRAMES

#include "share_steady.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The full count. The usual run has a tenth */
#define PROGRAMS 1000
#define CROWD 8

enum doing { OPENING, ASKING, STARTING, WAITING, POLLING, HOLDING, STOPPING, DOINGS };

static const char * const names[DOINGS] = {
	"opened", "asked", "started", "waited", "polled", "held frames", "stopped",
};

struct crowd {
	struct steady_handles steady;
	unsigned int seed;
	/* What each program does now, in shared memory */
	atomic_int *doing;
	unsigned int killed_when[DOINGS];
};

/* Calls that are made in work items */
static void ask(int fd, unsigned int *seed)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
	};
	struct v4l2_ext_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &control };
	struct v4l2_streamparm parm = { .type = TYPE };
	struct v4l2_format format = { .type = TYPE };

	if (chance(seed, 40)) {
		call(fd, VIDIOC_G_FMT, &format);
		call(fd, VIDIOC_S_FMT, &format);
	}
	if (chance(seed, 40)) {
		call(fd, VIDIOC_G_PARM, &parm);
		call(fd, VIDIOC_S_PARM, &parm);
	}
	if (chance(seed, 40)) {
		call(fd, VIDIOC_G_EXT_CTRLS, &controls);
		call(fd, VIDIOC_S_EXT_CTRLS, &controls);
	}
	if (chance(seed, 40))
		call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

static void look_at(int fd, const struct v4l2_buffer *buffer)
{
	int dmabuf;
	void *map;

	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, buffer->m.offset);
	if (map != MAP_FAILED)
		munmap(map, FRAME_SIZE);
	dmabuf = export_buffer(fd, buffer->index, 0);
	if (dmabuf >= 0)
		close(dmabuf);
}

/* It does not give all buffers back, so it can wait for ever at last. */
static void read_some(int fd, atomic_int *doing, unsigned int *seed)
{
	unsigned int frames = pick(seed, 6);
	struct v4l2_buffer buffer;

	while (frames--) {
		if (chance(seed, 30)) {
			*doing = POLLING;
			poll_fd(fd, POLLIN, pick(seed, 80));
		}
		*doing = WAITING;
		if (dequeue(fd, &buffer))
			return;
		*doing = HOLDING;
		look_at(fd, &buffer);
		sleep_ms(pick(seed, 60));
		if (chance(seed, 90))
			queue(fd, buffer.index);
	}
}

/* A program that has only the node, and ends only when it is killed */
static void be_killed(const char *path, atomic_int *doing, unsigned int seed)
{
	int fd, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_range(3, ~0U, 0);
	for (;;) {
		*doing = OPENING;
		fd = open(path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		*doing = ASKING;
		ask(fd, &seed);
		*doing = STARTING;
		ASSERT_EQ(MANY, request_buffers(fd, 1 + pick(&seed, MANY)));
		for (i = 0; i < MANY; i++)
			if (chance(&seed, 90))
				queue(fd, i);
		if (!stream(fd, true))
			read_some(fd, doing, &seed);
		*doing = STOPPING;
		if (chance(&seed, 50))
			stream(fd, false);
		close(fd);
	}
}

static void kill_some(struct share_fixture *self, struct crowd *crowd, unsigned int size)
{
	unsigned int i, seed;
	pid_t pids[CROWD];
	int status;

	for (i = 0; i < size; i++) {
		seed = random_bits(&crowd->seed);
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			be_killed(self->path, &crowd->doing[i], seed);
	}
	/* Some when they stream, some before */
	if (chance(&crowd->seed, 50))
		sleep_ms(pick(&crowd->seed, 300));
	for (i = 0; i < size; i++) {
		usleep(pick(&crowd->seed, 4000));
		crowd->killed_when[crowd->doing[i]]++;
		ASSERT_EQ(0, kill(pids[i], SIGKILL));
	}
	for (i = 0; i < size; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
}

/* K2: killed programs keep no frame and no call, and other programs lose no frame. */
TEST_F_TIMEOUT(share, killed_programs, LAST_RESORT_S)
{
	unsigned int wanted = scaled(2 * PROGRAMS), killed = 0, size, i;
	struct crowd crowd = { .seed = choose_seed() };
	struct footprint before;
	char text[16] = "";

	if (wanted > PROGRAMS)
		wanted = PROGRAMS;
	crowd.doing = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE((void *)crowd.doing != MAP_FAILED);
	steady_start(self, &crowd.steady, 25);
	footprint_take(&before);
	while (killed < wanted) {
		size = wanted - killed < CROWD ? wanted - killed : CROWD;
		kill_some(self, &crowd, size);
		killed += size;
	}
	EXPECT_FOOTPRINT(&before);
	EXPECT_TRUE(EVENTUALLY(fdinfo_value(self->share, "users", text, sizeof(text)) &&
			       !strcmp(text, "3")));
	steady_end(&crowd.steady);
	harness_note("%u programs killed", killed);
	for (i = 0; i < DOINGS; i++)
		harness_note("%u %s", crowd.killed_when[i], names[i]);
	EXPECT_LT(0, crowd.killed_when[WAITING]);
	EXPECT_LT(0, crowd.killed_when[HOLDING]);
}
