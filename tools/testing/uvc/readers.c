// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many programs see the pictures of a USB camera: readers of a stream that circulates, and programs
 * that stream from the node of a share. uvcvideo writes with the CPU, and into any frame that is
 * queued, so a frame that goes back too early gets another picture.
 */
#define READERS_WITHOUT_FIXTURE
#include "../selftests/node.h"
#include "../selftests/readers.h"
#include "picture.h"
#include "webcam.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../selftests/trap.h"

/* Pictures per second: a reader can be late by the time of several pictures */
#define RATE 15
/* Frames of an allocator; a share has fewer. The camera keeps some, the others suffice for all */
#define MANY 16
#define DEPTH 5
/* All frames but those that are held are filled again in this number of pictures */
#define ROUNDS (2 * MANY)

FIXTURE(uvc_readers) {
	struct studio studio;
	struct webcam *cam;
};

FIXTURE_SETUP(uvc_readers)
{
	self->cam = &self->studio.cam;
	studio_set_up(&self->studio, NULL);
}

FIXTURE_TEARDOWN(uvc_readers)
{
	studio_tear_down(&self->studio);
}

/* The number of a picture; it must be complete and correct. */
static uint32_t number_of(const uint8_t *data, size_t bytes)
{
	const char *fault;
	uint32_t number = picture_check(data, bytes, &fault);

	if (fault)
		harness_note("%zu bytes: %s", bytes, fault);
	EXPECT_NE(0, number);
	return number;
}

/**
 * struct viewer - a program with a reader
 * @reader: the reader
 * @bytes: bytes in a frame
 * @view: view of each frame that it has got, or 0
 * @map: the mapping of each view
 * @number: number on the label of the last picture, or 0
 * @sequence: its sequence number
 */
struct viewer {
	int reader;
	size_t bytes;
	int view[WEBCAM_FRAMES_MAX];
	const uint8_t *map[WEBCAM_FRAMES_MAX];
	uint32_t number, sequence;
};

static void viewer_open(struct viewer *viewer, struct studio *studio, unsigned int depth,
			unsigned int every)
{
	*viewer = (struct viewer){
		.reader = reader_open(studio->rig.connection, depth, every, 0),
		.bytes = studio->bytes,
	};
	ASSERT_LE(0, viewer->reader);
}

static void viewer_close(struct viewer *viewer)
{
	unsigned int i;

	for (i = 0; i < WEBCAM_FRAMES_MAX; i++) {
		if (!viewer->view[i])
			continue;
		munmap((void *)viewer->map[i], viewer->bytes);
		close(viewer->view[i]);
	}
	close(viewer->reader);
}

static void viewer_sync(struct viewer *viewer, unsigned int index, unsigned int flags)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_READ | flags };

	ASSERT_EQ(0, call_fd(viewer->view[index], DMA_BUF_IOCTL_SYNC, &arg));
}

/* The number of the picture that is in a frame now */
static uint32_t viewer_look(struct viewer *viewer, const struct ksalloc_reader_frame *frame)
{
	const unsigned int index = frame->index;
	uint32_t number;

	ASSERT_LT(index, WEBCAM_FRAMES_MAX);
	if (!viewer->view[index]) {
		viewer->view[index] = reader_export(viewer->reader, index, frame->generation);
		ASSERT_LT(0, viewer->view[index]);
		viewer->map[index] = map_frame(viewer->view[index], viewer->bytes, PROT_READ);
	}
	viewer_sync(viewer, index, DMA_BUF_SYNC_START);
	number = number_of(viewer->map[index] + frame->header.data, frame->header.data_used);
	viewer_sync(viewer, index, DMA_BUF_SYNC_END);
	return number;
}

/*
 * Takes the next frame, which must have the next picture. If the camera skips one, or this program
 * is so slow that it loses frames, the frame is marked.
 */
static void viewer_take(struct viewer *viewer, struct ksalloc_reader_frame *frame)
{
	const uint32_t last = viewer->number, sequence = viewer->sequence;

	ASSERT_EQ(1, take(viewer->reader, frame));
	EXPECT_EQ(0, frame->revoked);
	viewer->number = viewer_look(viewer, frame);
	viewer->sequence = frame->sequence;
	if (!last)
		return;
	EXPECT_LT(last, viewer->number);
	EXPECT_TRUE(marked(frame) || (viewer->number == last + 1 && !frame->lost));
	EXPECT_EQ(viewer->number - last, viewer->sequence - sequence);
}

