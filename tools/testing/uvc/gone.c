// SPDX-License-Identifier: GPL-2.0-only
/*
 * A USB camera that disappears while it streams: it is unbound, deauthorized, reset, or
 * unplugged. The driver of 6.12 unregisters the node before it stops the stream. So frames
 * must never become free before the driver has stopped.
 *
 * Painters wait for free frames. Each painter fills its frame with a pattern, and checks
 * whether the pattern changes: only the camera could change it.
 */
#include "webcam.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../selftests/rough.h"

#define PATTERN 0xa5
/* The camera writes long blocks, so it is sufficient to check some bytes */
#define STEP 64
/* The time of two pictures of studio_run(), rounded up */
#define TWO_PICTURES_MS 67

/**
 * struct painter - a thread that waits for a free frame
 * @studio: the camera and the connection
 * @thread: of the painter
 * @stop: check once more, and end
 * @has_frame: it has got a frame and filled it
 * @foreign: number of checks that found other data
 */
struct painter {
	struct studio *studio;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool has_frame;
	unsigned int foreign;
};

FIXTURE(uvc_gone) {
	struct studio studio;
	struct painter painters[WEBCAM_FRAMES];
	/* Completes frames and submits them again until the camera has disappeared */
	pthread_t reader;
	unsigned int seed;
};

FIXTURE_SETUP(uvc_gone)
{
	studio_set_up(&self->studio, NULL);
	self->seed = choose_seed();
}

FIXTURE_TEARDOWN(uvc_gone)
{
	studio_tear_down(&self->studio);
}

static bool is_foreign(const uint8_t *frame, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += STEP)
		if (frame[i] != PATTERN)
			return true;
	return false;
}

static void look(struct painter *painter, uint8_t *frame)
{
	const size_t bytes = painter->studio->bytes;

	if (is_foreign(frame, bytes)) {
		painter->foreign++;
		memset(frame, PATTERN, bytes);
	}
}

static void *paint(void *data)
{
	struct painter *painter = data;
	struct studio *studio = painter->studio;
	int index = alloc_frame(studio->rig.allocator, 0, 0);
	uint8_t *frame;
	bool last;

	if (index < 0)
		return NULL;
	frame = studio->frame[index];
	memset(frame, PATTERN, studio->bytes);
	painter->has_frame = true;
	do {
		last = painter->stop;
		look(painter, frame);
		sleep_ms(1);
	} while (!last);
	free_frame(studio->rig.allocator, index);
	return NULL;
}

static void *read_until_gone(void *data)
{
	struct studio *studio = data;
	struct ksalloc_complete frame;
	int index, err;

	do {
		index = complete(studio->rig.connection, 0, 0, &frame);
		err = index < 0 ? index : submit(studio->rig.connection, index);
		if (err && index >= 0)
			free_frame(studio->rig.allocator, index);
	} while (!err);
	EXPECT_EQ(-ENODEV, err);
	return NULL;
}

/* Starts a stream, and a painter for each of its frames */
static void begin(struct uvc_gone_fixture *self)
{
	unsigned int i;

	studio_run(&self->studio);
	expect_pictures(&self->studio, 1);
	for (i = 0; i < WEBCAM_FRAMES; i++) {
		struct painter *painter = &self->painters[i];

		*painter = (struct painter){ .studio = &self->studio };
		ASSERT_EQ(0, pthread_create(&painter->thread, NULL, paint, painter));
	}
	ASSERT_TRUE(EVENTUALLY(waiters(self->studio.rig.allocator) == WEBCAM_FRAMES));
	ASSERT_EQ(0, pthread_create(&self->reader, NULL, read_until_gone, &self->studio));
	sleep_ms(pick(&self->seed, 40));
}

static bool all_have_frames(struct uvc_gone_fixture *self)
{
	unsigned int i;

	for (i = 0; i < WEBCAM_FRAMES; i++)
		if (!self->painters[i].has_frame)
			return false;
	return true;
}

static unsigned int count_foreign(struct uvc_gone_fixture *self)
{
	unsigned int i, foreign = 0;

	for (i = 0; i < WEBCAM_FRAMES; i++)
		foreign += self->painters[i].foreign;
	return foreign;
}

