// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for frames with two memory planes: the calls that have
 * steps for each plane.
 */
#include "operation.h"
#include "planes.h"

#define PLANES 2

FIXTURE_SETUP(faults)
{
	if (!inject_is_possible())
		SKIP("the kernel injects no failures");
	planes_open(&self->rig, NULL);
	rig_allocator(&self->rig, FRAMES);
	self->index = -1;
	self->dmabuf = -1;
}

FIXTURE_TEARDOWN(faults)
{
	(void)self;
	if (inject_is_possible())
		inject_tear_down();
	planes_close();
}

/* A4: CREATE_ALLOCATOR keeps nothing, at whichever plane of a frame it fails. */
OPERATION(create_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
	      .framing.frames = FRAMES),
	.use = "planes",
	.undo = operation_undo_descriptor,
	.also_copy = EINVAL,
	.points = { [SLAB] = 30, [PAGES] = 6, [COPY] = 1 + 2 * FRAMES * PLANES },
};

/* A4, A9: the same with the device's own memory: see faults.c. */
OPERATION(create_own_allocator) = {
	CALLS(CREATE_ALLOCATOR, create_allocator,
	      .framing.frames = FRAMES),
	.use = "own memory, planes",
	.undo = operation_undo_descriptor,
	.also = EOPNOTSUPP,
	.except = "vmalloc_user",
	.points = { [SLAB] = 20, [COPY] = 1 },
};

static int import_planes(struct faults_fixture *self)
{
	return import_dmabufs(self->rig.connection, self->imported, FRAMES * PLANES);
}

/* Uses the dma-bufs of another allocator, because these need no other device */
static void prepare_import(struct faults_fixture *self)
{
	int i;

	for (i = 0; i < FRAMES * PLANES && !self->imported[i]; i++) {
		self->imported[i] = export_plane(self->rig.allocator, i / PLANES, i % PLANES);
		ASSERT_LE(0, self->imported[i]);
	}
}

/* A4: the same with dma-bufs of the caller: no reference to a dma-buf is kept. */
OPERATION(import_allocator) = {
	.ioctl = &ioctls[IOCTL_CREATE_ALLOCATOR],
	.use = "import, planes",
	.prepare = prepare_import,
	.run = import_planes,
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 6, [COPY] = 2 },
};

/*
 * A4, I1: after a failure from STOP to ACQUIRE the device is free for other files. videobuf2
 * makes as many buffers as it can, and the module takes that for a device that cannot have more.
 */
OPERATION(stop_to_acquire) = {
	CALLS(SET_STATE, set_state, .state = KSSTATE_ACQUIRE),
	.use = "STOP to ACQUIRE, planes",
	.also = EOPNOTSUPP,
	.points = { [SLAB] = 8, [COPY] = 1 },
};

/* A4: EXPORT of the second plane keeps no descriptor and no reference. */
OPERATION(export) = {
	CALLS(EXPORT, export, .index = 1, .plane = 1),
	.use = "planes",
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 2, [COPY] = 1 },
};

static void undo_complete(struct faults_fixture *self, int result)
{
	ASSERT_EQ(PLANES, self->arg.complete.nr_planes);
	operation_undo_complete(self, result);
}

/* A4: after a failure of COMPLETE the next COMPLETE returns the frame with all its planes. */
OPERATION(complete) = {
	CALLS(COMPLETE, complete),
	.use = "planes",
	.answers_again = true,
	.prepare = operation_prepare_filled,
	.undo = undo_complete,
	.points = { [COPY] = 2 },
};
