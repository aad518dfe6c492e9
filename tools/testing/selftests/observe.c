// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diagnostics: fdinfo of each kind of file, names of dma-bufs, and the tracepoints.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#define FRAMES 4
/* Of a queue of vivid */
#define MAX_BUFFERS 64

FIXTURE(observe) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(observe)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(observe)
{
	rig_close(&self->rig);
}

static void expect_info(int fd, const char *key, const char *expected)
{
	char value[256];

	if (!EXPECT_TRUE(fdinfo_value(fd, key, value, sizeof(value))))
		harness_note("(no line \"%s:\")", key);
	else if (!EXPECT_STREQ(expected, value))
		harness_note("(of \"%s:\")", key);
}

static int info_number(int fd, const char *key)
{
	char value[256];

	ASSERT_TRUE(fdinfo_value(fd, key, value, sizeof(value)));
	return atoi(value);
}

/* fdinfo of /dev/ksalloc has its kind and version. */
TEST_F(observe, fdinfo_device)
{
	char version[64];

	expect_info(self->rig.ksalloc, "ksalloc", "device");
	EXPECT_TRUE(fdinfo_value(self->rig.ksalloc, "version", version,
				 sizeof(version)));
}

/* fdinfo of an allocator: its size, and the states of its frames. */
TEST_F(observe, fdinfo_allocator)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct call call;

	expect_info(self->allocator, "ksalloc", "allocator");
	EXPECT_EQ(whole_pages(115200),
		  info_number(self->allocator, "frame_bytes"));
	expect_info(self->allocator, "frames", "4");
	expect_info(self->allocator, "frame_size", "115200");
	expect_info(self->allocator, "allocated", "0");
	expect_info(self->allocator, "in_device", "0");
	expect_info(self->allocator, "waiters", "0");
	EXPECT_LT(0, info_number(self->allocator, "id"));

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(1, alloc_now(self->allocator));
	expect_info(self->allocator, "allocated", "2");
	expect_info(self->allocator, "in_device", "1");
	rig_submit_all(&self->rig);
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(call_waits(&call));
	expect_info(self->allocator, "allocated", "4");
	expect_info(self->allocator, "in_device", "3");
	expect_info(self->allocator, "waiters", "1");
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&call));
}

/* fdinfo of a connection: its device, state, allocator and frames. */
TEST_F(observe, fdinfo_connection)
{
	static const char * const states[] = {
		"STOP", "ACQUIRE", "PAUSE", "RUN",
	};
	unsigned int state;
	char id[32];

	expect_info(self->connection, "ksalloc", "connection");
	expect_info(self->connection, "device",
		    strrchr(node_path("vivid-000-vid-cap"), '/') + 1);
	EXPECT_LT(0, info_number(self->connection, "id"));
	EXPECT_NE(info_number(self->allocator, "id"),
		  info_number(self->connection, "id"));
	snprintf(id, sizeof(id), "%d", info_number(self->allocator, "id"));
	expect_info(self->connection, "allocator", id);
	for (state = 0; state < ARRAY_SIZE(states); state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		expect_info(self->connection, "state", states[state]);
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	expect_info(self->connection, "submitted", "4");
	expect_info(self->connection, "done", "0");
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	expect_info(self->connection, "submitted", "0");
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	expect_info(self->connection, "allocator", "-1");
}

/* fdinfo counts the gaps of the stream. */
TEST_F(observe, fdinfo_gaps)
{
	struct ksalloc_complete frame;

	expect_info(self->connection, "gaps", "0");
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	sleep_ms(300);
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	expect_info(self->connection, "gaps", "1");
}

/* The tracepoints exist, each with a format. */
TEST(tracepoints_exist)
{
	static const char * const events[] = {
		"create", "alloc", "wait", "free", "queue", "complete",
		"state", "refusal",
	};
	char path[128];
	unsigned int i;

	repair_machine();
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path),
			 TRACING "/events/ksalloc/ksalloc_%s/format",
			 events[i]);
		if (!EXPECT_EQ(0, access(path, F_OK)))
			harness_note("(%s)", path);
	}
}

