// SPDX-License-Identifier: GPL-2.0-only
/* Whole captures with a simulated camera. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../frames.h"
#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

static long size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : (long)st.st_size;
}

/* The names are relative, so that they are short */
void begin_captures(void)
{
	char folder[] = "/tmp/ks-capture-run-XXXXXX";

	CHECK(mkdtemp(folder) && !chdir(folder));
}

void end_captures(void)
{
	char here[64];

	CHECK(getcwd(here, sizeof(here)) && !system("rm -f ./*"));
	CHECK(!chdir("/") && !rmdir(here));
}

/* A video is written, counted and reported */
void test_capture_film(void)
{
	camera_reset(5);
	CHECK_EQ(camera_run("-n 5 -o a.y4m --report r.json"), STATUS_OK);
	SAID("5 frames of YUYV 64x36");
	SAID("0 dropped");
	CHECK_EQ(size_of("a.y4m"), 57 + 5 * (6 + 2 * 64 * 36));
	CHECK(size_of("r.json") > 0);
	CHECK_EQ(camera.starts, 1);

	camera_reset(5);
	camera.frames[3].sequence = 7;
	camera.frames[4].sequence = 8;
	CHECK_EQ(camera_run("-n 5"), STATUS_OK);
	SAID("4 dropped in 1 gap");
}

/* A single picture is not the first frame, because the exposure is not adjusted yet */
void test_capture_photo(void)
{
	struct rate slow = { 1, 30 }, five = { 5, 1 }, fast = { 120, 1 }, unknown = {};

	camera_reset(20);
	/* Frames that are lost before are not counted, and the next one is not damaged */
	camera.frames[10].sequence = 14;
	camera.frames[10].flags = KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	CHECK_EQ(camera_run("-o a.png"), STATUS_OK);
	SAID("1 frame of YUYV 64x36");
	SAID("0 dropped, after 10 skipped");
	SAID_NOT("damaged");
	CHECK_EQ(camera.next, 11);
	camera_reset(20);
	CHECK_EQ(camera_run("-o a.png --skip 0"), STATUS_OK);
	SAID_NOT("skipped");
	CHECK_EQ(camera.next, 1);
	camera_reset(20);
	CHECK_EQ(camera_run("-n 2 -o a.raw --skip 3"), STATUS_OK);
	SAID("2 frames");
	CHECK_EQ(camera.next, 5);
	CHECK_EQ(size_of("a.raw"), 2 * 2 * 64 * 36);
	CHECK_EQ(frames_before_photo(slow), 1);
	CHECK_EQ(frames_before_photo(five), 2);
	CHECK_EQ(frames_before_photo(fast), 10);
	CHECK_EQ(frames_before_photo(unknown), 10);
}

/* --newest skips frames that were filled while another one was written */
void test_capture_newest(void)
{
	camera_reset(6);
	camera.frames[3].waits = true;
	camera.frames[5].waits = true;
	CHECK_EQ(camera_run("-n 3 --newest"), STATUS_OK);
	SAID("3 frames");
	SAID("0 dropped, 3 older ones skipped");
	CHECK_EQ(camera.next, 6);
	camera_reset(6);
	CHECK_EQ(camera_run("-n 3"), STATUS_OK);
	SAID_NOT("older");
	CHECK_EQ(camera.next, 3);
	/* --newest has no effect on the frames of --skip */
	camera_reset(6);
	camera.frames[5].waits = true;
	CHECK_EQ(camera_run("-n 2 --newest --skip 2"), STATUS_OK);
	SAID("2 older ones skipped, after 2 skipped");
}

