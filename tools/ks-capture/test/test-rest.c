// SPDX-License-Identifier: GPL-2.0-only
/* The choice of a format, the counters, the report, and main(). */
#include <stdlib.h>
#include <unistd.h>

#include "../choose.h"
#include "../report.h"
#include "../say.h"
#include "tests.h"

const char *program;

#define F(code) V4L2_PIX_FMT_##code

void test_can_use(void)
{
	CHECK(output_can_use(OUTPUT_PNG, F(YUYV)));
	CHECK(output_can_use(OUTPUT_PNG, F(RGB24)));
	CHECK(output_can_use(OUTPUT_PNG, F(GREY)));
	CHECK(!output_can_use(OUTPUT_PNG, F(MJPEG)));
	CHECK(!output_can_use(OUTPUT_PNG, F(H264)));
	CHECK(output_can_use(OUTPUT_Y4M, F(NV12)));
	CHECK(output_can_use(OUTPUT_Y4M, F(GREY)));
	CHECK(!output_can_use(OUTPUT_Y4M, F(RGB24)));
	CHECK(output_can_use(OUTPUT_PNG, F(Y16)));
	CHECK(!output_can_use(OUTPUT_Y4M, F(Y16)));
	CHECK(!output_can_use(OUTPUT_Y4M, F(JPEG)));
	CHECK(output_can_use(OUTPUT_JPEG, F(MJPEG)));
	CHECK(output_can_use(OUTPUT_JPEG, F(JPEG)));
	CHECK(!output_can_use(OUTPUT_JPEG, F(YUYV)));
	CHECK(output_can_use(OUTPUT_RAW, F(H264)));
	CHECK(output_can_use(OUTPUT_NONE, F(SBGGR10)));
}

void test_choice(void)
{
	static const struct offer camera[] = {
		{ F(MJPEG), false, true, 1 }, { F(YUYV), false, true, 1 },
		{ F(H264), false, true, 1 },
	};
	static const struct offer slow[] = {
		{ F(YUYV), false, false, 1 }, { F(NV12), false, true, 1 },
		{ F(RGB24), true, true, 1 },
	};
	static const struct offer emulating[] = {
		{ F(YUYV), true, true, 1 }, { F(NV12), false, true, 1 },
		{ F(NV21), false, true, 1 },
	};
	static const struct offer bayer[] = {
		{ F(SBGGR8), false, true, 1 },
	};
	static const struct offer rgb[] = {
		{ F(BGR24), false, true, 1 }, { F(RGB24), false, true, 1 },
	};

	static const struct offer pieces[] = {
		{ F(YUYV), false, true, 1 }, { F(NV12), false, true, 1 },
		{ F(NV12M), false, true, 2 }, { F(YUV444M), false, true, 3 },
	};

	/* Formats that the output can use; the current one first, whatever its rank */
	CHECK_EQ(choose_format(camera, 3, F(MJPEG), OUTPUT_PNG), F(YUYV));
	CHECK_EQ(choose_format(camera, 3, F(MJPEG), OUTPUT_JPEG), F(MJPEG));
	CHECK_EQ(choose_format(camera, 3, F(YUYV), OUTPUT_JPEG), F(MJPEG));
	CHECK_EQ(choose_format(camera, 3, F(H264), OUTPUT_RAW), F(H264));
	CHECK_EQ(choose_format(camera, 3, F(MJPEG), OUTPUT_NONE), F(MJPEG));
	CHECK_EQ(choose_format(emulating, 3, F(NV21), OUTPUT_Y4M), F(NV21));
	/* Then formats that are not emulated, then the best rank */
	CHECK_EQ(choose_format(emulating, 3, 0, OUTPUT_Y4M), F(NV12));
	CHECK_EQ(choose_format(rgb, 2, 0, OUTPUT_PNG), F(RGB24));
	/* The size is more important than all that */
	CHECK_EQ(choose_format(slow, 3, F(YUYV), OUTPUT_PNG), F(NV12));
	CHECK_EQ(choose_format(slow, 1, F(YUYV), OUTPUT_PNG), F(YUYV));
	/* Formats with several memory planes are like others, but behind the same with one */
	CHECK_EQ(choose_format(pieces, 4, F(NV12M), OUTPUT_NONE), F(NV12M));
	CHECK_EQ(choose_format(pieces, 4, F(NV12M), OUTPUT_Y4M), F(NV12M));
	CHECK_EQ(choose_format(pieces, 4, F(YUV444M), OUTPUT_RAW), F(YUV444M));
	CHECK_EQ(choose_format(pieces, 4, F(MJPEG), OUTPUT_PNG), F(YUYV));
	CHECK_EQ(choose_format(pieces + 1, 3, F(MJPEG), OUTPUT_PNG), F(NV12));
	CHECK_EQ(choose_format(pieces + 2, 2, F(MJPEG), OUTPUT_Y4M), F(NV12M));
	/* No format can be used */
	CHECK_EQ(choose_format(bayer, 1, F(SBGGR8), OUTPUT_PNG), 0);
	CHECK_EQ(choose_format(rgb, 2, F(RGB24), OUTPUT_Y4M), 0);
	CHECK_EQ(choose_format(NULL, 0, F(YUYV), OUTPUT_PNG), 0);
}