FIXTURE(trace) {
	struct rig rig;
	char *text;
};

/* The trace since the setup, one line per event */
static const char *trace_end(struct trace_fixture *self)
{
	size_t size = 1 << 20;

	self->text = malloc(size);
	trace_stop("ksalloc", self->text, size);
	return self->text;
}

FIXTURE_SETUP(trace)
{
	rig_open(&self->rig, 0, 320, 180);
	trace_start("ksalloc");
}

FIXTURE_TEARDOWN(trace)
{
	write_text(TRACING "/events/ksalloc/enable", "0");
	rig_close(&self->rig);
}

/*
 * The number of lines of an event that begin with this text. The text must end at a word
 * boundary.
 */
static int count_events(const char *trace, const char *event, const char *text)
{
	char wanted[128];
	int count = 0, length;

	length = snprintf(wanted, sizeof(wanted), "ksalloc_%s:%s%s", event, *text ? " " : "",
			  text);
	while ((trace = strstr(trace, wanted))) {
		trace += length;
		count += *trace == ' ' || *trace == '\n';
	}
	return count;
}

/* create, alloc, free and wait are traced, each for its own call and no other. */
TEST_F(trace, allocator_events)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	char id[64], frame[96];
	struct call call;
	const char *text;
	int i, number;

	rig_allocator(&self->rig, FRAMES);
	number = info_number(self->rig.allocator, "id");
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, alloc_now(self->rig.allocator));
	ASSERT_EQ(-EAGAIN, alloc_now(self->rig.allocator));
	call_start(&call, self->rig.allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, free_frame(self->rig.allocator, 2));
	ASSERT_EQ(0, call_result(&call));
	ASSERT_EQ(0, free_frame(self->rig.allocator, 0));
	ASSERT_EQ(-EINVAL, free_frame(self->rig.allocator, 0));

	text = trace_end(self);
	snprintf(id, sizeof(id), "allocator=%d", number);
	EXPECT_EQ(1, count_events(text, "create", id));
	EXPECT_EQ(FRAMES + 1, count_events(text, "alloc", id));
	EXPECT_EQ(1, count_events(text, "wait", id));
	EXPECT_EQ(2, count_events(text, "free", id));
	snprintf(frame, sizeof(frame), "%s frame=2", id);
	EXPECT_EQ(2, count_events(text, "alloc", frame));
	EXPECT_EQ(1, count_events(text, "free", frame));
}

/* queue and complete are traced for each frame that passes through the device. */
TEST_F(trace, stream_events)
{
	char id[64], frame[96];
	const char *text;
	int i, number;

	rig_allocator(&self->rig, FRAMES);
	number = info_number(self->rig.connection, "id");
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 2 * FRAMES; i++)
		rig_turn(&self->rig, NULL);

	text = trace_end(self);
	snprintf(id, sizeof(id), "connection=%d", number);
	EXPECT_EQ(3 * FRAMES, count_events(text, "queue", id));
	EXPECT_EQ(2 * FRAMES, count_events(text, "complete", id));
	for (i = 0; i < FRAMES; i++) {
		snprintf(frame, sizeof(frame), "%s frame=%d", id, i);
		EXPECT_EQ(3, count_events(text, "queue", frame));
		EXPECT_EQ(2, count_events(text, "complete", frame));
	}
}

/* I1: state is traced for each state on the way: none is skipped. */
TEST_F(trace, state_walks)
{
	static const char * const steps[] = {
		"STOP -> ACQUIRE", "ACQUIRE -> PAUSE", "PAUSE -> RUN",
		"RUN -> PAUSE", "PAUSE -> ACQUIRE", "ACQUIRE -> STOP",
	};
	const char *text, *at;
	char step[128];
	unsigned int i;
	int number;

	rig_allocator(&self->rig, FRAMES);
	number = info_number(self->rig.connection, "id");
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));

	text = trace_end(self);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		snprintf(step, sizeof(step), "ksalloc_state: connection=%d %s",
			 number, steps[i]);
		at = strstr(text, step);
		if (EXPECT_NE(NULL, at))
			text = at;
		else
			harness_note("(no %s)", steps[i]);
	}
}

