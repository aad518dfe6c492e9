// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are stopped: see trap.h.
 */
#include "trap.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Controls of vivid. A string control is copied while the camera is locked. */
#define TEXT_CONTROL "String"
/* The maximum number of bytes that vivid copies, with the NUL */
#define TEXT_SIZE 5

static char *new_page(void)
{
	char *page = mmap(NULL, TRAP_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	return page;
}

void trap_set(struct trap *trap, enum trap_kind kind, const void *arg,
	      size_t size)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = {
		.mode = kind == TRAP_READ ? UFFDIO_REGISTER_MODE_MISSING :
					    UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	trap->kind = kind;
	trap->content = new_page();
	memcpy(trap->content, arg, size);
	trap->fault_fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (trap->fault_fd < 0 || call_fd(trap->fault_fd, UFFDIO_API, &api))
		SKIP("no userfaultfd");
	trap->page = new_page();
	if (kind == TRAP_WRITE)
		memcpy(trap->page, trap->content, TRAP_PAGE);
	range.range.start = (unsigned long)trap->page;
	range.range.len = TRAP_PAGE;
	protect.range = range.range;
	ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_REGISTER, &range));
	if (kind == TRAP_WRITE)
		ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_WRITEPROTECT,
				     &protect));
}

void trap_wait(struct trap *trap)
{
	struct uffd_msg message;

	ASSERT_EQ(POLLIN, poll_fd(trap->fault_fd, POLLIN, PATIENCE_MS));
	ASSERT_EQ(sizeof(message), read(trap->fault_fd, &message,
					sizeof(message)));
}

void trap_spring(struct trap *trap, int fd, unsigned long request)
{
	call_start(&trap->call, fd, request, trap->page);
	trap_wait(trap);
}

void trap_let_go(struct trap *trap)
{
	const struct uffdio_range range = {
		.start = (unsigned long)trap->page,
		.len = TRAP_PAGE,
	};
	struct uffdio_writeprotect unprotect = { .range = range };
	struct uffdio_copy copy = {
		.dst = range.start,
		.src = (unsigned long)trap->content,
		.len = TRAP_PAGE,
	};

	if (trap->kind == TRAP_READ)
		ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_COPY, &copy));
	else
		ASSERT_EQ(0, call_fd(trap->fault_fd, UFFDIO_WRITEPROTECT,
				     &unprotect));
}

int trap_result(struct trap *trap)
{
	int result = call_result(&trap->call);

	close(trap->fault_fd);
	return result;
}

int trap_release(struct trap *trap)
{
	trap_let_go(trap);
	return trap_result(trap);
}

int trap_release_faulting(struct trap *trap)
{
	ASSERT_EQ(0, mprotect(trap->page, TRAP_PAGE, PROT_READ));
	return trap_release(trap);
}

void *read_only_page(const void *arg, size_t size)
{
	char *page = new_page();

	memcpy(page, arg, size);
	ASSERT_EQ(0, mprotect(page, TRAP_PAGE, PROT_READ));
	return page;
}

/* Cameras */

void camera_hold(struct held_camera *held, unsigned int instance)
{
	static struct v4l2_ext_control control;
	static struct v4l2_ext_controls controls;

	held->video = open_camera(instance);
	trap_set(&held->trap, TRAP_READ, "text", TEXT_SIZE);
	control = (struct v4l2_ext_control){
		.id = control_of(held->video, TEXT_CONTROL),
		.size = TEXT_SIZE,
		.string = held->trap.page,
	};
	controls = (struct v4l2_ext_controls){
		.which = V4L2_CTRL_WHICH_CUR_VAL,
		.count = 1,
		.controls = &control,
	};
	call_start(&held->trap.call, held->video, VIDIOC_S_EXT_CTRLS, &controls);
	trap_wait(&held->trap);
}

void camera_let_go(struct held_camera *held)
{
	EXPECT_EQ(0, trap_release(&held->trap));
	close(held->video);
}
