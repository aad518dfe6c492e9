// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_state": the states of a connection, with a device that can fail at
 * each step and can disappear at any moment.
 *
 * The calls of the device are compared one by one with the expected steps of a change of
 * the state, and with the steps back after a failure.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "fake_device.h"

#define STATES 4

/* Ways to get to PAUSE and RUN */
enum state_variant {
	/* Three frames submitted */
	STATE_SUBMITTED,
	/* Four frames submitted in RUN, one of them filled, and then to PAUSE */
	STATE_FILLED,
	/* No frame submitted */
	STATE_IDLE,
};

/**
 * struct state_start - the start of a test
 * @state: the state
 * @variant: the way to that state
 */
struct state_start {
	enum ksstate state;
	enum state_variant variant;
};

/* All of them */
static const struct state_start state_starts[] = {
	{ KSSTATE_STOP, STATE_IDLE },
	{ KSSTATE_ACQUIRE, STATE_IDLE },
	{ KSSTATE_PAUSE, STATE_IDLE },
	{ KSSTATE_PAUSE, STATE_SUBMITTED },
	{ KSSTATE_PAUSE, STATE_FILLED },
	{ KSSTATE_RUN, STATE_IDLE },
	{ KSSTATE_RUN, STATE_SUBMITTED },
	{ KSSTATE_RUN, STATE_FILLED },
};

static const struct state_start state_run_filled = { KSSTATE_RUN, STATE_FILLED };

#define STATE_STARTS_END (state_starts + ARRAY_SIZE(state_starts))

/**
 * struct state_view - everything that a test can see of a connection
 * @state: its state
 * @gone: the device has disappeared
 * @allocator: the assigned one
 * @submitted: frames that are not filled, in order
 * @n_submitted: length of @submitted
 * @done: frames that are filled and not completed, in order
 * @n_done: length of @done
 * @frames: all frames of the allocator
 * @hw: state of the device
 */
struct state_view {
	enum ksstate state;
	bool gone;
	const struct ks_allocator *allocator;
	u32 submitted[KS_TEST_FRAMES];
	u32 n_submitted;
	u32 done[KS_TEST_FRAMES];
	u32 n_done;
	struct ks_test_frames frames;
	struct ks_fake_hw hw;
};

static struct state_view *state_view_create(struct kunit *test)
{
	struct state_view *view = kunit_kzalloc(test, sizeof(*view), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, view);
	return view;
}

static void state_look(struct ks_rig *rig, struct state_view *view)
{
	memset(view, 0, sizeof(*view));
	view->state = rig->conn->state;
	view->gone = rig->conn->gone;
	view->allocator = rig->conn->allocator;
	view->n_submitted = ks_rig_submitted(rig, view->submitted);
	view->n_done = ks_rig_done(rig, view->done);
	ks_test_look(rig->test, rig->alloc, &view->frames);
	ks_fake_look(rig->fake, &view->hw);
}

/* A rig with six frames in a state, with one more frame allocated */
static struct ks_rig *state_rig(struct kunit *test,
				const struct state_start *start)
{
	struct ks_rig *rig = ks_rig_create(test, 6);
	u32 i;

	ks_rig_alloc(rig);
	if (start->variant == STATE_FILLED) {
		ks_rig_request(rig, KSSTATE_RUN);
		for (i = 0; i < 4; i++)
			ks_rig_submit(rig);
		KUNIT_ASSERT_TRUE(test, ks_fake_fill(rig->fake));
	}
	ks_rig_request(rig, start->state);
	if (start->variant == STATE_SUBMITTED)
		for (i = 0; i < 3; i++)
			ks_rig_submit(rig);
	ks_fake_forget(rig->fake);
	return rig;
}

/* Ends what was tried from a start, and the test if it failed */
static void state_rig_end(struct ks_rig *rig, const struct state_start *start,
			  u32 what)
{
	ks_rig_end(rig);
	KUNIT_ASSERT_NE_MSG(rig->test, READ_ONCE(rig->test->status),
			    KUNIT_FAILURE, "state %d, variant %d, %u",
			    start->state, start->variant, what);
}

static void state_add(char *text, const char *word)
{
	if (text[0])
		strlcat(text, " ", KS_FAKE_TEXT);
	strlcat(text, word, KS_FAKE_TEXT);
}

