// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_state": the states of a connection, with a device that can fail at
 * each step.
 *
 * The calls of the device are compared one by one with the expected steps of a change of
 * the state, and with the steps back after a failure.
 */
#include <linux/mutex.h>

#include "state_rig.h"

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
 * there are fewer steps. A positive @error is one that no driver should return
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
	KUNIT_EXPECT_EQ(test, error > 0 ? -EIO : error,
			ks_connection_request(rig->conn, to, false));
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
		-EIO, -ENOMEM, 1, -EBUSY, -ERESTARTSYS, -EOPNOTSUPP, -EMFILE,
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
	KUNIT_CASE(state_signal),
	KUNIT_CASE(state_watch_fails),
	KUNIT_CASE(state_new_connection),
	KUNIT_CASE(state_release),
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
