// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: controls with a payload, which the camera reads from the memory of a program and writes
 * to it.
 */
#include "share.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "trap.h"

/* Controls of vivid: a string of 2 to 4 characters, and an array of 8x16 values of 16 bits */
#define TEXT "String"
#define TEXT_SIZE 5
#define MATRIX "U16 8x16 Matrix"
#define MATRIX_VALUES (8 * 16)
#define TRIES 2000

static int call_control(int fd, unsigned long request, __u32 id, void *payload, __u32 size,
			__u32 *error_idx)
{
	struct v4l2_ext_control control = { .id = id, .size = size, .ptr = payload };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &control };
	int ret = call(fd, request, &controls);

	if (error_idx)
		*error_idx = controls.error_idx;
	return ret;
}

static int call_payload(int fd, unsigned long request, const char *name, void *payload,
			__u32 size, __u32 *error_idx)
{
	return call_control(fd, request, control_of(fd, name), payload, size, error_idx);
}

/* The camera also writes the value, so the memory must be writable */
static int set_text(int fd, const char *text)
{
	char copy[TEXT_SIZE] = "";

	snprintf(copy, sizeof(copy), "%s", text);
	return call_payload(fd, VIDIOC_S_EXT_CTRLS, TEXT, copy, sizeof(copy), NULL);
}

static void expect_text(int fd, const char *expected)
{
	char text[TEXT_SIZE] = "";

	EXPECT_EQ(0, call_payload(fd, VIDIOC_G_EXT_CTRLS, TEXT, text, sizeof(text), NULL));
	EXPECT_EQ(0, strcmp(text, expected));
}

/* Memory that no access has made present yet */
static void *absent_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	return pages;
}

/* K12: strings and arrays are passed on in both directions, as on the camera's own node. */
TEST_F(share, payloads)
{
	__u16 values[MATRIX_VALUES], answer[MATRIX_VALUES], *absent = absent_pages(sizeof(answer));
	int fd = handle_open(self), i;
	char text[TEXT_SIZE] = "tiny";

	for (i = 0; i < MATRIX_VALUES; i++)
		values[i] = i + 1;
	EXPECT_EQ(0, set_text(fd, text));
	expect_text(self->video, "tiny");
	memcpy(text, "text", TEXT_SIZE);
	EXPECT_EQ(0, call_payload(fd, VIDIOC_TRY_EXT_CTRLS, TEXT, text, TEXT_SIZE, NULL));
	expect_text(self->video, "tiny");
	EXPECT_EQ(0, set_text(self->video, text));
	expect_text(fd, "text");

	EXPECT_EQ(0, call_payload(fd, VIDIOC_S_EXT_CTRLS, MATRIX, values, sizeof(values), NULL));
	EXPECT_EQ(0, call_payload(self->video, VIDIOC_G_EXT_CTRLS, MATRIX, answer, sizeof(answer),
				  NULL));
	EXPECT_EQ(0, memcmp(values, answer, sizeof(values)));
	EXPECT_EQ(0, call_payload(fd, VIDIOC_G_EXT_CTRLS, MATRIX, absent, sizeof(answer), NULL));
	EXPECT_EQ(0, memcmp(values, absent, sizeof(values)));
	close(fd);
}

static bool is_present(void *page)
{
	unsigned char present = 0;

	ASSERT_EQ(0, mincore(page, TRAP_PAGE, &present));
	return present & 1;
}

