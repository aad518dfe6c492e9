// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests all failures of an operation, see operation.h: whatever fails, and with any errno,
 * the call has no other effect.
 */
#include "operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* More points than any call has */
#define POINTS_MAX 5000

/*
 * Nothing fails below the function with which videobuf2 attaches a dma-buf: if it fails,
 * 6.12 leaks the dma-buf, and logs a warning if it cannot map the dma-buf for itself.
 */
#define EXCEPT "__prepare_dmabuf"

struct tally *tally;

/* All operations. They register before main() */
static const struct operation *operations[64];
static unsigned int n_operations;

static __attribute__((constructor)) void make_tally(void)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void operation_list(const struct operation *op)
{
	if (n_operations == ARRAY_SIZE(operations))
		abort();
	operations[n_operations++] = op;
}

static bool operation_exists(const struct ioctl_entry *ioctl)
{
	unsigned int i;

	for (i = 0; i < n_operations; i++)
		if (operations[i]->ioctl == ioctl)
			return true;
	return false;
}

void operation_expect_each_ioctl(bool of_readers)
{
	const struct ioctl_entry *ioctl;

	for_each_ioctl(ioctl)
		if ((ioctl->file == FILE_READER || ioctl->returns == FILE_READER) == of_readers &&
		    !EXPECT_TRUE(operation_exists(ioctl)))
			harness_note("%s has no operation", ioctl->name);
}

void operation_set_up(struct faults_fixture *self)
{
	if (!inject_is_possible())
		SKIP("the kernel injects no failures");
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->index = -1;
	self->dmabuf = -1;
}

void operation_tear_down(struct faults_fixture *self)
{
	const int files[] = {
		self->handle, self->share, self->reader, self->eventfd, self->second, self->video,
	};
	unsigned int i;

	if (inject_is_possible())
		inject_tear_down();
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] > 0)
			close(files[i]);
	rig_close(&self->rig);
}

/* Everything that a failed call must not change */
struct account {
	struct footprint footprint;
	struct ksalloc_status status;
	int state, pending;
	/* State of the connection and of its allocator */
	char assigned[16], flushing[16], events[16];
	/* Pages of address space */
	int size;
	char description[512];
};

static void account_take(struct faults_fixture *self, struct account *account)
{
	const struct rig *rig = &self->rig;
	char text[64] = "";

	memset(account, 0, sizeof(*account));
	footprint_take(&account->footprint);
	account->state = get_state(rig->connection);
	account->pending = get_pending(rig->connection);
	ASSERT_EQ(0, get_status(rig->allocator, &account->status));
	ASSERT_TRUE(fdinfo_value(rig->connection, "allocator", account->assigned,
				 sizeof(account->assigned)));
	ASSERT_TRUE(fdinfo_value(rig->connection, "flushing", account->flushing,
				 sizeof(account->flushing)));
	ASSERT_TRUE(fdinfo_value(rig->allocator, "events", account->events,
				 sizeof(account->events)));
	ASSERT_LT(0, read_text("/proc/self/statm", text, sizeof(text)));
	account->size = atoi(text);
	if (self->op->describe)
		self->op->describe(self, account->description, sizeof(account->description));
}

static bool expect_account(struct faults_fixture *self,
			   const struct account *before)
{
	struct account after;
	bool same = true;

	account_take(self, &after);
	if (memcmp(&before->footprint, &after.footprint,
		   sizeof(after.footprint)))
		/* Waits until the state is as expected, and prints the differences */
		EXPECT_FOOTPRINT(&before->footprint);
	same &= EXPECT_EQ(before->state, after.state);
	same &= EXPECT_EQ(before->pending, after.pending);
	same &= EXPECT_STREQ(before->assigned, after.assigned);
	same &= EXPECT_STREQ(before->flushing, after.flushing);
	same &= EXPECT_STREQ(before->events, after.events);
	same &= EXPECT_EQ(before->status.status.allocated_frames,
			  after.status.status.allocated_frames);
	same &= EXPECT_EQ(before->status.in_device, after.status.in_device);
	same &= EXPECT_EQ(before->status.waiters, after.status.waiters);
	same &= EXPECT_EQ(0, memcmp(&before->status, &after.status,
				    sizeof(after.status)));
	same &= EXPECT_EQ(before->size, after.size);
	same &= EXPECT_STREQ(before->description, after.description);
	return same;
}

static int file_of(const struct faults_fixture *self, enum file_kind kind)
{
	const struct rig *rig = &self->rig;

	switch (kind) {
	case FILE_DEVICE:
		return rig->ksalloc;
	case FILE_CONNECTION:
		return rig->connection;
	case FILE_READER:
		return self->reader;
	default:
		return rig->allocator;
	}
}