static void state_way_up(char *text, const struct state_view *before,
			 enum ksstate to)
{
	char word[16];
	u32 i;

	if (before->state == KSSTATE_STOP && to > KSSTATE_STOP) {
		state_add(text, "framing");
		state_add(text, "acquire");
	}
	if (before->state == KSSTATE_RUN || to != KSSTATE_RUN)
		return;
	/* The frames that the device already has are not queued again */
	for (i = before->hw.n_queued; i < before->n_submitted; i++) {
		snprintf(word, sizeof(word), "queue:%u", before->submitted[i]);
		state_add(text, word);
	}
	state_add(text, "run");
}

static void state_way_down(char *text, const struct state_view *before,
			   enum ksstate to)
{
	u32 i;

	if (before->state == KSSTATE_RUN && to == KSSTATE_PAUSE) {
		for (i = 0; i < before->hw.n_filled; i++)
			state_add(text, "dequeue");
		/* The last call returns that there is no further frame */
		if (before->hw.n_queued)
			state_add(text, "dequeue");
		state_add(text, "stop");
	}
	/* On the way, the state is PAUSE, in which nothing needs to be completed */
	if (before->state == KSSTATE_RUN && to < KSSTATE_PAUSE)
		state_add(text, "stop");
	if (before->state >= KSSTATE_PAUSE && to < KSSTATE_PAUSE)
		state_add(text, "stop");
	if (before->state > KSSTATE_STOP && to == KSSTATE_STOP)
		state_add(text, "release");
}

/* Computes the expected view after a change to a state */
static void state_expect(struct state_view *view, enum ksstate to)
{
	u32 i;

	if (view->state == KSSTATE_RUN && to == KSSTATE_PAUSE) {
		for (i = 0; i < view->hw.n_filled; i++)
			view->done[view->n_done++] =
				view->hw.filled[i].index;
		view->n_submitted = view->hw.n_queued;
		memset(view->submitted, 0, sizeof(view->submitted));
		memcpy(view->submitted, view->hw.queued,
		       view->n_submitted * sizeof(view->submitted[0]));
		memset(&view->hw, 0, sizeof(view->hw));
		view->hw.acquired = true;
	}
	if (view->state < KSSTATE_RUN && to == KSSTATE_RUN) {
		view->hw.running = true;
		view->hw.n_queued = view->n_submitted;
		memcpy(view->hw.queued, view->submitted,
		       sizeof(view->submitted));
	}
	if (view->state == KSSTATE_STOP && to > KSSTATE_STOP)
		view->hw.acquired = true;
	if (view->state >= KSSTATE_PAUSE && to < KSSTATE_PAUSE) {
		view->n_submitted = 0;
		view->n_done = 0;
		memset(view->submitted, 0, sizeof(view->submitted));
		memset(view->done, 0, sizeof(view->done));
		memset(&view->hw, 0, sizeof(view->hw));
		view->hw.acquired = true;
		for (i = 0; i < KS_TEST_FRAMES; i++) {
			if (view->frames.frame[i].state != KS_FRAME_IN_DEVICE)
				continue;
			memset(&view->frames.frame[i], 0,
			       sizeof(view->frames.frame[i]));
			view->frames.order[view->frames.free++] = i;
			view->frames.allocated--;
			view->frames.in_device--;
		}
	}
	if (to == KSSTATE_STOP)
		view->hw.acquired = false;
	view->state = to;
}

/* Fails if anything about the connection is different */
static void state_expect_view(struct ks_rig *rig,
			      const struct state_view *expected)
{
	struct state_view *now = state_view_create(rig->test);
	struct kunit *test = rig->test;

	state_look(rig, now);
	KUNIT_EXPECT_EQ(test, now->state, expected->state);
	KUNIT_EXPECT_MEMEQ(test, &now->frames, &expected->frames,
			   sizeof(now->frames));
	KUNIT_EXPECT_MEMEQ(test, &now->hw, &expected->hw,
			   sizeof(now->hw));
	KUNIT_EXPECT_MEMEQ(test, now, expected, sizeof(*now));
}