/* K12: payloads at any address; only the pages are made present that the control needs. */
TEST_F(share, payload_at_any_address)
{
	char *pages = absent_pages(3 * TRAP_PAGE), *second = pages + TRAP_PAGE;
	int fd = handle_open(self);

	/* A size that is smaller than the largest string, and then one that is larger */
	ASSERT_EQ(0, set_text(self->video, "ab"));
	EXPECT_EQ(0, call_payload(fd, VIDIOC_G_EXT_CTRLS, TEXT, second - 3, sizeof("ab"), NULL));
	EXPECT_EQ(0, strcmp(second - 3, "ab"));
	EXPECT_TRUE(is_present(pages));
	EXPECT_FALSE(is_present(second));
	ASSERT_EQ(0, set_text(self->video, "abcd"));
	EXPECT_EQ(0, call_payload(fd, VIDIOC_G_EXT_CTRLS, TEXT, second - 2, UINT32_MAX, NULL));
	EXPECT_EQ(0, strcmp(second - 2, "abcd"));
	EXPECT_FALSE(is_present(second + TRAP_PAGE));
	ASSERT_EQ(0, munmap(second, TRAP_PAGE));
	EXPECT_EQ(-EFAULT, call_payload(fd, VIDIOC_G_EXT_CTRLS, TEXT, second - 2, TEXT_SIZE,
					NULL));
	close(fd);
}

/* K12: a wrong payload has the errno that it has on the camera's own node. */
TEST_F(share, payload_is_wrong)
{
	static const unsigned long requests[] = {
		VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS, VIDIOC_TRY_EXT_CTRLS,
	};
	int fd = handle_open(self);
	__u32 error_idx, own_idx;
	unsigned int i;
	int ret;

	ASSERT_EQ(0, set_text(self->video, "kept"));
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		ret = call_payload(self->video, requests[i], TEXT, NULL, TEXT_SIZE, &own_idx);
		EXPECT_EQ(-EFAULT, ret);
		EXPECT_EQ(ret, call_payload(fd, requests[i], TEXT, NULL, TEXT_SIZE, &error_idx));
		EXPECT_EQ(own_idx, error_idx);
		ret = call_payload(self->video, requests[i], MATRIX, NULL, 1, &own_idx);
		EXPECT_EQ(requests[i] == VIDIOC_G_EXT_CTRLS ? -ENOSPC : -EFAULT, ret);
		EXPECT_EQ(ret, call_payload(fd, requests[i], MATRIX, NULL, 1, &error_idx));
		EXPECT_EQ(own_idx, error_idx);
	}
	EXPECT_EQ(-ERANGE, set_text(fd, ""));
	expect_text(self->video, "kept");
	EXPECT_EQ(-EFAULT, call_payload(fd, VIDIOC_S_EXT_CTRLS, TEXT,
					read_only_page("lost", TEXT_SIZE), TEXT_SIZE, NULL));
	close(fd);
}

/* A call for the brightness, and then for the text, whose memory is trapped */
struct trapped {
	struct trap trap;
	struct v4l2_ext_control control[2];
	struct v4l2_ext_controls controls;
};

#define NO_BRIGHTNESS (-1)

/* It is at the page fault of the text. */
static void trapped_start(struct trapped *trapped, int fd, unsigned long request, int brightness)
{
	trap_set(&trapped->trap, TRAP_READ, "trap", TEXT_SIZE);
	trapped->control[0] = (struct v4l2_ext_control){
		.id = V4L2_CID_BRIGHTNESS, .value = brightness,
	};
	trapped->control[1] = (struct v4l2_ext_control){
		.id = control_of(fd, TEXT), .size = TEXT_SIZE, .string = trapped->trap.page,
	};
	trapped->controls = (struct v4l2_ext_controls){ .count = 2, .controls = trapped->control };
	if (brightness == NO_BRIGHTNESS)
		trapped->controls = (struct v4l2_ext_controls){
			.count = 1, .controls = trapped->control + 1,
		};
	call_start(&trapped->trap.call, fd, request, &trapped->controls);
	trap_wait(&trapped->trap);
}

/*
 * The page is present before the call of the camera, and not when the camera accesses it. The text
 * of the camera is "text" then.
 */
static void trapped_continue(struct share_fixture *self, struct trapped *trapped)
{
	struct held_camera held;

	camera_hold(&held, 0);
	trap_let_go(&trapped->trap);
	EXPECT_TRUE(EVENTUALLY(waiting_calls(self->share) == 1));
	ASSERT_EQ(0, madvise(trapped->trap.page, TRAP_PAGE, MADV_DONTNEED));
	camera_let_go(&held);
}