/* Both have taken a frame. It must be the same, unless one of them has lost frames */
static void expect_same_frame(struct viewer *viewers, struct ksalloc_reader_frame *frames)
{
	unsigned int late;

	while (viewers[0].sequence != viewers[1].sequence) {
		late = viewers[0].sequence > viewers[1].sequence;
		ASSERT_TRUE(marked(&frames[!late]));
		ASSERT_EQ(0, give(viewers[late].reader, &frames[late]));
		viewer_take(&viewers[late], &frames[late]);
	}
	EXPECT_EQ(frames[0].index, frames[1].index);
	EXPECT_EQ(viewers[0].number, viewers[1].number);
}

/* All of them take the next frame, and give it back. Returns whether it is @index. */
static bool all_turn(struct viewer *viewers, unsigned int count, unsigned int index)
{
	struct ksalloc_reader_frame frames[2] = { };
	unsigned int i;

	for (i = 0; i < count; i++)
		viewer_take(&viewers[i], &frames[i]);
	if (count > 1)
		expect_same_frame(viewers, frames);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, give(viewers[i].reader, &frames[i]));
	return frames[0].index == index;
}

static void studio_connect_small(struct studio *studio)
{
	studio_connect(studio, 320, 180, RATE);
}

/* One or two readers get each frame. The last one of them holds the first frame meanwhile. */
static void expect_each_frame(struct studio *studio, int heap, unsigned int count)
{
	struct ksalloc_reader_frame held = { }, frame = { };
	struct viewer viewers[2], *holder = &viewers[count - 1];
	bool came_back = false;
	uint32_t number;
	unsigned int i;

	studio_allocate_frames(studio, heap, MANY);
	/* Before the stream begins, so all of them get the same first frame */
	for (i = 0; i < count; i++)
		viewer_open(&viewers[i], studio, DEPTH, 0);
	ASSERT_EQ(0, circulate(studio->rig.connection, KSSTATE_RUN));
	for (i = 0; i < count; i++)
		EXPECT_EQ(1, reader_info(viewers[i].reader).promised);

	viewer_take(holder, &held);
	number = holder->number;
	if (count > 1) {
		viewer_take(&viewers[0], &frame);
		EXPECT_LE(number, viewers[0].number);
		ASSERT_EQ(0, give(viewers[0].reader, &frame));
	}
	for (i = 0; i < ROUNDS; i++)
		EXPECT_FALSE(all_turn(viewers, count, held.index));
	EXPECT_EQ(number, viewer_look(holder, &held));

	ASSERT_EQ(0, give(holder->reader, &held));
	for (i = 0; i < ROUNDS && !came_back; i++)
		came_back = all_turn(viewers, count, held.index);
	EXPECT_TRUE(came_back);
	for (i = 0; i < count; i++)
		viewer_close(&viewers[i]);
}

/*
 * K1, K4: two readers get the same frames, each of them and in order. A frame that one of them
 * holds keeps its picture, and the camera gets it again only after that.
 */
TEST_F(uvc_readers, each_frame)
{
	need_heap();
	studio_connect_small(&self->studio);
	expect_each_frame(&self->studio, self->studio.rig.heap, 2);
}

/* K1, K4: the same for one reader, with the camera's own memory. */
TEST_F(uvc_readers, own_memory)
{
	studio_connect_small(&self->studio);
	expect_each_frame(&self->studio, -1, 1);
}

/*
 * A reader waits, and holds a frame, when the camera is unplugged. It has got the first frame and
 * wants only one of many: so it waits while the camera fills frames.
 */