static void state_transition(struct kunit *test, const struct state_start *start,
			     enum ksstate to)
{
	char *text = kunit_kzalloc(test, KS_FAKE_TEXT, GFP_KERNEL);
	struct state_view *view = state_view_create(test);
	struct ks_rig *rig = state_rig(test, start);

	KUNIT_ASSERT_NOT_NULL(test, text);
	state_look(rig, view);
	KUNIT_ASSERT_EQ(test, view->state, start->state);
	if (start->state < to)
		state_way_up(text, view, to);
	else
		state_way_down(text, view, to);
	if (start->state != to)
		state_expect(view, to);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, to, false));
	ks_rig_expect_calls(rig, text);
	state_expect_view(rig, view);
	state_rig_end(rig, start, to);
}

/*
 * Passes if from every state to every other, with frames submitted, filled or none, exactly
 * the steps between are called, in order, and all frames are in the right place; and a
 * change to the same state calls nothing (I1, I4).
 */
static void state_every_transition(struct kunit *test)
{
	const struct state_start *start;
	enum ksstate to;

	for (start = state_starts; start < STATE_STARTS_END; start++)
		for (to = 0; to < STATES; to++)
			state_transition(test, start, to);
}

/* Cuts a text after @n words; false if it has fewer */
static bool state_first_words(char *text, u32 n)
{
	for (; *text; text++)
		if (*text == ' ' && !--n)
			break;
	if (*text)
		*text = '\0';
	else if (n > 1)
		return false;
	return true;
}

/* The steps back to the start, from the step up that failed */
static void state_way_back(char *text, const struct state_view *before,
			   enum ks_fake_op failed)
{
	if (failed == KS_FAKE_GET_FRAMING || failed == KS_FAKE_ACQUIRE)
		return;
	/* It failed between PAUSE and RUN */
	if (before->state < KSSTATE_PAUSE)
		state_add(text, "stop");
	if (before->state == KSSTATE_STOP)
		state_add(text, "release");
}

/*
 * An attempt that fails at the n-th step, and a second one that succeeds. Returns false if
 * there are fewer steps.
 */
static bool state_fail_at(struct kunit *test, const struct state_start *start,
			  enum ksstate to, u32 n, int error)
{
	char *text = kunit_kzalloc(test, KS_FAKE_TEXT, GFP_KERNEL);
	struct state_view *view = state_view_create(test);
	struct ks_rig *rig = state_rig(test, start);
	struct ks_fake_hw hw;
	bool enough;

	KUNIT_ASSERT_NOT_NULL(test, text);
	state_look(rig, view);
	state_way_up(text, view, to);
	enough = text[0] && state_first_words(text, n);
	if (!enough)
		goto out;

	ks_fake_fail(rig->fake, n, error);
	KUNIT_EXPECT_EQ(test, error, ks_connection_request(rig->conn, to, false));
	state_way_back(text, view, rig->fake->failed);
	ks_rig_expect_calls(rig, text);
	if (start->state == KSSTATE_PAUSE) {
		/*
		 * Frames that were queued before the failure can stay queued, if they are
		 * the first ones
		 */
		ks_fake_look(rig->fake, &hw);
		KUNIT_EXPECT_LE(test, hw.n_queued, view->n_submitted);
		KUNIT_EXPECT_MEMEQ(test, hw.queued, view->submitted,
				   hw.n_queued * sizeof(hw.queued[0]));
		view->hw = hw;
	}
	state_expect_view(rig, view);

	state_expect(view, to);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, to, false));
	state_expect_view(rig, view);
out:
	state_rig_end(rig, start, n);
	return enough;
}

/*
 * Passes if each way up that fails at one of its steps, with different errors, returns that
 * error, takes exactly the steps back, and leaves state, lists and frames as they were; and
 * then succeeds (I1).
 */
static void state_failure_walks_back(struct kunit *test)
{
	static const int errors[] = {
		-EIO, -ENOMEM, -EBUSY, -ERESTARTSYS, -EOPNOTSUPP, -EMFILE,
	};
	const struct state_start *start;
	u32 n, failures = 0;
	enum ksstate to;

	for (start = state_starts; start < STATE_STARTS_END; start++) {
		for (to = start->state + 1; to < STATES; to++) {
			for (n = 1; state_fail_at(test, start, to, n,
						  errors[failures %
							 ARRAY_SIZE(errors)]);
			     n++)
				failures++;
		}
	}
	kunit_info(test, "%u failures\n", failures);
	/* STOP: 2 + 2 + 3 steps, ACQUIRE: 1, PAUSE: 1 + 1 + 4 */
	KUNIT_EXPECT_EQ(test, failures, 14);
}

