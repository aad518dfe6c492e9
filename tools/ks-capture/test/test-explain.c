// SPDX-License-Identifier: GPL-2.0-only
/* Each error message is followed by advice, which fits the reason. */
#include <errno.h>

#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

/* Whether a driver or the kernel often returns this error, in this call or in any */
static bool is_usual(const char *where, int err)
{
	static const struct {
		int err;
		const char *where;
	} usual[] = {
		{ EPERM, NULL }, { EACCES, NULL }, { ENODEV, NULL }, { ENFILE, NULL },
		{ EMFILE, NULL }, { ENOMEM, NULL }, { EIO, NULL }, { EPROTO, NULL },
		{ EILSEQ, NULL }, { ETIMEDOUT, NULL }, { ENOENT, "open" }, { ENXIO, "open" },
		{ EBUSY, "open" }, { EBUSY, "format" }, { EBUSY, "start" }, { EINVAL, "connect" },
		{ EOPNOTSUPP, "connect" }, { EINVAL, "format" }, { EINVAL, "start" },
		{ EPIPE, "start" }, { ENOLINK, "start" }, { ENOSPC, "start" }, { 0, "timeout" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(usual); i++) {
		if (usual[i].err == err && (!usual[i].where || !strcmp(usual[i].where, where)))
			return true;
	}
	return false;
}

/*
 * Passes if there is advice, and no line of it is printed twice. For a usual error, it is too
 * little to name the kernel log
 */
static void check_advice(const char *where, int err)
{
	char copy[sizeof(camera_said)], *line, *rest = copy;
	unsigned int lines = 0, twice = 0;

	snprintf(copy, sizeof(copy), "%s", camera_said);
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "  ", 2))
			continue;
		lines += !is_usual(where, err) || !strstr(line, "sudo dmesg");
		twice += camera_said_count(line) > 1;
	}
	if (lines && !twice)
		return;
	printf("# %s, %s: %u lines, %u twice\n", where, strerror(err), lines, twice);
	tap_failures++;
}

/* There is advice for each errno of each call */
void test_advice(void)
{
	static const int errors[] = {
		EPERM, ENOENT, EIO, ENXIO, E2BIG, EBADF, ENOMEM, EACCES, EFAULT, EBUSY,
		ENODEV, EINVAL, ENFILE, EMFILE, ENOTTY, ENOSPC, EPIPE, EDOM, ERANGE, EPROTO,
		EILSEQ, EOPNOTSUPP, ETIMEDOUT, ECANCELED, ENOLINK, EREMOTEIO,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		camera_reset(1);
		camera.open_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("open", errors[i]);
		camera_reset(1);
		camera.connect_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("connect", errors[i]);
		camera_reset(1);
		camera.create_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("create", errors[i]);
		camera_reset(1);
		camera.heap_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("heap", errors[i]);
		camera_reset(1);
		camera.create_errno = errors[i];
		CHECK_EQ(camera_run("-H device"), STATUS_DEVICE);
		check_advice("create of own memory", errors[i]);
		camera_reset(1);
		camera.assign_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("assign", errors[i]);
		camera_reset(1);
		camera.start_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("start", errors[i]);
		camera_reset(1);
		camera.set_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		check_advice("format", errors[i]);
		camera_reset(2);
		camera.frames[1].err = errors[i];
		CHECK_EQ(camera_run(""), STATUS_FAILED);
		check_advice("frame", errors[i]);
	}
	camera_reset(1);
	CHECK_EQ(camera_run("-n 2"), STATUS_FAILED);
	check_advice("timeout", 0);
}

/* The node was opened, so a group of its owner does not help, whichever call is refused later */
void test_advice_refused(void)
{
	static const int errors[] = { EPERM, EACCES };
	int *calls[] = {
		&camera.connect_errno, &camera.set_errno, &camera.assign_errno,
		&camera.start_errno, &camera.frames[0].err,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		for (j = 0; j < ARRAY_SIZE(calls); j++) {
			camera_reset(1);
			camera.group = 1987654321;
			*calls[j] = errors[i];
			CHECK(camera_run("") != STATUS_OK);
			SAID("Was it unplugged?");
			SAID_NOT("usermod");
		}
	}
}