/* Sets a field whose value the table cannot know; false if the table has it */
static bool word_of(struct faults_fixture *self, const union ioctl_argument *arg,
		    enum field_kind kind, __u32 *word)
{
	switch (kind) {
	case FIELD_VIDEO_FD:
		*word = self->video;
		return true;
	case FIELD_HEAP_FD:
		*word = arg->create_allocator.framing.options_flags ?
			self->rig.heap : -1;
		return true;
	case FIELD_ALLOCATOR_FD:
		*word = self->second;
		return true;
	case FIELD_DMABUF_FD:
		*word = self->dmabuf;
		return true;
	case FIELD_EVENTFD:
		*word = self->eventfd;
		return true;
	case FIELD_INDEX:
	case FIELD_EVENT_ID:
		*word = self->index;
		return self->index >= 0;
	default:
		return false;
	}
}

/* Sets the part of an argument that the table cannot know */
static void complete_argument(struct faults_fixture *self,
			      const struct ioctl_entry *ioctl,
			      union ioctl_argument *arg)
{
	static char room[1024];
	const struct ioctl_field *field;
	__u64 number;
	__u32 word;

	for (field = ioctl->fields; field->kind != FIELD_END; field++) {
		void *at = (char *)arg + field->offset;

		if (field->kind == FIELD_DEADLINE) {
			number = in_ms(PATIENCE_MS);
			memcpy(at, &number, sizeof(number));
		} else if (field->kind == FIELD_ROOM) {
			number = (uintptr_t)room;
			memcpy(at, &number, sizeof(number));
		} else if (field->kind == FIELD_ROOM_SIZE ||
			   field->kind == FIELD_ROOM_BYTES) {
			word = sizeof(room);
			memcpy(at, &word, sizeof(word));
		} else if (word_of(self, arg, field->kind, &word)) {
			memcpy(at, &word, sizeof(word));
		}
	}
}

int operation_ioctl(struct faults_fixture *self)
{
	const struct operation *op = self->op;
	union ioctl_argument before = op->arg;
	int result;

	before.head.size = op->ioctl->size;
	complete_argument(self, op->ioctl, &before);
	self->arg = before;
	result = (op->call ? op->call : call_fd)(file_of(self, op->ioctl->file),
						 op->ioctl->request, &self->arg);
	if (result < 0 && result != -EFAULT)
		EXPECT_EQ(0, memcmp(&before, &self->arg, op->ioctl->size));
	return result;
}

void operation_prepare_state(struct faults_fixture *self, unsigned int state)
{
	ASSERT_EQ(0, set_state(self->rig.connection, state));
	if (state < KSSTATE_PAUSE)
		return;
	rig_submit_all(&self->rig);
	ASSERT_EQ(FRAMES, get_pending(self->rig.connection));
}

void operation_prepare_filled(struct faults_fixture *self)
{
	operation_prepare_state(self, KSSTATE_RUN);
	ASSERT_TRUE(poll_fd(self->rig.connection, POLLIN, PATIENCE_MS) & POLLIN);
}

int operation_run_close(struct faults_fixture *self)
{
	return close(self->index) ? -errno : 0;
}

void operation_undo_descriptor(struct faults_fixture *self, int fd)
{
	(void)self;
	close(fd);
}

void operation_undo_alloc(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	if (self->arg.head.flags & KSALLOC_ALLOC_DMABUF)
		ASSERT_EQ(0, close(self->arg.alloc.dmabuf_fd));
	ASSERT_EQ(0, free_frame(self->rig.allocator, self->arg.alloc.index));
}

void operation_undo_complete(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(0, submit(self->rig.connection, self->arg.complete.index));
}

static void prepare(struct faults_fixture *self)
{
	if (self->op->prepare)
		self->op->prepare(self);
	else
		operation_prepare_state(self, self->op->state);
}

static int run(struct faults_fixture *self)
{
	return self->op->run ? self->op->run(self) : operation_ioctl(self);
}

static void undo(struct faults_fixture *self, int result)
{
	ASSERT_LE(0, result);
	if (self->op->undo)
		self->op->undo(self, result);
	else
		ASSERT_EQ(0, result);
}

static const char *name_of(const struct operation *op)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s%s%s",
		 op->ioctl ? op->ioctl->name : "", op->ioctl && op->use ? ", " : "",
		 op->use ? op->use : "");
	return name;
}

static bool error_is_right(const struct operation *op, enum fault_kind kind,
			   int err)
{
	if (kind == COPY)
		return err == -EFAULT || (op->also_copy && err == -op->also_copy);
	return !op->never_fails && (err == -ENOMEM || err == -op->also);
}

/*
 * Where one call fails: at the point @nth of the task. Or, if @space is not NULL, where inject.h
 * says. It is set to what the call allocated before that.
 */