static void expect_unplug(struct studio *studio, int heap)
{
	struct ksalloc_reader_frame held = { }, later = { };
	struct ksalloc_exchange arg = exchange_of(&later, 1);
	struct viewer viewer;
	unsigned int sent;
	struct call waiting;

	studio_allocate_frames(studio, heap, MANY);
	viewer_open(&viewer, studio, 2, 1 << 30);
	ASSERT_EQ(0, circulate(studio->rig.connection, KSSTATE_RUN));
	viewer_take(&viewer, &held);
	arg.deadline_ns = 0;
	call_start(&waiting, viewer.reader, KSALLOC_EXCHANGE, &arg);
	EXPECT_TRUE(call_waits(&waiting));
	sent = webcam_pictures(&studio->cam);
	ASSERT_TRUE(EVENTUALLY(webcam_pictures(&studio->cam) > sent + MANY));
	EXPECT_FALSE(waiting.done);

	webcam_unplug(&studio->cam);
	EXPECT_EQ(-ENODEV, call_result(&waiting));
	EXPECT_EQ(-ENODEV, take(viewer.reader, &later));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(viewer.reader, POLLIN, 0));
	/* The driver has given all others back, and writes no more */
	EXPECT_TRUE(EVENTUALLY(allocated(studio->rig.allocator) == 1));
	EXPECT_EQ(viewer.number, viewer_look(&viewer, &held));
	EXPECT_EQ(0, give(viewer.reader, &held));
	EXPECT_EQ(0, allocated(studio->rig.allocator));
	studio_disconnect(studio);
	EXPECT_EQ(viewer.number, viewer_look(&viewer, &held));
	viewer_close(&viewer);
}

/*
 * K10: the camera is unplugged: EXCHANGE returns ENODEV, a frame that a reader has taken keeps its
 * picture and can be given back, and nothing is left when all is closed.
 */
TEST_F(uvc_readers, unplug)
{
	struct footprint before;

	need_heap();
	footprint_take(&before);
	studio_connect_small(&self->studio);
	expect_unplug(&self->studio, self->studio.rig.heap);
	webcam_plug(self->cam, NULL);
	EXPECT_FOOTPRINT(&before);
}

/* K10: the same with the camera's own memory. */
TEST_F(uvc_readers, unplug_own_memory)
{
	struct footprint before;

	footprint_take(&before);
	studio_connect_small(&self->studio);
	expect_unplug(&self->studio, -1);
	webcam_plug(self->cam, NULL);
	EXPECT_FOOTPRINT(&before);
}

/**
 * struct program - a program that knows nothing of ksalloc
 * @fd: the node
 * @frames: number of its buffers
 * @map: the mapping of each of them
 * @bytes: bytes in each mapping
 * @number: number on the label of the last picture, or 0
 * @sequence: its sequence number
 */
struct program {
	int fd;
	unsigned int frames;
	const uint8_t *map[VIDEO_MAX_FRAME];
	size_t bytes;
	uint32_t number, sequence;
};

/* Opens a node and sets a format. Only the first program of a share sets it in fact. */
static int open_in_small(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, webcam_set_mode(fd, V4L2_PIX_FMT_YUYV, 320, 180, RATE));
	return fd;
}

/* Opens a node, and queues all its buffers */
static void program_open(struct program *program, const char *path)
{
	struct v4l2_buffer buffer;
	int count;

	*program = (struct program){ .fd = open_in_small(path) };
	count = request_buffers(program->fd, 4);
	ASSERT_LE(4, count);
	ASSERT_GE(VIDEO_MAX_FRAME, count);
	for (; program->frames < (unsigned int)count; program->frames++) {
		buffer = buffer_of(program->frames);
		ASSERT_EQ(0, call_fd(program->fd, VIDIOC_QUERYBUF, &buffer));
		program->bytes = buffer.length;
		program->map[buffer.index] = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED,
						  program->fd, buffer.m.offset);
		ASSERT_NE(MAP_FAILED, program->map[buffer.index]);
		ASSERT_EQ(0, queue(program->fd, buffer.index));
	}
}

static void program_start(struct program *program, const char *path)
{
	program_open(program, path);
	ASSERT_EQ(0, stream(program->fd, true));
}

static void program_unmap(struct program *program)
{
	while (program->frames)
		munmap((void *)program->map[--program->frames], program->bytes);
}

static void program_stop(struct program *program)
{
	EXPECT_EQ(0, stream(program->fd, false));
	program_unmap(program);
	EXPECT_EQ(0, request_buffers(program->fd, 0));
	close(program->fd);
}

static uint32_t program_look(const struct program *program, const struct v4l2_buffer *buffer)
{
	ASSERT_LT(buffer->index, program->frames);
	return number_of(program->map[buffer->index], buffer->bytesused);
}

/* Gets the next frame */
static void program_take(struct program *program, struct v4l2_buffer *buffer)
{
	const uint32_t last = program->number, sequence = program->sequence;

	ASSERT_EQ(0, dequeue(program->fd, buffer));
	program->number = program_look(program, buffer);
	program->sequence = buffer->sequence;
	if (!last)
		return;
	EXPECT_LT(last, program->number);
	EXPECT_EQ(program->number - last, program->sequence - sequence);
}