/*
 * Passes if the way from RUN to PAUSE succeeds whatever the n-th dequeue returns: frames
 * that were dequeued by then are done, and the others stay submitted in order and are
 * queued again (I1).
 */
static void state_down_does_not_fail(struct kunit *test)
{
	static const int errors[] = { -EIO, -EAGAIN, -ERESTARTSYS, -ENODEV };
	u32 n, i;

	for (n = 1; n <= 4; n++) {
		struct ks_rig *rig = ks_rig_create(test, 6);
		u32 order[KS_TEST_FRAMES];

		ks_rig_request(rig, KSSTATE_RUN);
		for (i = 0; i < 6; i++)
			ks_rig_submit(rig);
		for (i = 0; i < 3; i++)
			ks_fake_fill(rig->fake);
		ks_fake_fail(rig->fake, n, errors[n - 1]);
		ks_rig_request(rig, KSSTATE_PAUSE);
		KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_PAUSE);
		ks_test_expect_counts(test, rig->alloc, 6, 6, 0);

		KUNIT_EXPECT_EQ(test, ks_rig_done(rig, order), n - 1);
		for (i = 0; i < n - 1; i++)
			KUNIT_EXPECT_EQ(test, order[i], i);
		KUNIT_EXPECT_EQ(test, ks_rig_submitted(rig, order), 7 - n);
		for (i = 0; i < 7 - n; i++)
			KUNIT_EXPECT_EQ(test, order[i], n - 1 + i);

		ks_rig_request(rig, KSSTATE_RUN);
		KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, 7 - n);
		ks_rig_end(rig);
	}
}

/* Passes if without an allocator only STOP can be entered: EINVAL (D5). */
static void state_without_allocator(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);
	enum ksstate to;

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	ks_fake_forget(rig->fake);
	for (to = KSSTATE_ACQUIRE; to < STATES; to++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				ks_connection_request(rig->conn, to, false));
		KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	}
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_STOP, false));
	ks_rig_expect_calls(rig, "");
}

/*
 * Passes if an allocator that does not fit the format of the device any more ends the way
 * up with EINVAL, before the device is called, unless the device only states preferences
 * (A8, H4).
 */
static void state_format_changed(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 3);
	struct ksallocator_framing *framing = &rig->fake->framing;

	framing->frame_size = PAGE_SIZE + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_RUN, false));
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	framing->frame_size = PAGE_SIZE;
	framing->frames = 4;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_request(rig->conn, KSSTATE_ACQUIRE, false));
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	ks_rig_expect_calls(rig, "framing framing");

	framing->requirements_flags |= KSALLOCATOR_REQUIREMENTF_PREFERENCES_ONLY;
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_RUN, false));
}

/*
 * Passes if a request that a signal ends before it has the lock of the connection changes
 * nothing (A4).
 */
static void state_signal(struct kunit *test)
{
	struct ks_rig *rig = state_rig(test, &state_run_filled);
	struct state_view *view = state_view_create(test);
	struct ks_test_call *call;
	bool waits, returned;

	state_look(rig, view);
	mutex_lock(&rig->conn->lock);
	call = ks_test_call_request(test, rig->file, KSSTATE_STOP);
	waits = ks_test_pending(call);
	ks_test_signal(call);
	returned = ks_test_returned(call);
	mutex_unlock(&rig->conn->lock);

	KUNIT_EXPECT_TRUE(test, waits);
	KUNIT_ASSERT_TRUE(test, returned);
	KUNIT_EXPECT_EQ(test, call->ret, -ERESTARTSYS);
	ks_rig_expect_calls(rig, "");
	state_expect_view(rig, view);
}

/*
 * Passes if a connection holds one reference to its allocator, from the assignment to the
 * assignment of another one or none, or to its own end (D5).
 */