void test_tally(void)
{
	struct tally t = {};

	/* The first number can have any value */
	CHECK(tally_sequence(&t, 5));
	tally_good(&t);
	CHECK(tally_sequence(&t, 6));
	tally_good(&t);
	CHECK_EQ(t.dropped, 0);
	CHECK(!tally_sequence(&t, 10));
	tally_good(&t);
	CHECK_EQ(t.dropped, 3);
	CHECK_EQ(t.gaps, 1);
	CHECK(tally_sequence(&t, 11));
	tally_damaged(&t);
	CHECK_EQ(t.frames, 3);
	CHECK_EQ(t.damaged, 1);
	CHECK_EQ(t.dropped, 4);
	CHECK_EQ(t.gaps, 1);
	/* The numbers restart, and the same number again, which is no gap */
	CHECK(!tally_sequence(&t, 0));
	CHECK(tally_sequence(&t, 0));
	CHECK_EQ(t.dropped, 4);
	CHECK_EQ(t.gaps, 2);
	/* The numbers wrap */
	t = (struct tally) {};
	CHECK(tally_sequence(&t, 0xfffffffe));
	CHECK(tally_sequence(&t, 0xffffffff));
	CHECK(tally_sequence(&t, 0));
	CHECK(!tally_sequence(&t, 2));
	CHECK_EQ(t.dropped, 1);
}

/* The fields of a frame have the same number */
void test_tally_fields(void)
{
	static const __u32 compliant[] = { 6, 7, 7, 8, 8, 9, 10, 10, 13, 13, 14 };
	static const __u32 counting[] = { 0, 1, 2, 3, 5 };
	struct tally t = { .fields = true };
	size_t i;

	/* Begins with a second field. One field of 9 is lost, and both of 11 and 12 */
	for (i = 0; i < ARRAY_SIZE(compliant); i++)
		CHECK_EQ(tally_sequence(&t, compliant[i]), compliant[i] != 13 || i == 9);
	CHECK_EQ(t.dropped, 1 + 4);
	CHECK_EQ(t.gaps, 1);
	CHECK(!tally_is_blind(&t));
	/* A driver that counts fields */
	t = (struct tally) { .fields = true };
	for (i = 0; i < ARRAY_SIZE(counting); i++)
		tally_sequence(&t, counting[i]);
	CHECK_EQ(t.dropped, 1);
	CHECK_EQ(t.gaps, 1);
}

/* A driver that does not count has no gaps, and the report says that it does not count */
void test_tally_still(void)
{
	struct tally t = {};
	int i;

	for (i = 0; i < 9; i++) {
		CHECK(tally_sequence(&t, 0));
		CHECK_EQ(tally_is_blind(&t), i > 0);
	}
	CHECK_EQ(t.dropped, 0);
	CHECK_EQ(t.gaps, 0);
	t = (struct tally) { .fields = true };
	for (i = 0; i < 9; i++) {
		CHECK(tally_sequence(&t, 0));
		CHECK_EQ(tally_is_blind(&t), i > 1);
	}
	tally_sequence(&t, 1);
	CHECK(!tally_is_blind(&t));
}

void test_json(void)
{
	char json[64];

	json_string("vivid", json, sizeof(json));
	CHECK_STR(json, "\"vivid\"");
	json_string("a\"b\\c\n\x7f", json, sizeof(json));
	CHECK_STR(json, "\"a\\\"b\\\\c\\u000a\\u007f\"");
	json_string("", json, sizeof(json));
	CHECK_STR(json, "\"\"");
	json_string("0123456789", json, 8);
	CHECK_STR(json, "\"01234\"");
	json_string("0123\n", json, 8);
	CHECK_STR(json, "\"0123\"");
}

