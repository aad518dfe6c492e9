// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_frames_model": random calls for the frames of an allocator, compared
 * with a model.
 */
#include "frames_helpers.h"

#define MODEL_FRAMES 5
#define MODEL_OWNERS 6
#define MODEL_STEPS 10000

/*
 * The model: it computes from the visible state before a call the state that the contract
 * requires after it
 */

static bool frames_model_is(const struct ks_test_frames *model, u32 index,
			    enum ks_frame_state state)
{
	return index < MODEL_FRAMES && model->frame[index].state == state;
}

static bool frames_model_has(const struct ks_test_frames *model, u32 index,
			     const struct ks_owner *owner)
{
	return model->frame[index].owner == owner;
}

static void frames_model_free(struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_IN_DEVICE))
		model->in_device--;
	model->allocated--;
	memset(&model->frame[index], 0, sizeof(model->frame[index]));
	model->order[model->free++] = index;
}

/* B1, C2 */
static int frames_model_alloc(struct ks_test_frames *model,
			      const struct ks_owner *owner, u32 *index)
{
	u32 i;

	if (!model->free)
		return -EAGAIN;
	*index = model->order[0];
	model->free--;
	for (i = 0; i < model->free; i++)
		model->order[i] = model->order[i + 1];
	model->order[model->free] = 0;
	model->frame[*index].state = KS_FRAME_ALLOCATED;
	model->frame[*index].holds = 1;
	model->frame[*index].owner = owner;
	model->allocated++;
	return 0;
}

/* B5: the result of freeing or submitting a frame by user space */
static int frames_model_check(const struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_ALLOCATED))
		return model->frame[index].owner->kernel ? -EBUSY : 0;
	return frames_model_is(model, index, KS_FRAME_IN_DEVICE) ? -EBUSY : -EINVAL;
}

/* The same for a free by a kernel client */
static int frames_model_check_kernel(const struct ks_test_frames *model, u32 index)
{
	if (frames_model_is(model, index, KS_FRAME_ALLOCATED))
		return 0;
	return frames_model_check(model, index);
}

static void frames_model_to_device(struct ks_test_frames *model, u32 index,
				   const struct ks_connection *connection)
{
	model->frame[index].state = KS_FRAME_IN_DEVICE;
	model->frame[index].connection = connection;
	model->in_device++;
}

static void frames_model_from_device(struct ks_test_frames *model, u32 index,
				     const struct ks_owner *owner)
{
	model->frame[index].state = KS_FRAME_ALLOCATED;
	model->frame[index].owner = owner;
	model->frame[index].connection = NULL;
	model->in_device--;
}

/* B7: the frames of an owner; if @owner is NULL, of all owners of a connection */
static void frames_model_reclaim(struct ks_test_frames *model,
				 const struct ks_owner *gone,
				 const struct ks_connection *connection)
{
	u32 i;

	for (i = 0; i < MODEL_FRAMES; i++) {
		const struct ks_owner *owner = model->frame[i].owner;

		if (!owner ||
		    (gone ? owner != gone : owner->connection != connection))
			continue;
		if (frames_model_is(model, i, KS_FRAME_ALLOCATED))
			frames_model_free(model, i);
		else
			model->frame[i].owner = NULL;
	}
}

/* I4 */
static void frames_model_take_back(struct ks_test_frames *model,
				   const struct ks_connection *connection)
{
	u32 i;

	for (i = 0; i < MODEL_FRAMES; i++)
		if (frames_model_is(model, i, KS_FRAME_IN_DEVICE) &&
		    model->frame[i].connection == connection)
			frames_model_free(model, i);
}

/* A frame that a device did not accept belongs to its owner again, if that exists */
static void frames_model_unsubmit(struct ks_test_frames *model, u32 index)
{
	const struct ks_owner *owner = model->frame[index].owner;

	if (owner)
		frames_model_from_device(model, index, owner);
	else
		frames_model_free(model, index);
}

enum frames_call {
	CALL_ALLOC,
	CALL_FREE,
	CALL_FREE_KERNEL,
	CALL_SUBMIT,
	CALL_DELIVER,
	CALL_UNSUBMIT,
	CALL_FREE_OWNED,
	CALL_TAKE_BACK,
	CALL_RECLAIM,
	CALL_RECLAIM_CONNECTION,
};

/* Calls with frame @i, or an index beyond the last frame */
static void frames_step(struct kunit *test, struct ks_allocator *alloc,
			struct ks_test_frames *model, enum frames_call call,
			struct ks_owner *owner, u32 i)
{
	const struct ks_connection *connection = owner->connection ?: DEVICE_A;
	u32 index = KS_TEST_NEVER, expected = KS_TEST_NEVER;
	int ret;