static void state_allocator_reference(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *one = ks_allocator_of(file);
	struct ks_allocator *other = ks_test_allocator(test, 2);
	struct ks_rig *rig = ks_rig_create_on(test, file);

	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, one));
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, other));
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, other));
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 2);
	ks_rig_release(rig);
	KUNIT_EXPECT_EQ(test, kref_read(&one->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
}

/* Passes if an allocator can be assigned only in STOP: EBUSY (D5). */
static void state_allocator_while_busy(struct kunit *test)
{
	struct ks_allocator *other = ks_test_allocator(test, 6);
	struct ks_rig *rig = ks_rig_create(test, 6);
	enum ksstate state;

	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		ks_rig_request(rig, state);
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn, other));
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn, NULL));
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_connection_set_allocator(rig->conn,
							    rig->alloc));
		KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);
		KUNIT_EXPECT_EQ(test, kref_read(&other->refs), 1);
	}
}

/*
 * Passes if an allocator that does not fit, or an error of the device, leaves the earlier
 * assignment as it was (D5, A4).
 */
static void state_allocator_errors(struct kunit *test)
{
	struct ks_allocator *small = ks_test_allocator(test, 2);
	struct ks_rig *rig = ks_rig_create(test, 3);

	rig->fake->framing.frames = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, small));
	rig->fake->framing.frames = 2;
	ks_fake_fail(rig->fake, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO,
			ks_connection_set_allocator(rig->conn, small));
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, rig->alloc);
	KUNIT_EXPECT_EQ(test, kref_read(&small->refs), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 2);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, small));
	/* The assigned allocator itself may not fit any more */
	rig->fake->framing.frames = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_set_allocator(rig->conn, small));
	KUNIT_EXPECT_PTR_EQ(test, rig->conn->allocator, small);
	KUNIT_EXPECT_EQ(test, kref_read(&small->refs), 2);
}

/*
 * Passes if frames that were completed through a connection become free when another
 * allocator is assigned, and other frames do not (D5).
 */
static void state_allocator_takes_collected_frames(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 3);
	struct ks_owner *elsewhere = ks_test_owner_of(rig->allocator);
	struct ksalloc_complete complete = {};
	u32 index;

	KUNIT_EXPECT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc, elsewhere,
							&index));
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	KUNIT_EXPECT_EQ(test, 0, ks_rig_read(rig, &complete));
	ks_rig_request(rig, KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn,
							     rig->alloc));
	ks_test_expect_counts(test, rig->alloc, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(rig->alloc, index, false));
}

/*
 * Passes if two connections share one allocator, and a change of the state of one does not
 * affect the frames of the other (G1).
 */
static void state_shared_allocator(struct kunit *test)
{
	struct ks_rig *one = ks_rig_create(test, 6);
	struct ks_rig *other = ks_rig_create_on(test, one->allocator);
	u32 i;

	ks_rig_request(one, KSSTATE_RUN);
	ks_rig_request(other, KSSTATE_RUN);
	for (i = 0; i < 3; i++) {
		ks_rig_submit(one);
		ks_rig_submit(other);
	}
	ks_test_expect_counts(test, one->alloc, 6, 6, 0);

	/* A frame in one device is not in another */
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_connection_submit(other->conn, 0, -1));
	ks_rig_request(one, KSSTATE_STOP);
	ks_test_expect_counts(test, one->alloc, 3, 3, 0);
	KUNIT_EXPECT_EQ(test, other->fake->hw.n_queued, 3);
	ks_rig_release(other);
	ks_test_expect_counts(test, one->alloc, 0, 0, 0);
}

/*
 * Passes if no connection is made if watch() fails, and the device was destroyed, once,
 * before the call returns. The caller may then free everything that the device uses (A4).
 */
static void state_watch_fails(struct kunit *test)
{
	struct ks_fake *fake = ks_fake_create(test);
	struct file *file;
	char text[KS_FAKE_TEXT];

	ks_fake_fail(fake, 1, -EOPNOTSUPP);
	file = ksalloc_connect(&fake->device);
	KUNIT_ASSERT_TRUE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, PTR_ERR(file), -EOPNOTSUPP);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(fake->destroyed));
	KUNIT_EXPECT_STREQ(test, ks_fake_calls(fake, text),
			   "watch unwatch destroy");
}