/* The camera has disappeared: all frames become free, and all keep their pattern. */
static void end(struct uvc_gone_fixture *self)
{
	unsigned int i;

	pthread_join(self->reader, NULL);
	ASSERT_TRUE(EVENTUALLY(all_have_frames(self)));
	/* A camera that is not stopped needs this time to write into a frame. */
	sleep_ms(TWO_PICTURES_MS);
	for (i = 0; i < WEBCAM_FRAMES; i++)
		self->painters[i].stop = true;
	for (i = 0; i < WEBCAM_FRAMES; i++)
		pthread_join(self->painters[i].thread, NULL);
	EXPECT_EQ(0, count_foreign(self));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->studio.rig.connection));
	EXPECT_EQ(0, in_device(self->studio.rig.allocator));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(self->studio.rig.connection, POLLIN, 0));
	studio_disconnect(&self->studio);
}

/* The driver is unbound repeatedly. */
TEST_F_TIMEOUT(uvc_gone, unbind, LAST_RESORT_S)
{
	unsigned int count = scaled_by("STRESS_UNBINDS", 200), left = count;

	while (left--) {
		begin(self);
		webcam_unbind(&self->studio.cam);
		end(self);
		webcam_bind(&self->studio.cam);
	}
	harness_note("%u unbinds", count);
}

/* The device is deauthorized. */
TEST_F_TIMEOUT(uvc_gone, deauthorize, LAST_RESORT_S)
{
	unsigned int count = scaled(60);

	while (count--) {
		begin(self);
		webcam_authorize(&self->studio.cam, false);
		end(self);
		webcam_authorize(&self->studio.cam, true);
	}
}

/* The device is reset, which unbinds the driver and binds it again. */
TEST_F_TIMEOUT(uvc_gone, reset, LAST_RESORT_S)
{
	unsigned int count = scaled(40);

	while (count--) {
		begin(self);
		webcam_reset(&self->studio.cam);
		end(self);
	}
}

/* The cable is unplugged. */
TEST_F_TIMEOUT(uvc_gone, unplug, LAST_RESORT_S)
{
	unsigned int count = scaled(40);

	while (count--) {
		begin(self);
		webcam_unplug(&self->studio.cam);
		end(self);
		webcam_plug(&self->studio.cam, NULL);
	}
}

/* The cable of a camera with a bulk endpoint is unplugged. */
TEST_F(uvc_gone, unplug_bulk)
{
	webcam_unplug(&self->studio.cam);
	webcam_plug(&self->studio.cam, "-b");
	begin(self);
	webcam_unplug(&self->studio.cam);
	end(self);
}

struct unbinding {
	struct webcam *cam;
	pthread_t thread;
	atomic_bool done;
};

static void *unbind(void *data)
{
	struct unbinding *unbinding = data;

	webcam_unbind(unbinding->cam);
	unbinding->done = true;
	return NULL;
}

/*
 * Another process holds the lock of the driver, because the camera does not answer its
 * TRY_FMT. The driver cannot stop the stream during this time, and the camera continues to
 * send pictures. The frames stay in the device meanwhile.
 */
TEST_F(uvc_gone, unbind_while_it_hangs)
{
	struct webcam *cam = &self->studio.cam;
	struct unbinding unbinding = { .cam = cam };
	struct try_format try;
	unsigned int sent;

	begin(self);
	webcam_tell(cam, "hang 1");
	try_format_hang(&try, cam);
	ASSERT_EQ(0, pthread_create(&unbinding.thread, NULL, unbind, &unbinding));
	sent = webcam_pictures(cam);
	EXPECT_TRUE(EVENTUALLY(webcam_pictures(cam) > sent + 2 * WEBCAM_FRAMES ||
			       unbinding.done));
	webcam_tell(cam, "hang 0");
	try_format_end(&try);
	pthread_join(unbinding.thread, NULL);
	end(self);
}

/*
 * The own memory of the camera outlives it while a process has a dma-buf, and nothing writes there
 * any more.
 */