/* Several programs can use one camera: the user need not end one of them */
void test_advice_busy(void)
{
	int *calls[] = { &camera.set_errno, &camera.assign_errno, &camera.start_errno };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		camera_reset(1);
		*calls[i] = EBUSY;
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID("Another program captures from it now.");
		CHECK_EQ(camera_said_count("ks-share(1)"), 1);
	}
	/* The driver allows only one open file, so there can be no share */
	camera_reset(1);
	camera.connect_errno = EBUSY;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID_NOT("ks-share");
}

/* EINVAL has many reasons */
void test_advice_invalid(void)
{
	camera_reset(1);
	CHECK_EQ(camera_run("-b 1"), STATUS_DEVICE);
	SAID("The device needs at least 2: -b 2");
	SAID_NOT("heap");
	camera_reset(1);
	CHECK_EQ(camera_run("-H /dev/null"), STATUS_DEVICE);
	SAID("/dev/null is not a dma-buf heap");
	camera_reset(1);
	camera.changes_format = true;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("has changed its format, to YUYV 128x36");
	camera_reset(1);
	camera.start_errno = EINVAL;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID_NOT("has changed its format");
	SAID("cannot start with this format");
}

static void check_no_memory(void)
{
	static const char * const ways[] = { "", "-H system", "-H device" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		CHECK_EQ(camera_run(ways[i]), STATUS_DEVICE);
		SAID("can neither import nor export memory");
		SAID("v4l2-ctl");
		SAID("ks-capture --list");
		SAID_NOT("-H ");
		SAID_NOT("CMA");
	}
}

void test_advice_start(void)
{
	/* A loopback node */
	camera_reset(1);
	camera.connect_errno = EINVAL;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("can send pictures to this node as well");
	SAID("ks-capture --list");
	/* The node of a share: no other program sends pictures to it */
	camera_reset(1);
	camera.connect_errno = EINVAL;
	camera.share_of = "video1";
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("This is the node of a share of /dev/video1: V4L2 programs such as ffmpeg can\n");
	SAID("pass readers");
	SAID_NOT("send pictures");
	/* A node of v4l2loopback that no program sends pictures to */
	camera_reset(1);
	camera.connect_errno = EINVAL;
	camera.sources[0].status = V4L2_IN_ST_NO_SIGNAL;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("can send pictures to this node as well");
	SAID_NOT("no signal");
	camera_reset(1);
	camera.start_errno = EOPNOTSUPP;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("cannot start /dev/video0: Operation not supported");
	/* Neither import nor export: nothing that the user can choose helps */
	camera_reset(1);
	camera.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	check_no_memory();
	camera_reset(1);
	camera.cannot_import = true;
	check_no_memory();
	/* Its own memory works */
	camera_reset(1);
	camera.cannot_import = true;
	camera.lends = true;
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	SAID("in its own memory");
	CHECK_EQ(camera_run("-H system"), STATUS_DEVICE);
	SAID("heap system: its driver cannot import memory");
	SAID("Without -H, ks-capture finds memory that works");
	/* The driver allows only one open file */
	camera_reset(1);
	camera.connect_errno = EBUSY;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("allows only one open file");
	SAID("ks-capture --list");
	camera_reset(1);
	camera.open_errno = EBUSY;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("cannot open");
	SAID("allows only one open file");
	/* A bad cable or hub */
	camera_reset(1);
	camera.start_errno = EPROTO;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("cannot start /dev/video0: Protocol error");
	SAID("bad cable, hub or port, or too little power");
	SAID("at another port");
	SAID("sudo dmesg");
	/* Behind a media controller */
	camera_reset(1);
	camera.start_errno = EPIPE;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("have different formats or sizes, or a link is missing");
	SAID("-s and -f set this node");
	SAID("media-ctl -d /dev/media");
	camera_reset(1);
	camera.start_errno = ENOLINK;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("No camera is linked to this node");
	SAID("media-ctl -d /dev/media");
}

