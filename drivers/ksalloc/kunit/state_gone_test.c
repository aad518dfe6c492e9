// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_state_gone": a device that disappears in each state and in each step
 * of a change of the state.
 */
#include "state_rig.h"

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

static struct kunit_case state_gone_cases[] = {
	KUNIT_CASE_SLOW(state_gone_with_news),
	KUNIT_CASE_SLOW(state_gone_without_news),
	KUNIT_CASE_SLOW(state_gone_in_each_step),
	KUNIT_CASE(state_gone_lets_go),
	KUNIT_CASE(state_gone_in_interrupt),
	KUNIT_CASE(state_gone_and_released),
	{}
};

static struct kunit_suite state_gone_suite = {
	.name = "ksalloc_state_gone",
	.init = ks_test_init,
	.test_cases = state_gone_cases,
};

kunit_test_suite(state_gone_suite);
