// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection in a certain state: see state_rig.h.
 */
#include "state_rig.h"

const struct state_start state_starts[] = {
	{ KSSTATE_STOP, STATE_IDLE },
	{ KSSTATE_ACQUIRE, STATE_IDLE },
	{ KSSTATE_PAUSE, STATE_IDLE },
	{ KSSTATE_PAUSE, STATE_SUBMITTED },
	{ KSSTATE_PAUSE, STATE_FILLED },
	{ KSSTATE_RUN, STATE_IDLE },
	{ KSSTATE_RUN, STATE_SUBMITTED },
	{ KSSTATE_RUN, STATE_FILLED },
};

const struct state_start state_run_filled = { KSSTATE_RUN, STATE_FILLED };

struct state_view *state_view_create(struct kunit *test)
{
	struct state_view *view = kunit_kzalloc(test, sizeof(*view), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, view);
	return view;
}

void state_look(struct ks_rig *rig, struct state_view *view)
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
struct ks_rig *state_rig(struct kunit *test,
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
void state_rig_end(struct ks_rig *rig, const struct state_start *start,
		   u32 what)
{
	ks_rig_end(rig);
	KUNIT_ASSERT_NE_MSG(rig->test, READ_ONCE(rig->test->status),
			    KUNIT_FAILURE, "state %d, variant %d, %u",
			    start->state, start->variant, what);
}

void state_add(char *text, const char *word)
{
	if (text[0])
		strlcat(text, " ", KS_FAKE_TEXT);
	strlcat(text, word, KS_FAKE_TEXT);
}

void state_way_down(char *text, const struct state_view *before,
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
