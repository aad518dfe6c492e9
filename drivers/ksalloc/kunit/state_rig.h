/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection in a certain state, and what can be seen of it, for KUnit suites
 */
#ifndef _KS_STATE_RIG_H
#define _KS_STATE_RIG_H

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

/* All starts */
#define STATE_STARTS 8
extern const struct state_start state_starts[STATE_STARTS];
#define STATE_STARTS_END (state_starts + STATE_STARTS)

extern const struct state_start state_run_filled;

struct state_view *state_view_create(struct kunit *test);
void state_look(struct ks_rig *rig, struct state_view *view);
struct ks_rig *state_rig(struct kunit *test,
			 const struct state_start *start);
void state_rig_end(struct ks_rig *rig, const struct state_start *start,
		   u32 what);
void state_add(char *text, const char *word);
void state_way_down(char *text, const struct state_view *before,
		    enum ksstate to);

#endif /* _KS_STATE_RIG_H */