struct place {
	unsigned int nth;
	unsigned int *space;
};

static int run_with_failure(struct faults_fixture *self, const struct place *place,
			    bool *injected)
{
	int result;

	if (place->space)
		inject_arm_space(*place->space, self->op->failures ?: 1);
	else
		inject_arm(place->nth);
	result = run(self);
	*injected = place->space ? inject_disarm_space(place->space) : inject_disarm();
	return result;
}

/* Makes one call; returns whether a failure was injected into it. */
static bool attempt(struct faults_fixture *self, enum fault_kind kind,
		    const struct place *place)
{
	const unsigned int nth = place->nth;
	struct account before;
	bool injected, good = true;
	int result;

	prepare(self);
	account_take(self, &before);
	result = run_with_failure(self, place, &injected);

	if (result >= 0) {
		/*
		 * The call can succeed without memory, but not without copying its
		 * argument, which comes first, or its answer.
		 */
		if (!EXPECT_FALSE(injected && kind == COPY &&
				  !(self->op->answers_again && nth > 1)))
			harness_note("%s: point %u", name_of(self->op), nth);
		undo(self, result);
		return injected;
	}
	good &= EXPECT_TRUE(injected);
	good &= EXPECT_TRUE(error_is_right(self->op, kind, result));
	if (kind == COPY && self->op->copies_before && nth > self->op->copies_before)
		undo(self, 0);
	else
		good &= expect_account(self, &before);
	if (!good)
		harness_note("%s: %s, point %u: %s", name_of(self->op),
			     fault_kind_names[kind], nth,
			     strerrorname_np(-result));
	tally->failed++;
	/* A call that fails for another reason would fail for ever. */
	ASSERT_TRUE(injected);
	return injected;
}

/* From the first point to the last one. Returns their number */
static unsigned int sweep_task(struct faults_fixture *self, enum fault_kind kind)
{
	struct place place = { .nth = 1 };

	while (attempt(self, kind, &place)) {
		place.nth++;
		ASSERT_LT(place.nth, POINTS_MAX);
	}
	return place.nth - 1;
}

/* From the last point to the first one, because only what is before a point is known */
static unsigned int sweep_space(struct faults_fixture *self, enum fault_kind kind)
{
	unsigned int space = SPACE_MAX, points = 0;
	struct place place = { .space = &space };

	EXPECT_FALSE(attempt(self, kind, &place));
	while (space) {
		place.nth++;
		points += attempt(self, kind, &place);
		space -= space < self->op->step ? space : self->op->step;
		ASSERT_LT(place.nth, POINTS_MAX);
	}
	return points;
}

static void sweep(struct faults_fixture *self, enum fault_kind kind)
{
	self->index = tally->index;
	inject_begin(kind);
	if (self->op->with_work_item && kind != COPY)
		tally->points[kind] = sweep_space(self, kind);
	else
		tally->points[kind] = sweep_task(self, kind);
	tally->injected[kind] += tally->points[kind];
	/* The process of the next kind begins with the same state. */
	prepare(self);
	tally->index = self->index;
	inject_end();
}

/* Makes a capture with all frames, whatever their state is, and ends a flush */
static void expect_capture(struct faults_fixture *self)
{
	int i;

	/* A stream that circulates has no explicit calls */
	if (self->op->circulates)
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	if (get_state(self->rig.connection) >= KSSTATE_PAUSE)
		ASSERT_EQ(0, reset_state(self->rig.connection, KSRESET_END));
	for (i = 0; i < FRAMES; i++)
		free_frame(self->rig.allocator, i);
	operation_prepare_state(self, KSSTATE_RUN);
	for (i = 0; i < 2 * FRAMES; i++)
		rig_turn(&self->rig, NULL);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->rig.allocator));
}

/*
 * Each kind of failure has its own process, whose table of descriptors has the minimum
 * size. The processes share the open files, and therefore the frames and events.
 */
void operation_fail(struct faults_fixture *self, const struct operation *op)
{
	int kind, status;

	self->op = op;
	inject_set_up(op->except ? op->except : EXCEPT);
	/* Objects that are made only once are made now. */
	prepare(self);
	undo(self, run(self));
	memset(tally->points, 0, sizeof(tally->points));
	tally->index = self->index;
	for (kind = 0; kind < KINDS; kind++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			sweep(self, kind);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
	harness_note("%s: %u failures of slab, %u of pages, %u of copies",
		     name_of(op), tally->points[SLAB], tally->points[PAGES],
		     tally->points[COPY]);
	for (kind = 0; kind < KINDS; kind++)
		EXPECT_LE(op->points[kind], tally->points[kind]);
	tally->operations++;
}

void operation_try(struct faults_fixture *self, const struct operation *op)
{
	operation_fail(self, op);
	expect_capture(self);
}