/* Only if the kernel refuses an unsigned module, there is advice on its key */
void test_advice_signature(void)
{
#define EFI "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ENFORCE "/sys/module/module/parameters/sig_enforce"
#define LOCKDOWN "/sys/kernel/security/lockdown"
	static const struct {
		struct camera_path path;
		bool needs;
	} cases[] = {
		{ { EFI, "\6\0\0\0\1", 5 }, true },
		{ { EFI, "\6\0\0\0\0", 5 }, false },
		{ { EFI, "\1\1\1\1", 4 }, false },
		{ { ENFORCE, "Y\n", 2 }, true },
		{ { ENFORCE, "N\n", 2 }, false },
		{ { LOCKDOWN, "none [integrity] confidentiality\n", 33 }, true },
		{ { LOCKDOWN, "none integrity [confidentiality]\n", 33 }, true },
		{ { LOCKDOWN, "[none] integrity confidentiality\n", 33 }, false },
		{ { LOCKDOWN, "", 0 }, false },
		{ {}, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		camera_reset(1);
		camera.ks_errno = ENOENT;
		camera.paths[0] = cases[i].path;
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID("  The kernel module ksalloc is not loaded: sudo modprobe ksalloc\n");
		CHECK_EQ(camera_said_count("  This kernel refuses unsigned modules "),
			 cases[i].needs);
		CHECK_EQ(camera_said_count("  sudo mokutil --import /var/lib/dkms/mok.pub (reboot"),
			 cases[i].needs);
		check_advice("open of the module", ENOENT);
	}
	/* A module that is loaded was not refused */
	camera_reset(1);
	camera.ks_errno = ENOENT;
	camera.paths[0] = cases[0].path;
	camera.paths[1].path = "/sys/module/ksalloc";
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("its node is missing");
	SAID_NOT("mokutil");
}

/* A container has no udev, and cannot load a module: the nodes are passed in */
void test_advice_container(void)
{
	static const char * const marks[] = {
		"/run/systemd/container", "/run/.containerenv", "/.dockerenv",
	};
	static const char in[] = "  This is a container: pass the node in, for example with ";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		camera_reset(1);
		camera.paths[0].path = marks[i];
		camera.ks_errno = ENOENT;
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID(in);
		SAID("--device /dev/ksalloc\n");
		SAID("sudo modprobe ksalloc (on the host)\n");
		camera.paths[1].path = "/sys/module/ksalloc";
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID(in);
		SAID("--device /dev/ksalloc\n");
		SAID_NOT("udev");
		SAID_NOT("modprobe");
		/* Without the node of the camera */
		camera.open_errno = ENOENT;
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID(in);
		SAID("--device /dev/video0\n");
		SAID("ks-capture --list");
		camera.nodes = 0;
		CHECK_EQ(camera_list_all(), STATUS_DEVICE);
		SAID("there is no camera\n");
		SAID(in);
		SAID("--device /dev/video0\n");
		SAID_NOT("vivid");
	}
	/* Elsewhere */
	camera_reset(1);
	camera.ks_errno = ENOENT;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("sudo modprobe ksalloc\n");
	SAID_NOT("--device /dev");
	camera.paths[1].path = "/sys/module/ksalloc";
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("is udev running?");
	SAID_NOT("--device /dev");
	camera.nodes = 0;
	CHECK_EQ(camera_list_all(), STATUS_DEVICE);
	SAID("vivid");
	SAID_NOT("--device /dev");
	camera.nodes = 1;
	camera.open_errno = ENOENT;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID_NOT("--device /dev");
}