/* Passes if a new connection is in STOP, without allocator, and calls no operation (I1). */
static void state_new_connection(struct kunit *test)
{
	struct ks_fake *fake = ks_fake_create(test);
	struct ks_connection *conn;
	char text[KS_FAKE_TEXT];
	struct file *file;

	file = ksalloc_connect(&fake->device);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	conn = ks_connection_of(file);
	KUNIT_EXPECT_EQ(test, conn->state, KSSTATE_STOP);
	KUNIT_EXPECT_NULL(test, conn->allocator);
	KUNIT_EXPECT_STREQ(test, ks_fake_calls(fake, text), "watch");
	__fput_sync(file);
	KUNIT_EXPECT_STREQ(test, ks_fake_calls(fake, text),
			   "watch unwatch destroy");
}

/*
 * Passes if closing a connection, in each state, makes the steps down and destroys the
 * device, and all frames are free except those that other owners hold (B7, I4).
 */
static void state_release(struct kunit *test)
{
	char *text = kunit_kzalloc(test, KS_FAKE_TEXT, GFP_KERNEL);
	struct state_view *view = state_view_create(test);
	const struct state_start *start;
	u32 index;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (start = state_starts; start < STATE_STARTS_END; start++) {
		struct ks_rig *rig = state_rig(test, start);
		struct ks_owner *elsewhere = ks_test_owner_of(rig->allocator);

		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc,
								elsewhere,
								&index));
		state_look(rig, view);
		text[0] = '\0';
		state_way_down(text, view, KSSTATE_STOP);
		state_add(text, "unwatch");
		state_add(text, "destroy");

		ks_rig_release(rig);
		ks_rig_expect_calls(rig, text);
		ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
		KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 1);
		state_rig_end(rig, start, 0);
	}
}

/* Everything that calls report about a connection whose device has disappeared */
static void state_expect_gone(struct ks_rig *rig)
{
	struct kunit *test = rig->test;
	struct ksalloc_complete complete = {};
	struct ks_fake_hw *hw = kunit_kzalloc(test, sizeof(*hw), GFP_KERNEL);
	enum ksstate to;

	KUNIT_ASSERT_NOT_NULL(test, hw);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(rig->conn->gone) &&
						   ks_rig_state(rig) ==
						   KSSTATE_STOP));
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(rig->conn, KSSTATE_STOP, false));
	for (to = KSSTATE_ACQUIRE; to < STATES; to++)
		KUNIT_EXPECT_EQ(test, -ENODEV,
				ks_connection_request(rig->conn, to, false));
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_submit(rig->conn, 0, -1));
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_rig_read(rig, &complete));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_HUP);
	ks_fake_look(rig->fake, hw);
	KUNIT_EXPECT_FALSE(test, hw->acquired);
	KUNIT_EXPECT_FALSE(test, hw->running);
}

/*
 * Passes if, when a device disappears in any state and notifies, the connection goes to
 * STOP without a call, its frames become free, and all calls except those that end
 * something fail with ENODEV (I6).
 */
static void state_gone_with_news(struct kunit *test)
{
	char *text = kunit_kzalloc(test, KS_FAKE_TEXT, GFP_KERNEL);
	struct state_view *view = state_view_create(test);
	const struct state_start *start;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (start = state_starts; start < STATE_STARTS_END; start++) {
		struct ks_rig *rig = state_rig(test, start);

		state_look(rig, view);
		text[0] = '\0';
		state_way_down(text, view, KSSTATE_STOP);

		ks_fake_vanish(rig->fake);
		KUNIT_EXPECT_TRUE(test,
				  ks_test_wait_until(READ_ONCE(rig->conn->gone)));
		state_expect_gone(rig);
		/* The frame that was allocated and not submitted */
		ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
		ks_rig_expect_calls(rig, text);
		state_rig_end(rig, start, 0);
	}
}

static int state_gone_submit(struct ks_rig *rig)
{
	return ks_connection_submit(rig->conn, 0, -1);
}

/* Non-blocking calls do not wait for STOP, so repeat them until the result is not EAGAIN */
static int state_gone_read(struct ks_rig *rig)
{
	struct ksalloc_complete complete = {};
	int ret;

	ks_test_wait_until((ret = ks_rig_read(rig, &complete)) != -EAGAIN);
	return ret;
}

