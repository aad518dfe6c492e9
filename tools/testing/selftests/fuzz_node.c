// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random V4L2 calls on the node of a share of the second camera.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NODE_FRAMES 10
#define WIDTH 320
#define HEIGHT 180

/*
 * How often a call is made, and how often in the quiet phase. In that, a stream must not end before
 * the camera has filled a frame
 */
static const struct {
	unsigned long request;
	const char *name;
	unsigned char weight, quiet;
} calls[NODE_CALLS] = {
	[NODE_REQBUFS] = { VIDIOC_REQBUFS, "REQBUFS", 20, 1 },
	[NODE_QUERYBUF] = { VIDIOC_QUERYBUF, "QUERYBUF", 10, 20 },
	[NODE_EXPBUF] = { VIDIOC_EXPBUF, "EXPBUF", 10, 20 },
	[NODE_QBUF] = { VIDIOC_QBUF, "QBUF", 50, 100 },
	[NODE_DQBUF] = { VIDIOC_DQBUF, "DQBUF", 20, 60 },
	[NODE_STREAMON] = { VIDIOC_STREAMON, "STREAMON", 20, 40 },
	[NODE_STREAMOFF] = { VIDIOC_STREAMOFF, "STREAMOFF", 10, 1 },
	[NODE_G_FMT] = { VIDIOC_G_FMT, "G_FMT", 2, 5 },
	[NODE_TRY_FMT] = { VIDIOC_TRY_FMT, "TRY_FMT", 4, 10 },
	[NODE_S_FMT] = { VIDIOC_S_FMT, "S_FMT", 4, 5 },
	[NODE_G_PARM] = { VIDIOC_G_PARM, "G_PARM", 2, 5 },
	[NODE_S_PARM] = { VIDIOC_S_PARM, "S_PARM", 4, 10 },
	[NODE_G_CTRLS] = { VIDIOC_G_EXT_CTRLS, "G_EXT_CTRLS", 4, 10 },
	[NODE_S_CTRLS] = { VIDIOC_S_EXT_CTRLS, "S_EXT_CTRLS", 6, 20 },
	[NODE_SUBSCRIBE] = { VIDIOC_SUBSCRIBE_EVENT, "SUBSCRIBE_EVENT", 6, 20 },
	[NODE_UNSUBSCRIBE] = { VIDIOC_UNSUBSCRIBE_EVENT, "UNSUBSCRIBE_EVENT", 4, 2 },
	[NODE_DQEVENT] = { VIDIOC_DQEVENT, "DQEVENT", 2, 20 },
	[NODE_POLL] = { 0, "poll()", 10, 20 },
	[NODE_MMAP] = { 0, "mmap()", 10, 20 },
};

union argument {
	struct v4l2_requestbuffers request;
	struct v4l2_exportbuffer export;
	struct v4l2_buffer buffer;
	struct v4l2_format format;
	struct v4l2_streamparm parm;
	struct v4l2_ext_controls controls;
	struct v4l2_event_subscription subscription;
	struct v4l2_event event;
	int type;
};

static unsigned int any_type(unsigned int *seed)
{
	if (chance(seed, 96))
		return V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return chance(seed, 60) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : random_bits(seed);
}

static unsigned int any_memory(unsigned int *seed)
{
	return chance(seed, 96) ? V4L2_MEMORY_MMAP : random_bits(seed) & 7;
}

static unsigned int any_buffer(struct caller *caller)
{
	unsigned int *seed = &caller->seed;

	if (chance(seed, 30))
		return caller->buffer;
	return chance(seed, 95) ? pick(seed, NODE_FRAMES + 1) : random_bits(seed);
}

/*
 * Sometimes none, because the camera is busy for connections while a program has buffers. Seldom
 * enough that one of the programs mostly has some: a connection keeps the camera for long.
 */
static struct v4l2_requestbuffers any_buffers(unsigned int *seed)
{
	return (struct v4l2_requestbuffers){
		.count = chance(seed, 35) ? 0 : chance(seed, 95) ? pick(seed, 8) :
								   random_bits(seed),
		.type = any_type(seed),
		.memory = any_memory(seed),
		.flags = chance(seed, 5) ? random_bits(seed) : 0,
	};
}

static struct v4l2_exportbuffer any_export(struct caller *caller)
{
	unsigned int *seed = &caller->seed;

	return (struct v4l2_exportbuffer){
		.type = any_type(seed),
		.index = any_buffer(caller),
		.plane = chance(seed, 95) ? 0 : random_bits(seed),
		.flags = chance(seed, 90) ? O_CLOEXEC : random_bits(seed),
	};
}

static struct v4l2_buffer any_queued(struct caller *caller)
{
	unsigned int *seed = &caller->seed;
	struct v4l2_buffer buffer = {
		.index = any_buffer(caller),
		.type = any_type(seed),
		.memory = any_memory(seed),
	};