static int brightness_of(int fd)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };

	ASSERT_EQ(0, call(fd, VIDIOC_G_CTRL, &control));
	return control.value;
}

/* K12: a program that delays the access to its payload for ever delays only itself. */
TEST_F(share, payload_not_read)
{
	static const unsigned long requests[] = {
		VIDIOC_S_EXT_CTRLS, VIDIOC_TRY_EXT_CTRLS, VIDIOC_G_EXT_CTRLS,
	};
	int good = handle_start(self), bad = handle_open(self), late;
	struct v4l2_buffer buffer;
	struct trapped trapped;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		ASSERT_EQ(0, set_text(self->video, "own"));
		trapped_start(&trapped, bad, requests[i], 127);
		ASSERT_EQ(0, dequeue(good, &buffer));
		ASSERT_EQ(0, queue(good, buffer.index));
		late = handle_start(self);
		EXPECT_EQ(0, dequeue(late, &buffer));
		expect_text(late, "own");
		close(late);
		EXPECT_EQ(0, trap_release(&trapped.trap));
		expect_text(self->video, i ? "own" : "trap");
		EXPECT_EQ(0, strcmp(trapped.trap.page, i < 2 ? "trap" : "own"));
	}
	close(bad);
	close(good);
}

/*
 * K12: if a page is gone when the camera accesses it, nobody waits for the page but the program:
 * neither the camera nor others. The call is made again.
 */
static void expect_again(struct share_fixture *self, unsigned long request, const char *camera,
			 const char *program)
{
	int good = handle_start(self), bad = handle_open(self), late;
	struct v4l2_buffer buffer;
	struct trapped trapped;

	trapped_start(&trapped, bad, request, NO_BRIGHTNESS);
	trapped_continue(self, &trapped);
	trap_wait(&trapped.trap);

	late = handle_start(self);
	EXPECT_EQ(0, dequeue(late, &buffer));
	expect_text(late, "text");
	close(late);
	EXPECT_EQ(0, dequeue(good, &buffer));
	EXPECT_EQ(0, trap_release(&trapped.trap));
	expect_text(self->video, camera);
	EXPECT_EQ(0, strcmp(trapped.trap.page, program));
	close(bad);
	close(good);
}

TEST_F(share, payload_gone)
{
	expect_again(self, VIDIOC_G_EXT_CTRLS, "text", "text");
	expect_again(self, VIDIOC_TRY_EXT_CTRLS, "text", "trap");
	expect_again(self, VIDIOC_S_EXT_CTRLS, "trap", "trap");
}

/* K12: a call that has set a control is not made again. */
TEST_F(share, payload_gone_after_effect)
{
	int fd = handle_open(self), before = brightness_of(fd);
	struct trapped trapped;

	trapped_start(&trapped, fd, VIDIOC_S_EXT_CTRLS, before ^ 1);
	trapped_continue(self, &trapped);
	EXPECT_EQ(0, poll_fd(trapped.trap.fault_fd, POLLIN, 300));
	EXPECT_EQ(-EFAULT, trap_release(&trapped.trap));
	EXPECT_EQ(1, trapped.controls.error_idx);
	EXPECT_EQ(before ^ 1, brightness_of(fd));
	close(fd);
}

/* K11: a program that faults on its payload does not escape the priority of another one. */
TEST_F(share, payload_of_lower_priority)
{
	int record = V4L2_PRIORITY_RECORD, fd = handle_open(self), owner = handle_open(self);
	int before = brightness_of(fd);
	struct trapped trapped;

	trapped_start(&trapped, fd, VIDIOC_S_EXT_CTRLS, before ^ 1);
	ASSERT_EQ(0, call(owner, VIDIOC_S_PRIORITY, &record));
	EXPECT_EQ(-EBUSY, trap_release(&trapped.trap));
	EXPECT_EQ(before, brightness_of(fd));
	close(owner);
	close(fd);
}