/* The clock of the camera starts at 1000 s, and at 03:04:05; a frame takes 1/30 s */
void test_capture_times(void)
{
	static const char table[] =
		"frame,sequence,time_s,got_s,utc\n"
		"0,0,1000.0000000,1000.0333333,2026-01-02T03:04:05.000000Z\n"
		"2,7,,1000.0999999,\n";
	char is[1024] = "";
	FILE *file;

	camera_reset(3);
	camera.frames[2].sequence = 7;
	camera.frames[2].has_no_time = true;
	CHECK_EQ(camera_run("-n 3 -o a-%d.raw --save 0,2 --times t.csv"), STATUS_OK);
	file = fopen("t.csv", "r");
	CHECK(file && fread(is, 1, sizeof(is) - 1, file));
	fclose(file);
	CHECK_STR(is, table);
	/* Without -o, the file has the times of all frames */
	camera_reset(3);
	CHECK_EQ(camera_run("-n 3 --times t.csv"), STATUS_OK);
	CHECK_EQ(system("test $(wc -l <t.csv) = 4"), 0);
	CHECK_EQ(camera_run("-n 3 --times no/such/t.csv"), STATUS_FAILED);
	camera_reset(3);
	CHECK_EQ(camera_run("-n 3 --times /dev/full"), STATUS_FAILED);
	SAID("cannot write /dev/full");
}

static void reset_to_pieces(void)
{
	camera_reset(30);
	camera.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	camera.formats[0] = (struct camera_format) { V4L2_PIX_FMT_NV12, 1, false };
	camera.formats[1] = (struct camera_format) { V4L2_PIX_FMT_NV12M, 2, false };
	camera.format = V4L2_PIX_FMT_NV12M;
}

/* Another program has left the device in a format with two memory planes: it is used */
void test_capture_pieces(void)
{
	reset_to_pieces();
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	CHECK_EQ(camera.format, V4L2_PIX_FMT_NV12M);
	reset_to_pieces();
	CHECK_EQ(camera_run("-n 2 -o a.raw"), STATUS_OK);
	CHECK_EQ(camera.format, V4L2_PIX_FMT_NV12M);
	CHECK_EQ(size_of("a.raw"), 2 * 2 * 64 * 36);
	reset_to_pieces();
	CHECK_EQ(camera_run("-n 1 -f NM12 -o a.y4m"), STATUS_OK);
	reset_to_pieces();
	CHECK_EQ(camera_run("-n 1 -f NM12 -o a.png"), STATUS_OK);
	/* The driver stores it in other planes than its format has */
	reset_to_pieces();
	camera.formats[1].planes = 3;
	CHECK_EQ(camera_run("-n 1 -f NM12 -o a.png"), STATUS_FORMAT);
	SAID("cannot be written as png");
	/* A plane of a frame is too short */
	reset_to_pieces();
	camera.short_plane = true;
	CHECK_EQ(camera_run("-n 1 -f NM12 -o a.png --timeout 1"), STATUS_FAILED);
	SAID("it is too short");
}

/* Memory of a plane of the camera: one page */
#define PLANE_BYTES 4096

struct pieces {
	__u32 together, separate;
	unsigned int planes;
	/* Bytes of each plane */
	unsigned int sizes[3];
};

/* Each plane has another pattern. Plane @other, if it exists, differs by one byte */
static void capture_plane(const struct pieces *pieces, bool separate, unsigned int other,
			  const char *words)
{
	static __u8 data[3 * PLANE_BYTES];
	unsigned int plane, i, start = 0;

	reset_to_pieces();
	camera.formats[0].fourcc = pieces->together;
	camera.formats[1] = (struct camera_format) { pieces->separate, pieces->planes, false };
	camera.format = separate ? pieces->separate : pieces->together;
	for (plane = 0; plane < pieces->planes; plane++) {
		for (i = 0; i < pieces->sizes[plane]; i++)
			data[start + i] = 40 + (i * (2 * plane + 3) + i / 64 * 5) % 160;
		if (plane == other)
			data[start + i / 2] += 50;
		start += separate ? PLANE_BYTES : pieces->sizes[plane];
	}
	camera.frames[0].data = data;
	camera.frames[0].used = start;
	CHECK_EQ(camera_run(words), STATUS_OK);
}