/* I1: the trace shows the way back after a failure on the way up. */
TEST_F(trace, state_walks_back)
{
	const char *text;
	char step[128];
	int number;

	rig_allocator(&self->rig, FRAMES);
	number = info_number(self->rig.connection, "id");
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_STREAMON Error", 1));
	ASSERT_EQ(-EINVAL, set_state(self->rig.connection, KSSTATE_RUN));

	text = trace_end(self);
	snprintf(step, sizeof(step), "connection=%d ACQUIRE -> STOP", number);
	EXPECT_EQ(1, count_events(text, "state", step));
	snprintf(step, sizeof(step), "connection=%d PAUSE -> RUN", number);
	EXPECT_EQ(0, count_events(text, "state", step));
}

static void expect_traced(const char *trace, int connection, const char *refusal)
{
	char text[128];

	snprintf(text, sizeof(text), "connection=%d %s", connection, refusal);
	EXPECT_EQ(1, count_events(trace, "refusal", text));
}

/* I1: the trace shows each refusal of ACQUIRE, and no other. */
TEST_F(trace, refusals)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	const char *text;
	int number;

	need_heap();
	number = info_number(self->rig.connection, "id");
	ASSERT_EQ(-EINVAL, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	rig_allocator(&self->rig, MAX_BUFFERS + 1);
	ASSERT_EQ(-EOPNOTSUPP, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	close(self->rig.allocator);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_control(self->rig.video, "Inject VIDIOC_QBUF Error", 1));
	ASSERT_EQ(-EOPNOTSUPP, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_format(self->rig.video, 640, 360));
	ASSERT_EQ(-EINVAL, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_format(self->rig.video, 320, 180));
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	ASSERT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	request.count = 0;
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));

	text = trace_end(self);
	expect_traced(text, number, "ALLOCATOR frame=0 error=-22");
	expect_traced(text, number, "COUNT frame=64 error=0");
	expect_traced(text, number, "MAP frame=0 error=-22");
	expect_traced(text, number, "FRAMING frame=0 error=-22");
	expect_traced(text, number, "OTHER frame=0 error=-16");
	EXPECT_EQ(5, count_events(text, "refusal", ""));
}

/* A node refuses memory that it did not allocate. The connection stays in STOP */
static void expect_import_refused(struct trace_fixture *self, const char *node, int error,
				  int *number)
{
	int video = open_node(node, O_RDWR), connection;

	connection = do_connect(self->rig.ksalloc, video);
	ASSERT_LE(0, connection);
	*number = info_number(connection, "id");
	ASSERT_EQ(0, set_allocator(connection, self->rig.allocator));
	EXPECT_EQ(-EOPNOTSUPP, set_state(connection, KSSTATE_ACQUIRE));
	expect_refusal(connection, KSALLOC_REFUSAL_IMPORT, 0, error);
	EXPECT_EQ(KSSTATE_STOP, get_state(connection));
	EXPECT_EQ(0, in_device(self->rig.allocator));
	close(connection);
	close(video);
}

/* I1: the same for drivers that cannot import memory: one with vdev->queue, and one without. */
TEST_F(trace, refusal_of_import)
{
	const char *text;
	int numbers[2];

	if (system("modprobe -q ksalloc-test-video"))
		SKIP("no module ksalloc-test-video");
	rig_allocator(&self->rig, FRAMES);
	expect_import_refused(self, "ksalloc-test-no-queue-no-import", -EINVAL, &numbers[0]);
	expect_import_refused(self, "ksalloc-test-no-import", 0, &numbers[1]);

	text = trace_end(self);
	expect_traced(text, numbers[0], "IMPORT frame=0 error=-22");
	expect_traced(text, numbers[1], "IMPORT frame=0 error=0");
	EXPECT_EQ(2, count_events(text, "refusal", ""));
	/* Later tests look at all cameras */
	EXPECT_TRUE(EVENTUALLY(!system("rmmod ksalloc_test_video 2>/dev/null")));
}

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"