struct child_pipes {
	int ready[2], go[2];
};

/* A program with this memory, whose call for a payload is at a page fault until it may continue */
static pid_t start_trapped(struct share_fixture *self, int memory, struct child_pipes *pipes)
{
	struct trapped trapped;
	pid_t child = fork();
	char byte = 0;

	ASSERT_LE(0, child);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ASSERT_NE(MAP_FAILED, mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
				   memory, 0));
	trapped_start(&trapped, handle_open(self), VIDIOC_G_EXT_CTRLS, 0);
	write(pipes->ready[1], &byte, 1);
	read(pipes->go[0], &byte, 1);
	trap_let_go(&trapped.trap);
	for (;;)
		pause();
}

/*
 * K12: a program is killed while the camera does not respond to a call for a payload. It ends at
 * once, with its memory, and others can use the camera.
 */
TEST_F(share, killed_with_payload)
{
	int memory = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING), status;
	struct child_pipes pipes;
	struct footprint before;
	struct held_camera held;
	struct trap probe;
	char byte = 0;
	pid_t child;

	/* Skips the test if there is no userfaultfd */
	trap_set(&probe, TRAP_READ, "", 1);
	close(probe.fault_fd);
	ASSERT_EQ(0, ftruncate(memory, getpagesize()));
	ASSERT_EQ(0, pipe(pipes.ready));
	ASSERT_EQ(0, pipe(pipes.go));
	footprint_take(&before);
	child = start_trapped(self, memory, &pipes);
	ASSERT_EQ(POLLIN, poll_fd(pipes.ready[0], POLLIN, PATIENCE_MS));
	camera_hold(&held, 0);
	ASSERT_EQ(1, write(pipes.go[1], &byte, 1));
	EXPECT_TRUE(EVENTUALLY(waiting_calls(self->share) == 1));
	EXPECT_EQ(-EBUSY, fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE) ? -errno : 0);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_TRUE(EVENTUALLY(waitpid(child, &status, WNOHANG) == child));
	EXPECT_EQ(0, fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
	camera_let_go(&held);
	EXPECT_FOOTPRINT(&before);
	expect_text(self->video, "text");
	close(memory);
}

struct thief {
	char *page;
	atomic_bool ends;
};

static void *take_pages(void *arg)
{
	struct thief *thief = arg;

	while (!thief->ends) {
		usleep(rand() % 500);
		madvise(thief->page, TRAP_PAGE, MADV_DONTNEED);
	}
	return NULL;
}

/* K12: pages that are taken away during the call give EFAULT, or the call succeeds. */
TEST_F_TIMEOUT(share, payload_taken_away, 120)
{
	struct thief thief = { .page = absent_pages(TRAP_PAGE) };
	int fd = handle_open(self), ret, i, good = 0;
	__u32 id = control_of(fd, TEXT);
	pthread_t thread;

	ASSERT_EQ(0, set_text(self->video, "text"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_pages, &thief));
	for (i = 0; i < TRIES; i++) {
		ret = call_control(fd, VIDIOC_G_EXT_CTRLS, id, thief.page, TEXT_SIZE, NULL);
		if (ret)
			EXPECT_EQ(-EFAULT, ret);
		else
			good++;
	}
	thief.ends = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LT(0, good);
	expect_text(fd, "text");
	close(fd);
}

/* K1, K12: a payload in a frame, which the program can only read, does not change the frame. */
TEST_F(share, payload_in_frame)
{
	int fd = handle_open(self);
	char *frame, first[TEXT_SIZE];

	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	frame = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, frame);
	memcpy(first, frame, sizeof(first));
	ASSERT_EQ(0, set_text(self->video, "evil"));
	EXPECT_EQ(-EFAULT, call_payload(fd, VIDIOC_G_EXT_CTRLS, TEXT, frame, TEXT_SIZE, NULL));
	EXPECT_EQ(0, memcmp(frame, first, sizeof(first)));
	close(fd);
}
