// SPDX-License-Identifier: GPL-2.0-only
/* Tries a V4L2 node: see try.h. */
#include "try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 4

void outcome_of_error(char outcome[OUTCOME], const char *step, int err)
{
	const char *name = strerrorname_np(-err);

	snprintf(outcome, OUTCOME, "%s in %s", name ? name : "an unknown error", step);
}

void tell_row(const char *driver, const char *node, const char *outcome)
{
	harness_note("row: %s | %s | %s", driver, node, outcome);
}

/* mark_frames() writes this to all words, so it shows that the device did not write. */
#define UNTOUCHED 0xa7a7a7a7

static void mark_frames(const struct rig *rig, size_t bytes)
{
	struct ksalloc_status status = {};
	unsigned int i;
	int dmabuf;
	void *map;

	ASSERT_EQ(0, get_status(rig->allocator, &status));
	for (i = 0; i < status.status.framing.frames; i++) {
		dmabuf = export_frame(rig->allocator, i);
		ASSERT_LE(0, dmabuf);
		map = map_frame(dmabuf, bytes, PROT_READ | PROT_WRITE);
		memset(map, UNTOUCHED & 0xff, bytes);
		munmap(map, bytes);
		close(dmabuf);
	}
}

static void expect_written(const struct rig *rig, unsigned int index, size_t bytes)
{
	int dmabuf = export_frame(rig->allocator, index);
	uint32_t *map;

	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, bytes, PROT_READ | PROT_WRITE);
	EXPECT_NE(UNTOUCHED, map[0]);
	map[0] = UNTOUCHED;
	munmap(map, bytes);
	close(dmabuf);
}

/* Goes to RUN and captures frames; returns 0 or an errno, and the last step in @step */
static int capture(struct rig *rig, const char **step)
{
	static const char * const steps[] = { "STOP", "ACQUIRE", "PAUSE", "RUN" };
	struct ksalloc_complete frame;
	unsigned int state, i;
	int err;

	for (state = KSSTATE_ACQUIRE; state <= KSSTATE_RUN; state++) {
		*step = steps[state];
		err = set_state(rig->connection, state);
		if (err) {
			EXPECT_EQ(state - 1, get_state(rig->connection));
			/* Of these drivers, only those that cannot import refuse memory here */
			if (state == KSSTATE_ACQUIRE && err == -EOPNOTSUPP)
				expect_refusal(rig->connection, KSALLOC_REFUSAL_IMPORT, 0, -EINVAL);
			return err;
		}
		if (state == KSSTATE_PAUSE)
			rig_submit_all(rig);
	}
	for (i = 0; i < TRIES; i++) {
		rig_turn(rig, &frame);
		EXPECT_LT(0, frame.header.data_used);
		expect_written(rig, frame.index, frame.header.frame_extent);
	}
	return 0;
}

/* The connection can go to STOP, also after a failed step. Then no frame is in the device. */
static void expect_stopped(const struct rig *rig)
{
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(KSSTATE_STOP, get_state(rig->connection));
	EXPECT_EQ(0, in_device(rig->allocator));
}

static int try_memory(struct rig *rig, int heap, const char **step)
{
	const struct ksallocator_framing framing = {
		.options_flags = heap < 0 ? 0 : KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = rig->framing.frames + 2,
	};
	int err;

	*step = "CREATE";
	rig->allocator = create_framed(rig->connection, heap, &framing);
	if (rig->allocator < 0)
		return rig->allocator;
	mark_frames(rig, rig->framing.frame_size);
	*step = "SET_ALLOCATOR";
	err = set_allocator(rig->connection, rig->allocator);
	if (!err)
		err = capture(rig, step);
	expect_stopped(rig);
	EXPECT_EQ(0, set_allocator(rig->connection, -1));
	close(rig->allocator);
	return err;
}

const char *frames_in_all(void)
{
	return usual_memory() ? "frames in heap and own memory" : "frames in own memory";
}

static void try_connection(struct rig *rig, char outcome[OUTCOME])
{
	const char *step, *own_step;
	int heap, own;

	heap = get_framing(rig->connection, &rig->framing);
	if (heap) {
		outcome_of_error(outcome, "GET_FRAMING", heap);
		return;
	}
	/* Some kernels have no heaps */
	heap = rig->heap < 0 ? -ENOENT : try_memory(rig, rig->heap, &step);
	own = try_memory(rig, -1, &own_step);
	if (!heap || !own)
		snprintf(outcome, OUTCOME, "frames in %s", heap ? "own memory" : own ?
			 "heap memory" : "heap and own memory");
	else if (rig->heap < 0)
		outcome_of_error(outcome, own_step, own);
	else
		outcome_of_error(outcome, step, heap);
}

void try_node(int video, char outcome[OUTCOME])
{
	struct rig rig = { .video = video };
	struct footprint before;

	footprint_take(&before);
	rig.ksalloc = open_ksalloc();
	rig.heap = open_heap();
	rig.connection = do_connect(rig.ksalloc, video);
	if (rig.connection < 0) {
		outcome_of_error(outcome, "CONNECT", rig.connection);
	} else {
		try_connection(&rig, outcome);
		close(rig.connection);
	}
	close(rig.heap);
	close(rig.ksalloc);
	EXPECT_FOOTPRINT(&before);
}

int run_capture(const char *arguments, char *said, size_t size)
{
	char command[512];
	FILE *output;
	size_t used;
	int status;

	snprintf(command, sizeof(command), "exec ks-capture-static %s 2>&1", arguments);
	output = popen(command, "r");
	ASSERT_TRUE(output);
	used = fread(said, 1, size - 1, output);
	said[used] = '\0';
	status = pclose(output);
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void expect_said(const char *said, const char *text)
{
	const char *at = strstr(said, text);

	if (!EXPECT_TRUE(at))
		harness_note("\"%s\" is not in: %s", text, said);
}

void load_module(const char *module)
{
	char command[128];

	if (module_refs(module) >= 0)
		return;
	snprintf(command, sizeof(command), "modprobe %s", module);
	ASSERT_EQ(0, system(command));
}

void need_module(const char *module)
{
	char command[128];

	/* The modprobe of busybox has no option to test for a module */
	snprintf(command, sizeof(command),
		 "grep -q '/%s\\.ko:' \"/lib/modules/$(uname -r)/modules.dep\"", module);
	if (system(command))
		SKIP("this kernel has no module %s", module);
	load_module(module);
}

void remove_module(const char *module)
{
	char command[128];

	if (module_refs(module) < 0)
		return;
	snprintf(command, sizeof(command), "rmmod %s", module);
	EXPECT_TRUE(EVENTUALLY(module_refs(module) == 0));
	EXPECT_EQ(0, system(command));
}