static int state_gone_poll(struct ks_rig *rig)
{
	int events;

	ks_test_wait_until((events = ks_test_events(rig->file)));
	return events == KS_TEST_HUP ? -ENODEV : 0;
}

static int state_gone_up(struct ks_rig *rig)
{
	return ks_connection_request(rig->conn, KSSTATE_RUN, false);
}

static int state_gone_pause(struct ks_rig *rig)
{
	return ks_connection_request(rig->conn, KSSTATE_PAUSE, false);
}

static int state_gone_assign(struct ks_rig *rig)
{
	return ks_connection_set_allocator(rig->conn, rig->alloc);
}

static int (*const state_gone_calls[])(struct ks_rig *rig) = {
	state_gone_submit,
	state_gone_read,
	state_gone_poll,
	state_gone_up,
	state_gone_pause,
	state_gone_assign,
};

static void state_gone_found(struct kunit *test, const struct state_start *start,
			     u32 call)
{
	struct ks_rig *rig = state_rig(test, start);

	WRITE_ONCE(rig->fake->gone, true);
	KUNIT_EXPECT_EQ(test, -ENODEV, state_gone_calls[call](rig));
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_HUP);
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
	state_expect_gone(rig);
	state_rig_end(rig, start, call);
}

/*
 * Passes if the next call notices a device that disappears without a notification, fails
 * with ENODEV, and the connection is in STOP then (I6).
 */
static void state_gone_without_news(struct kunit *test)
{
	const struct state_start *start;
	u32 call;

	for (start = state_starts; start < STATE_STARTS_END; start++)
		for (call = 0; call < ARRAY_SIZE(state_gone_calls); call++)
			state_gone_found(test, start, call);
}

/**
 * struct state_vanish - makes a device disappear during a step
 * @in: in which of the next calls
 * @say: whether it notifies
 */
struct state_vanish {
	u32 in;
	bool say;
};

static void state_vanish_in_call(struct ks_fake *fake, enum ks_fake_op op,
				 void *data)
{
	struct state_vanish *vanish = data;

	if (!vanish->in || --vanish->in)
		return;
	if (vanish->say)
		ks_fake_vanish(fake);
	else
		WRITE_ONCE(fake->gone, true);
}

/*
 * How the device disappears in the n-th step: whether the step fails, and whether it
 * notifies
 */
static void state_gone_in_step(struct kunit *test, const struct state_start *start,
			       enum ksstate to, u32 n, bool fails, bool say)
{
	struct state_vanish vanish = { .in = n, .say = say };
	struct ks_rig *rig = state_rig(test, start);

	rig->fake->on_call_data = &vanish;
	rig->fake->on_call = state_vanish_in_call;
	if (fails)
		ks_fake_fail(rig->fake, n, -EINVAL);
	/* With any error of the device; steps down do not fail */
	KUNIT_EXPECT_EQ(test, fails && to > start->state ? -ENODEV : 0,
			ks_connection_request(rig->conn, to, false));
	KUNIT_EXPECT_EQ(test, vanish.in, 0);
	rig->fake->on_call = NULL;

	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_submit(rig->conn, 5, -1));
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
	state_expect_gone(rig);
	state_rig_end(rig, start, n * 4 + fails * 2 + say);
}

/*
 * Passes if, when a device disappears during any step up or down, whether that step fails
 * or not, and whether the device notifies or not, the connection ends in STOP with all
 * frames free (I6).
 */
static void state_gone_in_each_step(struct kunit *test)
{
	static const struct {
		struct state_start start;
		enum ksstate to;
		u32 steps;
	} ways[] = {
		{ { KSSTATE_STOP, STATE_IDLE }, KSSTATE_RUN, 3 },
		{ { KSSTATE_PAUSE, STATE_FILLED }, KSSTATE_RUN, 4 },
		{ { KSSTATE_RUN, STATE_FILLED }, KSSTATE_PAUSE, 2 },
	};
	u32 way, n, how;

	for (way = 0; way < ARRAY_SIZE(ways); way++)
		for (n = 1; n <= ways[way].steps; n++)
			for (how = 0; how < 4; how++)
				state_gone_in_step(test, &ways[way].start,
						   ways[way].to, n, how / 2,
						   how % 2);
}