TEST_F(uvc_gone, own_memory)
{
	struct studio *studio = &self->studio;
	struct ksalloc_complete frame;
	unsigned int i;
	int index, other;

	studio_connect(studio, 320, 180, 30);
	studio_allocate(studio, -1);
	studio_start(studio);
	expect_pictures(studio, 2);
	webcam_unplug(&studio->cam);
	while ((index = complete(studio->rig.connection, 0, 0, &frame)) >= 0)
		;
	EXPECT_EQ(-ENODEV, index);
	EXPECT_EQ(0, in_device(studio->rig.allocator));
	for (i = 0; i < studio->frames; i++)
		memset(studio->frame[i], PATTERN, studio->bytes);
	index = alloc_now(studio->rig.allocator);
	EXPECT_LE(0, index);
	EXPECT_EQ(0, free_frame(studio->rig.allocator, index));

	/* A new camera is independent of the old one. */
	webcam_plug(&studio->cam, NULL);
	other = do_connect(studio->rig.ksalloc, webcam_open(&studio->cam));
	EXPECT_LE(0, other);
	for (i = 0; i < studio->frames; i++)
		EXPECT_FALSE(is_foreign(studio->frame[i], studio->bytes));
}

/* All calls at the same time, from several threads, while the camera disappears */

struct caller {
	struct uvc_gone_fixture *self;
	pthread_t thread;
	unsigned int seed;
};

static atomic_bool enough;

/*
 * A driver can fail before it has unregistered its node. That of USB cameras fails with EPERM,
 * ENOENT or ESHUTDOWN if the transfer is cancelled meanwhile. EIO stands for its own ENODEV.
 */
static void try_state(int connection, unsigned int state)
{
	const int err = set_state(connection, state);

	switch (err) {
	case 0:
	case -EIO:
	case -ENODEV:
	case -ENOENT:
	case -EPERM:
	case -ESHUTDOWN:
		break;
	default:
		/* Fails, and prints the errno */
		EXPECT_EQ(-ENODEV, err);
	}
}

static void call_something(struct uvc_gone_fixture *self, unsigned int *seed)
{
	struct rig *rig = &self->studio.rig;
	struct ksallocator_framing framing;
	struct ksalloc_complete frame;
	int index;

	switch (pick(seed, 8)) {
	case 0:
		try_state(rig->connection, pick(seed, KSSTATE_RUN + 1));
		break;
	case 1:
		try_state(rig->connection, KSSTATE_RUN);
		break;
	case 2:
		get_framing(rig->connection, &framing);
		break;
	case 3:
		poll_fd(rig->connection, POLLIN, 5);
		break;
	case 4:
		reset_state(rig->connection, pick(seed, 2));
		break;
	case 5:
		index = complete(rig->connection, 0, in_ms(5), &frame);
		if (index >= 0)
			submit(rig->connection, index);
		break;
	default:
		index = alloc_now(rig->allocator);
		if (index >= 0 && submit_fd(rig->connection, index,
					    self->studio.dmabuf[index]))
			free_frame(rig->allocator, index);
	}
}

static void *call_on(void *data)
{
	struct caller *caller = data;

	while (!enough)
		call_something(caller->self, &caller->seed);
	return NULL;
}

TEST_F_TIMEOUT(uvc_gone, amid_all_calls, LAST_RESORT_S)
{
	struct caller callers[4];
	unsigned int count = scaled(60), i;
	struct studio *studio = &self->studio;

	while (count--) {
		studio_run(studio);
		enough = false;
		for (i = 0; i < ARRAY_SIZE(callers); i++) {
			callers[i] = (struct caller){
				.self = self,
				.seed = seed_of(self->seed, count * 8 + i),
			};
			ASSERT_EQ(0, pthread_create(&callers[i].thread, NULL, call_on,
						    &callers[i]));
		}
		sleep_ms(50 + pick(&self->seed, 100));
		if (count & 1)
			webcam_unbind(&studio->cam);
		else
			webcam_unplug(&studio->cam);
		enough = true;
		for (i = 0; i < ARRAY_SIZE(callers); i++)
			pthread_join(callers[i].thread, NULL);
		/* An unplugged cable is detected with a delay */
		EXPECT_TRUE(EVENTUALLY(set_state(studio->rig.connection, KSSTATE_RUN) ==
				       -ENODEV));
		EXPECT_EQ(0, in_device(studio->rig.allocator));
		studio_disconnect(studio);
		if (count & 1)
			webcam_bind(&studio->cam);
		else
			webcam_plug(&studio->cam, NULL);
	}
}