/* A picture in several memory planes is the same as in one, and shows all planes */
void test_capture_same_picture(void)
{
	static const struct pieces all[] = {
		{ V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M, 2, { 2304, 1152 } },
		{ V4L2_PIX_FMT_NV21, V4L2_PIX_FMT_NV21M, 2, { 2304, 1152 } },
		{ V4L2_PIX_FMT_NV16, V4L2_PIX_FMT_NV16M, 2, { 2304, 2304 } },
		{ V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_YUV420M, 3, { 2304, 576, 576 } },
		{ V4L2_PIX_FMT_YVU420, V4L2_PIX_FMT_YVU420M, 3, { 2304, 576, 576 } },
	};
	unsigned int i, plane;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		capture_plane(&all[i], false, all[i].planes, "-n 1 --skip 0 -o one.png");
		CHECK_EQ(camera.format, all[i].together);
		capture_plane(&all[i], true, all[i].planes, "-n 1 --skip 0 -o several.png");
		CHECK_EQ(camera.format, all[i].separate);
		CHECK_EQ(system("cmp -s one.png several.png"), 0);
		for (plane = 0; plane < all[i].planes; plane++) {
			capture_plane(&all[i], true, plane, "-n 1 --skip 0 -o other.png");
			CHECK(system("cmp -s one.png other.png") != 0);
		}
	}
}

/* The device's own memory, if requested, or if no other can be used */
void test_capture_own_memory(void)
{
	camera_reset(2);
	camera.lends = true;
	camera.heap_errno = EACCES;
	CHECK_EQ(camera_run("-n 2 -o a.raw -H device --report r.json"), STATUS_OK);
	SAID_NOT("own memory");
	CHECK_EQ(size_of("a.raw"), 2 * 2 * 64 * 36);
	CHECK_EQ(system("grep -q '\"heap\": \"device\"' r.json"), 0);
	camera_reset(2);
	camera.lends = true;
	camera.heap_errno = EACCES;
	CHECK_EQ(camera_run("-n 2 --report r.json"), STATUS_OK);
	SAID("in its own memory (-H device); heap system: cannot be opened: Permission denied");
	CHECK_EQ(system("grep -q '\"heap\": \"device\"' r.json"), 0);
	camera_reset(2);
	camera.lends = true;
	camera.needs_contiguous = true;
	CHECK_EQ(camera_run("-n 2"), STATUS_OK);
	SAID("in its own memory");
	camera_reset(2);
	camera.lends = true;
	camera.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	CHECK_EQ(camera_run("-n 2"), STATUS_OK);
	SAID("in its own memory");
	/* Not for other errors, and not if a heap is requested */
	camera_reset(2);
	camera.lends = true;
	camera.start_errno = EBUSY;
	CHECK_EQ(camera_run("-n 2"), STATUS_DEVICE);
	SAID_NOT("own memory");
	camera.start_errno = 0;
	camera.needs_contiguous = true;
	CHECK_EQ(camera_run("-n 2 -H system"), STATUS_DEVICE);
	SAID("heap system: its driver refuses it, because it is not contiguous");
	SAID("Without -H");
	camera.lends = false;
	CHECK_EQ(camera_run("-n 2 -H device"), STATUS_DEVICE);
	SAID("its own memory: its driver cannot export it");
}

/* udmabuf, where no heap can be used. The pictures are the same */
void test_capture_udmabuf(void)
{
	camera_reset(2);
	CHECK_EQ(camera_run("-n 2 -o heap.raw"), STATUS_OK);
	camera_reset(2);
	camera.heap_errno = EACCES;
	camera.udmabuf_errno = 0;
	CHECK_EQ(camera_run("-n 2 -o a.raw --report r.json"), STATUS_OK);
	CHECK_EQ(size_of("a.raw"), 2 * 2 * 64 * 36);
	CHECK_EQ(system("cmp -s heap.raw a.raw"), 0);
	SAID_NOT("memory");
	CHECK_EQ(system("grep -q '\"heap\": \"udmabuf\"' r.json"), 0);
	camera_reset(2);
	camera.udmabuf_errno = 0;
	CHECK_EQ(camera_run("-n 2 -H udmabuf"), STATUS_OK);
	camera.room = 3;
	CHECK_EQ(camera_run("-n 2 -H udmabuf"), STATUS_DEVICE);
	SAID("/dev/udmabuf: no memory for frame 3: Cannot allocate memory");
	SAID("fewer frames (-b)");
	SAID_NOT("max_mbytes");
	camera_reset(2);
	camera.create_errno = ENOMEM;
	CHECK_EQ(camera_run("-n 2"), STATUS_DEVICE);
	SAID("heap system: too little memory, or more than the limit of this user");
	SAID("max_mbytes of the module ksalloc");
}