	switch (call) {
	case CALL_ALLOC:
		ret = frames_model_alloc(model, owner, &expected);
		KUNIT_EXPECT_EQ(test, ks_allocator_try_alloc(alloc, owner, &index), ret);
		KUNIT_EXPECT_EQ(test, index, expected);
		break;
	case CALL_FREE:
		ret = frames_model_check(model, i);
		if (!ret)
			frames_model_free(model, i);
		KUNIT_EXPECT_EQ(test, ks_allocator_free(alloc, i, false), ret);
		break;
	case CALL_FREE_KERNEL:
		ret = frames_model_check_kernel(model, i);
		if (!ret)
			frames_model_free(model, i);
		KUNIT_EXPECT_EQ(test, ks_allocator_free(alloc, i, true), ret);
		break;
	case CALL_SUBMIT:
		ret = frames_model_check(model, i);
		if (!ret)
			frames_model_to_device(model, i, connection);
		KUNIT_EXPECT_EQ(test, ks_allocator_submit(alloc, i, connection), ret);
		break;
	case CALL_TAKE_BACK:
		frames_model_take_back(model, connection);
		ks_allocator_take_back(alloc, connection);
		break;
	case CALL_RECLAIM:
		frames_model_reclaim(model, owner, NULL);
		ks_allocator_reclaim(alloc, owner);
		break;
	case CALL_RECLAIM_CONNECTION:
		frames_model_reclaim(model, NULL, connection);
		ks_allocator_reclaim_connection(alloc, connection);
		break;
	default:
		break;
	}
}

/* Calls that are made only for a frame that exists, or that is in a device */
static void frames_step_within(struct kunit *test, struct ks_allocator *alloc,
			       struct ks_test_frames *model, enum frames_call call,
			       struct ks_owner *owner, u32 i)
{
	bool in_device = frames_model_is(model, i, KS_FRAME_IN_DEVICE);
	bool ours = frames_model_is(model, i, KS_FRAME_ALLOCATED) &&
		    frames_model_has(model, i, owner);

	if (call == CALL_DELIVER && in_device) {
		frames_model_from_device(model, i, owner);
		ks_allocator_deliver(alloc, i, owner);
	} else if (call == CALL_UNSUBMIT && in_device) {
		frames_model_unsubmit(model, i);
		ks_allocator_unsubmit(alloc, i);
	} else if (call == CALL_FREE_OWNED) {
		if (ours)
			frames_model_free(model, i);
		ks_allocator_free_owned(alloc, i, owner);
	}
}

/* Two open files of each of two connections, one of the allocator, and a kernel client */
static void frames_random_owners(struct kunit *test, struct ks_allocator *alloc,
				 struct ks_owner *owners[MODEL_OWNERS])
{
	u32 i;

	for (i = 0; i < MODEL_OWNERS; i++)
		owners[i] = ks_test_owner(test, alloc);
	owners[0]->connection = DEVICE_A;
	owners[1]->connection = DEVICE_A;
	owners[2]->connection = DEVICE_B;
	owners[3]->connection = DEVICE_B;
	owners[5]->kernel = true;
}

/*
 * Passes if after each of 10,000 random calls for six owners and two devices, the owner of
 * each frame, the free frames and their order are those of the model; and if there often is
 * no free frame, and often more than one frame in a device (B1, B5, B7, C2, I2, I4).
 */
static void frames_random_calls(struct kunit *test)
{
	/*
	 * Each call is as frequent as its number of entries. Calls that free many frames
	 * are rare, or all frames would be free
	 */
	static const enum frames_call calls[] = {
		CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_ALLOC,
		CALL_ALLOC, CALL_ALLOC, CALL_ALLOC, CALL_SUBMIT, CALL_SUBMIT,
		CALL_SUBMIT, CALL_SUBMIT, CALL_SUBMIT, CALL_SUBMIT,
		CALL_DELIVER, CALL_DELIVER, CALL_UNSUBMIT, CALL_FREE, CALL_FREE,
		CALL_FREE_KERNEL, CALL_FREE_OWNED, CALL_FREE_OWNED,
		CALL_TAKE_BACK, CALL_RECLAIM, CALL_RECLAIM,
		CALL_RECLAIM_CONNECTION,
	};
	struct ks_allocator *alloc = ks_test_allocator(test, MODEL_FRAMES);
	u32 step, none_free = 0, in_device = 0;
	struct ks_owner *owners[MODEL_OWNERS];
	struct ks_test_frames model;
	struct rnd_state rnd;

	frames_random_owners(test, alloc, owners);
	ks_test_seed(test, &rnd);
	ks_test_look(test, alloc, &model);
	for (step = 0; step < MODEL_STEPS; step++) {
		u32 r = prandom_u32_state(&rnd);
		struct ks_owner *owner = owners[r % MODEL_OWNERS];
		enum frames_call call = calls[r / 8 % ARRAY_SIZE(calls)];
		u32 i = prandom_u32_state(&rnd) % (MODEL_FRAMES + 2);

		frames_step(test, alloc, &model, call, owner, i);
		if (i < MODEL_FRAMES)
			frames_step_within(test, alloc, &model, call, owner, i);
		ks_test_expect_frames(test, alloc, &model);
		KUNIT_ASSERT_NE_MSG(test, READ_ONCE(test->status), KUNIT_FAILURE,
				    "step %u: call %u for frame %u", step, call, i);
		none_free += !model.free;
		in_device += model.in_device > 1;
	}
	kunit_info(test, "none free after %u calls, several in devices after %u\n",
		   none_free, in_device);
	KUNIT_EXPECT_GT(test, none_free, MODEL_STEPS / 20);
	KUNIT_EXPECT_GT(test, in_device, MODEL_STEPS / 20);
	ks_allocator_take_back(alloc, DEVICE_A);
	ks_allocator_take_back(alloc, DEVICE_B);
}

static struct kunit_case frames_model_cases[] = {
	KUNIT_CASE_SLOW(frames_random_calls),
	{}
};

static struct kunit_suite frames_model_suite = {
	.name = "ksalloc_frames_model",
	.init = ks_test_init,
	.test_cases = frames_model_cases,
};

kunit_test_suite(frames_model_suite);