/* Whether a dma-buf with this name exists */
static bool has_dmabuf(const char *name)
{
	char line[512], end[64];
	bool found = false;
	FILE *file = fopen(BUFINFO, "re");

	ASSERT_TRUE(file);
	snprintf(end, sizeof(end), "\t%s\n", name);
	while (fgets(line, sizeof(line), file))
		found |= strlen(line) > strlen(end) &&
			 !strcmp(line + strlen(line) - strlen(end), end);
	fclose(file);
	return found;
}

/* The name of the last frame's dma-buf has the numbers of the allocator and the frame. */
static void expect_named(int allocator)
{
	char name[DMABUF_NAME];

	ASSERT_LE(0, allocator);
	dmabuf_name(name, allocator, FRAMES - 1, -1);
	EXPECT_TRUE(has_dmabuf(name));
}

FIXTURE(names) {
	struct rig rig;
};

FIXTURE_SETUP(names)
{
	rig_open(&self->rig, 0, 320, 180);
}

FIXTURE_TEARDOWN(names)
{
	rig_close(&self->rig);
}

/* Memory of a heap, and the device's own memory; also if only the dma-buf is left. */
TEST_F(names, bufinfo)
{
	char name[DMABUF_NAME];
	int own, dmabuf;

	own = create_own(self->rig.connection, FRAMES, 0);
	expect_named(own);
	dmabuf_name(name, own, 1, -1);
	dmabuf = export_frame(own, 1);
	ASSERT_LE(0, dmabuf);
	close(own);
	EXPECT_TRUE(has_dmabuf(name));
	close(dmabuf);

	need_heap();
	expect_named(create_allocator(self->rig.connection, self->rig.heap, FRAMES, 0));
}

/*
 * A process that has made an allocator is killed. The name of a dma-buf that is left leads to it,
 * and has only what can be printed of the name of the process.
 */
TEST_F(names, of_the_dead)
{
	struct ksalloc_create_allocator create = {
		.size = sizeof(create),
		.heap_fd = self->rig.heap,
		.framing = { .options_flags = usual_memory(), .frames = FRAMES },
	};
	struct ksalloc_export export = { .size = sizeof(export), .index = 1 };
	int pidfd, theirs, allocator, dmabuf;
	char id[16], name[64];
	struct agent agent;

	ASSERT_EQ(0, prctl(PR_SET_NAME, "a\n\033b\t c\351"));
	agent_start(&agent);
	theirs = agent_call(&agent, self->rig.connection, KSALLOC_CREATE_ALLOCATOR, &create,
			    sizeof(create));
	ASSERT_LE(0, theirs);
	pidfd = syscall(SYS_pidfd_open, agent.pid, 0);
	allocator = syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	ASSERT_LE(0, allocator);
	ASSERT_TRUE(fdinfo_value(allocator, "id", id, sizeof(id)));
	dmabuf = agent_call(&agent, theirs, KSALLOC_EXPORT, &export, sizeof(export));
	ASSERT_LE(0, dmabuf);
	dmabuf = syscall(SYS_pidfd_getfd, pidfd, dmabuf, 0);
	ASSERT_LE(0, dmabuf);
	close(allocator);
	close(pidfd);
	agent_kill(&agent);
	snprintf(name, sizeof(name), "ksalloc %s/1 ab c:%d", id, agent.pid);
	EXPECT_TRUE(has_dmabuf(name));
	close(dmabuf);
}

/* A name that the caller has given is kept. */
TEST_F(names, of_the_caller)
{
	int source, allocator, dmabufs[FRAMES];
	unsigned int i;

	need_heap();
	source = create_allocator(self->rig.connection, self->rig.heap, FRAMES, 0);
	ASSERT_LE(0, source);
	for (i = 0; i < FRAMES; i++)
		dmabufs[i] = export_frame(source, i);
	ASSERT_EQ(0, call_fd(dmabufs[FRAMES - 1], DMA_BUF_SET_NAME, "of the caller"));
	allocator = import_dmabufs(self->rig.connection, dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	EXPECT_TRUE(has_dmabuf("of the caller"));
}