	if (chance(seed, 90))
		return buffer;
	buffer.flags = random_bits(seed);
	buffer.field = random_bits(seed);
	buffer.bytesused = random_bits(seed);
	buffer.length = pick(seed, 10);
	buffer.m.planes = (void *)(uintptr_t)any_room(caller);
	buffer.request_fd = random_bits(seed);
	return buffer;
}

/* Mostly the current size: frames of another one do not fit into those of the connection */
static struct v4l2_format any_format(unsigned int *seed)
{
	struct v4l2_format format = { .type = any_type(seed) };
	struct v4l2_pix_format *pix = &format.fmt.pix;

	pix->width = chance(seed, 90) ? WIDTH : random_bits(seed);
	pix->height = chance(seed, 90) ? HEIGHT : random_bits(seed);
	pix->pixelformat = chance(seed, 90) ? V4L2_PIX_FMT_YUYV : random_bits(seed);
	pix->field = chance(seed, 90) ? V4L2_FIELD_ANY : random_bits(seed);
	if (chance(seed, 10)) {
		pix->bytesperline = random_bits(seed);
		pix->sizeimage = random_bits(seed);
	}
	return format;
}

/* Not slower than the usual rate, or the test would take long */
static struct v4l2_streamparm any_parm(unsigned int *seed)
{
	return (struct v4l2_streamparm){
		.type = any_type(seed),
		.parm.capture = {
			.capability = chance(seed, 5) ? random_bits(seed) : 0,
			.timeperframe = { pick(seed, 2), 25 + pick(seed, 40) },
		},
	};
}

/* No control of vivid itself: one of them unplugs the camera */
static unsigned int any_control(unsigned int *seed)
{
	if (chance(seed, 90))
		return V4L2_CID_BRIGHTNESS + pick(seed, 5);
	return V4L2_CID_CAMERA_CLASS_BASE + pick(seed, 64);
}

static struct v4l2_ext_controls any_controls(struct caller *caller)
{
	struct v4l2_ext_control *control = (struct v4l2_ext_control *)caller->pages;
	unsigned int *seed = &caller->seed, i;

	memset(control, 0, 4 * sizeof(*control));
	for (i = 0; i < 4; i++) {
		control[i].id = any_control(seed);
		control[i].size = chance(seed, 3) ? random_bits(seed) : 0;
		control[i].value = chance(seed, 90) ? pick(seed, 256) : random_bits(seed);
	}
	return (struct v4l2_ext_controls){
		.which = chance(seed, 90) ? V4L2_CTRL_WHICH_CUR_VAL : random_bits(seed),
		.count = chance(seed, 95) ? pick(seed, 3) : random_bits(seed),
		.controls = (void *)(uintptr_t)(chance(seed, 95) ? (uintptr_t)control :
								   any_room(caller)),
	};
}

static struct v4l2_event_subscription any_subscription(unsigned int *seed)
{
	return (struct v4l2_event_subscription){
		.type = chance(seed, 95) ? V4L2_EVENT_CTRL : random_bits(seed),
		.id = any_control(seed),
		.flags = chance(seed, 90) ? pick(seed, 4) : random_bits(seed),
	};
}

static void make_argument_of(struct caller *caller, unsigned int call, union argument *arg)
{
	unsigned int *seed = &caller->seed;

	memset(arg, 0, sizeof(*arg));
	switch (call) {
	case NODE_REQBUFS:
		arg->request = any_buffers(seed);
		break;
	case NODE_EXPBUF:
		arg->export = any_export(caller);
		break;
	case NODE_QUERYBUF:
	case NODE_QBUF:
	case NODE_DQBUF:
		arg->buffer = any_queued(caller);
		break;
	case NODE_G_FMT:
	case NODE_TRY_FMT:
	case NODE_S_FMT:
		arg->format = any_format(seed);
		break;
	case NODE_G_PARM:
	case NODE_S_PARM:
		arg->parm = any_parm(seed);
		break;
	case NODE_G_CTRLS:
	case NODE_S_CTRLS:
		arg->controls = any_controls(caller);
		break;
	case NODE_SUBSCRIBE:
	case NODE_UNSUBSCRIBE:
		arg->subscription = any_subscription(seed);
		break;
	default:
		arg->type = any_type(seed);
		break;
	}
}

/* Mostly a page of a buffer */
static int map_any(struct caller *caller, int fd)
{
	unsigned int *seed = &caller->seed;
	size_t size = chance(seed, 95) ? PAGE : pick(seed, 1000) * PAGE;
	unsigned char *map = mmap(NULL, size, chance(seed, 95) ? PROT_READ : pick(seed, 8),
				  chance(seed, 95) ? MAP_SHARED : MAP_PRIVATE, fd,
				  caller->offset + (chance(seed, 95) ? 0 : pick(seed, 9) * PAGE));

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, size);
	return 0;
}