static void program_turn(struct program *program, struct v4l2_buffer *buffer)
{
	ASSERT_EQ(0, queue(program->fd, buffer->index));
	program_take(program, buffer);
}

/* The second one began later, and a program that is too slow loses frames. */
static void same_frame(struct program *programs, struct v4l2_buffer *buffers)
{
	unsigned int late;

	while (programs[0].sequence != programs[1].sequence) {
		late = programs[0].sequence > programs[1].sequence;
		program_turn(&programs[late], &buffers[late]);
	}
	EXPECT_EQ(programs[0].number, programs[1].number);
	EXPECT_EQ(buffers[0].index, buffers[1].index);
}

/*
 * K11, K12: two programs stream from the node of a share at the same time. Both get the frames in
 * order, with the right pictures. The camera is busy for other files while a program has buffers.
 * It is on, and so is its light, only while a program streams.
 */
TEST_F(uvc_readers, share)
{
	struct program programs[2], other;
	struct v4l2_buffer buffers[2], buffer;
	struct sharing sharing;
	int i;

	sharing_begin(&sharing, self->cam);
	for (i = 0; i < 2; i++)
		program_open(&programs[i], sharing.path);
	EXPECT_FALSE(webcam_streams(self->cam));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, stream(programs[i].fd, true));
		program_take(&programs[i], &buffers[i]);
	}
	for (i = 0; i < ROUNDS; i++) {
		same_frame(programs, buffers);
		program_turn(&programs[0], &buffers[0]);
		program_turn(&programs[1], &buffers[1]);
	}
	EXPECT_EQ(-EBUSY, request_buffers(sharing.video, 2));
	program_stop(&programs[0]);
	EXPECT_EQ(-EBUSY, request_buffers(sharing.video, 2));
	for (i = 0; i < 4; i++)
		program_turn(&programs[1], &buffers[1]);
	EXPECT_TRUE(webcam_streams(self->cam));
	EXPECT_EQ(0, stream(programs[1].fd, false));
	EXPECT_FALSE(webcam_streams(self->cam));
	EXPECT_EQ(-EBUSY, request_buffers(sharing.video, 2));
	program_stop(&programs[1]);

	ASSERT_TRUE(EVENTUALLY(request_buffers(sharing.video, 2) == 2));
	EXPECT_EQ(0, request_buffers(sharing.video, 0));
	program_start(&other, self->cam->node);
	program_take(&other, &buffer);
	for (i = 0; i < 4; i++)
		program_turn(&other, &buffer);
	program_stop(&other);
	sharing_end(&sharing);
}

/*
 * K12: the format is tried only while no program has buffers, because the camera can stop for it.
 * This holds also if the call began before.
 */
TEST_F(uvc_readers, share_tries_late)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct program program;
	struct v4l2_buffer buffer;
	struct sharing sharing;
	struct trap trap;
	int fd;

	sharing_begin(&sharing, self->cam);
	fd = open_in_small(sharing.path);
	ASSERT_EQ(0, call_fd(fd, VIDIOC_G_FMT, &format));
	trap_set(&trap, TRAP_READ, &format, sizeof(format));
	trap_spring(&trap, fd, VIDIOC_TRY_FMT);
	program_start(&program, sharing.path);
	program_take(&program, &buffer);
	webcam_tell(self->cam, "hang 1");
	trap_let_go(&trap);
	EXPECT_TRUE(EVENTUALLY(trap.call.done));
	EXPECT_EQ(0, webcam_waiting(self->cam));
	webcam_tell(self->cam, "hang 0");
	EXPECT_EQ(0, trap_result(&trap));
	program_turn(&program, &buffer);
	program_stop(&program);
	close(fd);
	sharing_end(&sharing);
}

/* A program of low priority that exports buffers, and another that takes its processor at times */
struct exporter {
	int fd;
	atomic_bool busy, end;
	pthread_t idle, taking;
};

static void run_on_last(int policy)
{
	const struct sched_param param = { };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	ASSERT_EQ(0, sched_setscheduler(0, policy, &param));
}