/*
 * Passes if the allocator of a device that has disappeared can be replaced by none, and the
 * frames that were completed through the connection become free (D5, I6).
 */
static void state_gone_lets_go(struct kunit *test)
{
	struct ks_rig *rig = state_rig(test, &state_run_filled);

	ks_fake_vanish(rig->fake);
	state_expect_gone(rig);
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(rig->conn, NULL));
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 1);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			ks_connection_set_allocator(rig->conn, rig->alloc));
	KUNIT_EXPECT_EQ(test, kref_read(&rig->alloc->refs), 1);
}

static void state_vanish_in_interrupt(void *data)
{
	ks_fake_vanish(data);
}

/* Passes if a device can notify in a hard interrupt that it has disappeared (I6). */
static void state_gone_in_interrupt(struct kunit *test)
{
	struct ks_rig *rig = state_rig(test, &state_run_filled);

	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test,
						    state_vanish_in_interrupt,
						    rig->fake));
	state_expect_gone(rig);
	ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
}

/*
 * Passes if a connection is closed at the time when its device notifies that it has disappeared:
 * the later of the two has nothing to do (I6, B7).
 */
static void state_gone_and_released(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 20; i++) {
		struct ks_rig *rig = state_rig(test, &state_run_filled);

		ks_fake_vanish(rig->fake);
		ks_rig_release(rig);
		ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
		ks_rig_expect_calls(rig, "stop stop release unwatch destroy");
		ks_rig_end(rig);
	}
}

/*
 * Passes if poll reports EPOLLERR below PAUSE, and nothing in PAUSE and in RUN without
 * frames (I2).
 */
static void state_poll(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);

	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
	ks_rig_request(rig, KSSTATE_ACQUIRE);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
	ks_rig_request(rig, KSSTATE_PAUSE);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
	ks_rig_request(rig, KSSTATE_STOP);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
}

/* Passes if each change of the state, and a device that disappears, wakes pollers (I2, I6). */
static void state_changes_wake_pollers(struct kunit *test)
{
	static const enum ksstate ways[] = {
		KSSTATE_ACQUIRE, KSSTATE_PAUSE, KSSTATE_RUN, KSSTATE_PAUSE,
		KSSTATE_ACQUIRE, KSSTATE_STOP, KSSTATE_RUN, KSSTATE_STOP,
	};
	struct ks_rig *rig = ks_rig_create(test, 2);
	struct ks_test_poll *poll = ks_test_poll(test, rig->file);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		atomic_set(&poll->wakes, 0);
		ks_rig_request(rig, ways[i]);
		KUNIT_EXPECT_GT_MSG(test, atomic_read(&poll->wakes), 0,
				    "change %u", i);
	}
	atomic_set(&poll->wakes, 0);
	atomic_set(&poll->key, 0);
	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_GT(test, atomic_read(&poll->wakes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&poll->key) & KS_TEST_HUP, KS_TEST_HUP);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE_SLOW(state_every_transition),
	KUNIT_CASE_SLOW(state_failure_walks_back),
	KUNIT_CASE(state_down_does_not_fail),
	KUNIT_CASE(state_without_allocator),
	KUNIT_CASE(state_format_changed),
	KUNIT_CASE(state_signal),
	KUNIT_CASE(state_allocator_reference),
	KUNIT_CASE(state_allocator_while_busy),
	KUNIT_CASE(state_allocator_errors),
	KUNIT_CASE(state_allocator_takes_collected_frames),
	KUNIT_CASE(state_shared_allocator),
	KUNIT_CASE(state_watch_fails),
	KUNIT_CASE(state_new_connection),
	KUNIT_CASE(state_release),
	KUNIT_CASE_SLOW(state_gone_with_news),
	KUNIT_CASE_SLOW(state_gone_without_news),
	KUNIT_CASE_SLOW(state_gone_in_each_step),
	KUNIT_CASE(state_gone_lets_go),
	KUNIT_CASE(state_gone_in_interrupt),
	KUNIT_CASE(state_gone_and_released),
	KUNIT_CASE(state_poll),
	KUNIT_CASE(state_changes_wake_pollers),
	{}
};

static struct kunit_suite state_suite = {
	.name = "ksalloc_state",
	.init = ks_test_init,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