/* The report is a JSON object with exactly these members */
void test_report(void)
{
	char path[] = "/tmp/ks-capture-test-XXXXXX", text[1024] = "";
	struct device device = {
		.driver = "viv\"id",
		.fourcc = F(NV12),
		.field = V4L2_FIELD_ALTERNATE,
		.picture = { .width = 640, .height = 360 },
	};
	struct tally tally = {
		.skipped = 10, .passed = 4, .frames = 120, .dropped = 3, .damaged = 1, .gaps = 2,
	};
	int fd = mkstemp(path);
	char *rest;

	CHECK(fd >= 0);
	CHECK_EQ(report_write(path, &device, "system", &tally, 4.0125), 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(!strncmp(text, "{\n  \"kernel\": \"", 15));
	rest = strstr(text, "  \"driver\"");
	CHECK_STR(rest ? rest : "", "  \"driver\": \"viv\\\"id\",\n"
		  "  \"width\": 640,\n"
		  "  \"height\": 360,\n"
		  "  \"pixelformat\": \"NV12\",\n"
		  "  \"heap\": \"system\",\n"
		  "  \"field\": \"alternate\",\n"
		  "  \"numbered\": true,\n"
		  "  \"skipped\": 10,\n"
		  "  \"passed\": 4,\n"
		  "  \"frames\": 120,\n"
		  "  \"dropped\": 3,\n"
		  "  \"damaged\": 1,\n"
		  "  \"sequence_gaps\": 2,\n"
		  "  \"restarts\": 0,\n"
		  "  \"elapsed_s\": 4.013\n}\n");
	CHECK(report_write("/dev/full", &device, "system", &tally, 1) < 0);
	CHECK(report_write("/no/such/folder", &device, "system", &tally, 1) < 0);
	close(fd);
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "fourcc", test_fourcc },
		{ "colours: V4L2's defaults", test_colours },
		{ "colours: known ones", test_known_colours },
		{ "pixels of every format against the model", test_rows },
		{ "rows of two fields", test_row_order },
		{ "bytes in a frame", test_bytes },
		{ "rows that do not fit", test_sanity },
		{ "y4m header", test_y4m_header },
		{ "y4m planes", test_y4m_planes },
		{ "separate planes", test_separate_planes },
		{ "raw file", test_raw_file },
		{ "y4m file", test_y4m_file },
		{ "PNG file", test_png_file },
		{ "PNG file of 16 bits a sample", test_png_deep },
		{ "PNG file with pixels that are not square", test_png_aspect },
		{ "numbered files", test_numbered_files },
		{ "full disk", test_full_disk },
		{ "reader gone", test_reader_gone },
		{ "size", test_size },
		{ "rate", test_rate },
		{ "frames to save", test_save },
		{ "patterns of names", test_pattern },
		{ "output by name", test_output_kind },
		{ "pixel format by name", test_output_format },
		{ "command line", test_command_line },
		{ "wrong command lines", test_bad_command_line },
		{ "program", test_program },
		{ "formats for outputs", test_can_use },
		{ "choice of a format", test_choice },
		{ "tally", test_tally },
		{ "tally of fields", test_tally_fields },
		{ "tally of frames with one number", test_tally_still },
		{ "JSON text", test_json },
		{ "report", test_report },
		{ "writing memory that cannot be held", test_write_memory },
		{ "writing to a pipe that does not block", test_write_pipe },
		{ "JPEG: what is damaged", test_jpeg_damage },
		{ "JPEG: any bytes", test_jpeg_noise },
		{ "JPEG: Huffman tables where they are missing", test_jpeg_tables },
		{ "JPEG: Huffman tables are the right ones", test_jpeg_decode },
		{ "captures: a folder for them", begin_captures },
		{ "capture of a film", test_capture_film },
		{ "capture of damaged frames", test_capture_damaged },
		{ "names of files that are something else", test_capture_names },
		{ "named pipe", test_capture_pipe },
		{ "frames before a photo", test_capture_photo },
		{ "formats in several pieces", test_capture_pieces },
		{ "pictures in several pieces", test_capture_same_picture },
		{ "memory of the device's own", test_capture_own_memory },
		{ "memory of udmabuf", test_capture_udmabuf },
		{ "no memory", test_capture_no_memory },
		{ "errors: without heaps", test_capture_without_heaps },
		{ "newest frames", test_capture_newest },
		{ "times of frames", test_capture_times },
		{ "sources: set to what is received", test_source_follow },
		{ "sources: no signal", test_source_none },
		{ "sources: a change ends", test_source_ends },
		{ "sources: a change restarts", test_source_restarts },
		{ "sources: a change is ignored", test_source_ignored },
		{ "errors: all of them lead on", test_advice },
		{ "errors: refused after the open", test_advice_refused },
		{ "errors: another program captures", test_advice_busy },
		{ "errors: what EINVAL is", test_advice_invalid },
		{ "errors: at the start", test_advice_start },
		{ "errors: a kernel that needs signatures", test_advice_signature },
		{ "errors: in a container", test_advice_container },
		{ "list", test_list },
		{ "list without the module", test_list_without_module },
		{ "list of cameras of others", test_list_denied },
		{ "names of devices", test_names },
		{ "list of formats", test_list_formats },
		{ "nodes that do not capture", test_other_nodes },
		{ "pipeline: formats", test_pipeline_formats },
		{ "pipeline: links", test_pipeline_links },
		{ "pipeline: nodes for output", test_pipeline_output },
		{ "pipeline: large ones", test_pipeline_large },
		{ "pipeline: unknown ones", test_pipeline_unknown },
		{ "capture of JPEG", test_capture_jpeg },
		{ "capture of fields", test_capture_fields },
		{ "capture of frames without numbers", test_capture_unnumbered },
		{ "captures: the folder goes", end_captures },
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s ks-capture\n", argv[0]);
		return 2;
	}
	program = argv[1];
	/* Messages are not checked. They would disturb the TAP output */
	if (!freopen("/dev/null", "w", stderr))
		return 2;
	return tap_run(tests, ARRAY_SIZE(tests));
}