static void *export_thread(void *data)
{
	struct exporter *exporter = data;
	struct v4l2_exportbuffer export;

	run_on_last(SCHED_IDLE);
	while (!exporter->end) {
		export = (struct v4l2_exportbuffer){ .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
		if (!ioctl(exporter->fd, VIDIOC_EXPBUF, &export))
			syscall(SYS_close, export.fd);
	}
	return NULL;
}

static void *taking_thread(void *data)
{
	struct exporter *exporter = data;

	run_on_last(SCHED_OTHER);
	while (!exporter->end)
		if (!exporter->busy)
			usleep(500);
	return NULL;
}

static void exporter_begin(struct exporter *exporter, int fd)
{
	*exporter = (struct exporter){ .fd = fd };
	ASSERT_EQ(0, pthread_create(&exporter->taking, NULL, taking_thread, exporter));
	ASSERT_EQ(0, pthread_create(&exporter->idle, NULL, export_thread, exporter));
}

static void exporter_end(struct exporter *exporter)
{
	exporter->end = true;
	ASSERT_EQ(0, pthread_join(exporter->taking, NULL));
	ASSERT_EQ(0, pthread_join(exporter->idle, NULL));
}

/*
 * K12: a program that stops in the middle of VIDIOC_EXPBUF does not keep the buffers of the camera,
 * so their end cannot be that of the next ones.
 */
TEST_F(uvc_readers, share_buffers_of_next)
{
	struct v4l2_streamparm parm = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct exporter exporter;
	struct sharing sharing;
	int fd, i, j, count;

	sharing_begin(&sharing, self->cam);
	fd = open_in_small(sharing.path);
	ASSERT_EQ(0, call_fd(fd, VIDIOC_G_PARM, &parm));
	ASSERT_LE(4, request_buffers(fd, 4));
	exporter_begin(&exporter, fd);
	for (i = 0; i < 40; i++) {
		usleep(10000 + i * 137);
		atomic_store(&exporter.busy, true);
		usleep(4000);
		ASSERT_EQ(0, request_buffers(fd, 0));
		ASSERT_EQ(0, call_fd(fd, VIDIOC_S_PARM, &parm));
		count = request_buffers(fd, 4);
		ASSERT_LE(4, count);
		for (j = 0; j < count; j++)
			ASSERT_EQ(0, queue(fd, j));
		atomic_store(&exporter.busy, false);
		usleep(i * 37);
		ASSERT_EQ(0, stream(fd, true));
		ASSERT_EQ(0, stream(fd, false));
	}
	exporter_end(&exporter);
	close(fd);
	sharing_end(&sharing);
}

/*
 * K12: the camera of a share is unplugged: DQBUF returns ENODEV and the node disappears. A frame
 * that a program has got keeps its picture, and nothing is left when all is closed.
 */
TEST_F(uvc_readers, unplug_share)
{
	struct v4l2_buffer held, buffer, wanted = buffer_of(0);
	struct program holder;
	struct sharing sharing;
	struct footprint before;
	uint32_t number;
	struct call waiting;
	int waiter, err, i;

	footprint_take(&before);
	sharing_begin(&sharing, self->cam);
	program_start(&holder, sharing.path);
	program_take(&holder, &held);
	number = holder.number;
	/* A program that has queued no buffer waits, although the camera runs */
	waiter = open_in_small(sharing.path);
	ASSERT_LE(4, request_buffers(waiter, 4));
	ASSERT_EQ(0, stream(waiter, true));
	call_start(&waiting, waiter, VIDIOC_DQBUF, &wanted);
	EXPECT_TRUE(call_waits(&waiting));
	program_take(&holder, &buffer);
	for (i = 0; i < MANY; i++)
		program_turn(&holder, &buffer);
	EXPECT_FALSE(waiting.done);

	webcam_unplug(self->cam);
	EXPECT_EQ(-ENODEV, call_result(&waiting));
	while (!(err = dequeue(holder.fd, &buffer)))
		;
	EXPECT_EQ(-ENODEV, err);
	EXPECT_TRUE(poll_fd(holder.fd, POLLIN, PATIENCE_MS) & POLLHUP);
	EXPECT_TRUE(EVENTUALLY(access(sharing.path, F_OK)));
	EXPECT_EQ(number, program_look(&holder, &held));
	webcam_settle(self->cam);
	close(waiter);
	close(holder.fd);
	sharing_end(&sharing);
	EXPECT_EQ(number, program_look(&holder, &held));
	program_unmap(&holder);
	webcam_plug(self->cam, NULL);
	EXPECT_FOOTPRINT(&before);
}