static int make_call(struct caller *caller, int fd, unsigned int call, union argument *arg)
{
	struct pollfd events = { .fd = fd, .events = POLLIN | POLLPRI };

	switch (call) {
	case NODE_POLL:
		/* Only POLLIN says that the camera has filled a frame */
		return poll(&events, 1, pick(&caller->seed, 2)) < 0 ? -errno :
			(events.revents & POLLIN) ? 0 : -EAGAIN;
	case NODE_MMAP:
		return map_any(caller, fd);
	default:
		return call_fd(fd, calls[call].request, arg);
	}
}

static void take_answer(struct caller *caller, unsigned int call, const union argument *arg)
{
	if (call == NODE_EXPBUF)
		keep_fd(&caller->seed, arg->export.fd, FILE_DMABUF);
	else if (call == NODE_DQBUF)
		caller->buffer = arg->buffer.index;
	else if (call == NODE_QUERYBUF)
		caller->offset = arg->buffer.m.offset;
}

static unsigned int any_call(unsigned int *seed, bool quiet)
{
	unsigned int weights = 0, left, i;

	for (i = 0; i < NODE_CALLS; i++)
		weights += quiet ? calls[i].quiet : calls[i].weight;
	left = pick(seed, weights);
	for (i = 0; left >= (quiet ? calls[i].quiet : calls[i].weight); i++)
		left -= quiet ? calls[i].quiet : calls[i].weight;
	return i;
}

/*
 * Another descriptor of a random file, which no thread replaces. -1 if it is of a camera: a program
 * of the test would keep that busy
 */
static int any_node(struct fuzz *fuzz, unsigned int *seed)
{
	int fd = fcntl(any_fd(seed, FILE_NODE), F_DUPFD_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISCHR(st.st_mode) ||
	    major(st.st_rdev) != VIDEO_MAJOR || st.st_rdev == fuzz->node)
		return fd;
	close(fd);
	return -1;
}

/* Errnos of the V4L2 core and of the camera, for events and controls */
static bool is_of_v4l2(unsigned int call, int err)
{
	return (call == NODE_DQEVENT && err == ENOENT) ||
	       ((call == NODE_S_CTRLS || call == NODE_G_CTRLS) &&
		(err == ERANGE || err == ENOSPC));
}

void call_node(struct thread *thread)
{
	struct caller *caller = &thread->caller;
	struct fuzz *fuzz = thread->fuzz;
	unsigned int call = any_call(&caller->seed, fuzz->quiet);
	int fd = any_node(fuzz, &caller->seed), result;
	union argument arg;

	make_argument_of(caller, call, &arg);
	thread->request = calls[call].request;
	result = make_call(caller, fd, call, &arg);
	thread->calls++;
	if (result >= 0) {
		fuzz->node_succeeded[call]++;
		take_answer(caller, call, &arg);
	} else {
		fuzz->node_failed[call]++;
		/* A random descriptor can be of any kind of file, with errnos of mmap() */
		if (call != NODE_MMAP && !is_of_v4l2(call, -result))
			note_unknown(thread, calls[call].name, calls[call].request, fd, -result);
	}
	if (fd >= 0)
		close(fd);
}

void node_open(struct fuzz *fuzz)
{
	struct ksalloc_share arg = {
		.size = sizeof(arg),
		.v4l2_fd = fuzz->cameras->video,
	};
	char path[32];
	struct stat st;
	int i;

	fuzz->share = call_fd(fuzz->cameras->rig.ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, fuzz->share);
	snprintf(path, sizeof(path), "/dev/video%u", arg.node);
	for (i = 0; i < SLOTS_EACH; i++) {
		fuzz->masters[FILE_NODE][i] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		ASSERT_LE(0, fuzz->masters[FILE_NODE][i]);
	}
	ASSERT_EQ(0, fstat(fuzz->masters[FILE_NODE][0], &st));
	fuzz->node = st.st_rdev;
}

void node_request_buffers(struct fuzz *fuzz)
{
	struct v4l2_requestbuffers request;
	unsigned int i;

	for (i = 0; i < SLOTS_EACH; i++) {
		request = (struct v4l2_requestbuffers){
			.count = 4,
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP,
		};
		ASSERT_EQ(0, call_fd(fuzz->masters[FILE_NODE][i], VIDIOC_REQBUFS, &request));
		/* Later, streams and mapped buffers prevent it most times */
		fuzz->node_succeeded[NODE_REQBUFS]++;
	}
}

/* The format can be set only while no program has buffers, which is seldom */
static bool must_succeed(unsigned int call)
{
	return call != NODE_S_FMT;
}

bool node_has_succeeded(const struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < NODE_CALLS; i++)
		if (must_succeed(i) && !fuzz->node_succeeded[i])
			return false;
	return true;
}

void node_report(const struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < NODE_CALLS; i++) {
		harness_note("on the node of a share, %s: %u succeeded, %u failed", calls[i].name,
			     fuzz->node_succeeded[i], fuzz->node_failed[i]);
		EXPECT_LT(0, fuzz->node_succeeded[i] + fuzz->node_failed[i]);
		if (fuzz->has_quiet && must_succeed(i))
			EXPECT_LT(0, fuzz->node_succeeded[i]);
	}
}