/* If no memory can be used, there is a reason for each */
void test_capture_no_memory(void)
{
	camera_reset(2);
	camera.heap_errno = EACCES;
	camera.udmabuf_errno = EACCES;
	CHECK_EQ(camera_run("-n 2"), STATUS_DEVICE);
	SAID("cannot use any memory of this machine");
	SAID("  heap system: cannot be opened: Permission denied");
	SAID("  /dev/udmabuf: cannot be opened: Permission denied");
	SAID("  its own memory: its driver cannot export it");
	camera_reset(2);
	camera.heap_errno = ENOENT;
	CHECK_EQ(camera_run("-n 2"), STATUS_DEVICE);
	SAID("  heap (any): this kernel has none");
	SAID("  /dev/udmabuf: cannot be opened: No such file");
	SAID("modprobe udmabuf");
	camera_reset(2);
	camera.needs_contiguous = true;
	camera.udmabuf_errno = 0;
	CHECK_EQ(camera_run("-n 2"), STATUS_DEVICE);
	SAID("  heap system: its driver refuses it, because it is not contiguous");
	SAID("  /dev/udmabuf: its driver refuses it, because it is not contiguous");
	SAID("CONFIG_DMABUF_HEAPS_CMA");
	/* Only root may use the heap */
	camera_reset(2);
	camera.heap_errno = EACCES;
	CHECK_EQ(camera_run("-n 2 -H system"), STATUS_DEVICE);
	SAID("cannot use the memory of -H");
	SAID("heap system: cannot be opened: Permission denied");
}

/* There is no heap, and the device fails for another reason, which is the one to explain */
void test_capture_without_heaps(void)
{
	static const struct {
		int err;
		const char *advice;
	} starts[] = {
		{ EPIPE, "media-ctl" },
		{ EBUSY, "Another program captures from it now." },
		{ ENOSPC, "Its USB bus is too busy" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		camera_reset(1);
		camera.lends = true;
		camera.heap_errno = ENOENT;
		camera.start_errno = starts[i].err;
		CHECK_EQ(camera_run("-n 1"), STATUS_DEVICE);
		SAID("cannot start");
		SAID(starts[i].advice);
		SAID_NOT("CONFIG_DMABUF_HEAPS");
	}
}

/* The beginning of a file */
static const char *head_of(const char *name)
{
	static char head[128];
	FILE *file = fopen(name, "r");

	head[0] = 0;
	if (file && fgets(head, sizeof(head), file))
		head[strcspn(head, "\n")] = 0;
	if (file)
		fclose(file);
	return head;
}

/*
 * Single fields: the second field of a frame has the same number. That is not a gap, a mark
 * on it means damage, and the video has the rate of the fields.
 */
void test_capture_fields(void)
{
	unsigned int i;

	camera_reset(8);
	camera.field = V4L2_FIELD_ALTERNATE;
	for (i = 0; i < 8; i++)
		camera.frames[i].sequence = i / 2;
	camera.frames[3].flags = KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	CHECK_EQ(camera_run("-n 7 -o a.y4m"), STATUS_OK);
	SAID("a picture is one field");
	SAID("36 instead of 72");
	SAID("7 fields of YUYV 64x36");
	SAID("1 dropped, 1 of them damaged");
	CHECK_STR(head_of("a.y4m"), "YUV4MPEG2 W64 H36 F60:1 Ip A1:2 C422 XCOLORRANGE=LIMITED");
	CHECK_EQ(size_of("a.y4m"), 57 + 7 * (6 + 2 * 64 * 36));

	camera_reset(2);
	camera.field = V4L2_FIELD_BOTTOM;
	CHECK_EQ(camera_run("-n 2 -o a.y4m"), STATUS_OK);
	SAID("sends the bottom field of each frame only");
	CHECK_STR(head_of("a.y4m"), "YUV4MPEG2 W64 H36 F30:1 Ip A1:2 C422 XCOLORRANGE=LIMITED");
	camera_reset(2);
	CHECK_EQ(camera_run("-n 2 -o a.y4m"), STATUS_OK);
	SAID_NOT("field");
}

/* A driver that does not count frames */
void test_capture_unnumbered(void)
{
	unsigned int i;

	camera_reset(5);
	for (i = 0; i < 5; i++)
		camera.frames[i].sequence = 0;
	camera.frames[2].flags = KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	CHECK_EQ(camera_run("-n 4"), STATUS_OK);
	SAID("4 frames");
	SAID("1 damaged");
	SAID("lost ones cannot be counted");
	SAID_NOT("gap");
}

/* Names that are refused with a helpful message, before any device is opened */
void test_capture_names(void)
{
	camera_reset(2);
	CHECK_EQ(camera_run("-n 2 -o Clip.MP4"), STATUS_USAGE);
	SAID("-o Clip.y4m");
	SAID("ks-capture ... -o - | ffmpeg -i - Clip.MP4");
	SAID("-F raw");
	CHECK_EQ(camera_run("-n 2 -o a.b/clip.pgn"), STATUS_USAGE);
	SAID("Is this what you mean? -o a.b/clip.png");
	CHECK_EQ(camera_run("-n 2 -o a.tif"), STATUS_USAGE);
	SAID("-o a.png");
	CHECK_EQ(camera_run("-n 2 -o a.xyz"), STATUS_USAGE);
	SAID(".png, .jpg, .y4m, .mjpeg, .raw, .yuv");
	CHECK(!mkdir("clip.mp4", 0777));
	CHECK_EQ(camera_run("-n 2 -o clip.mp4 -F raw"), STATUS_USAGE);
	SAID("-o clip.mp4/picture.png");
	CHECK(!rmdir("clip.mp4"));
	CHECK_EQ(camera.starts, 0);
	CHECK_EQ(camera_run("-n 2 -o clip.mp4 -F raw"), STATUS_OK);
	CHECK_EQ(size_of("clip.mp4"), 2 * 2 * 64 * 36);
}

/* A pipe gets video, as stdout does, unless its name has another suffix */
void test_capture_pipe(void)
{
	CHECK(!mkfifo("pipe", 0600) && !mkfifo("pipe.mkv", 0600));
	camera_reset(2);
	CHECK(!system("cat pipe >film &"));
	CHECK_EQ(camera_run("-n 1 -o pipe"), STATUS_OK);
	CHECK(!system("for i in 1 2 3 4 5 6 7 8 9; do [ -s film ] || sleep 0.2; done; "
		      "grep -q YUV4MPEG2 film"));
	CHECK_EQ(camera_run("-n 1 -o pipe.mkv"), STATUS_USAGE);
	SAID("ffmpeg");
}

/* Damaged frames are skipped, and another frame is captured */
void test_capture_damaged(void)
{
	camera_reset(5);
	camera.frames[1].flags = KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	camera.frames[2].used = 1000;
	CHECK_EQ(camera_run("-n 3 -o a.raw"), STATUS_OK);
	SAID("3 frames");
	SAID("2 dropped, 2 of them damaged");
	CHECK_EQ(size_of("a.raw"), 3 * 2 * 64 * 36);

	camera_reset(5);
	CHECK_EQ(camera_run("-n 6 -o a.raw"), STATUS_FAILED);
	SAID("has sent no frame for 5 s");
	CHECK_EQ(size_of("a.raw"), 5 * 2 * 64 * 36);
}
