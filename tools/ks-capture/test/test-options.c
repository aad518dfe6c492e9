// SPDX-License-Identifier: GPL-2.0-only
/* Command line options. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../ending.h"
#include "../options.h"
#include "../say.h"
#include "tests.h"

void test_size(void)
{
	static const char * const wrong[] = {
		"", "640", "640x", "x360", "640x0", "0x360", "-640x360", " 640x360", "640 x360",
		"640x360x", "640*360", "640x+360", "99999x1", "640x99999999999999999999",
	};
	unsigned int w = 1, h = 2;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(!parse_size(wrong[i], &w, &h));
	CHECK(w == 1 && h == 2);
	CHECK(parse_size("640x360", &w, &h));
	CHECK(w == 640 && h == 360);
	CHECK(parse_size("1X65536", &w, &h));
	CHECK(w == 1 && h == 65536);
}

void test_rate(void)
{
	static const char * const wrong[] = {
		"", "0", "0.0", "-1", "30/0", "0/1", "30/", "/1", "30fps", "30.1234", "1e3", ".5",
		"30/1/1", "99999999",
	};
	static const struct {
		const char *text;
		struct rate rate;
	} right[] = {
		{ "30", { 30, 1 } }, { "30/1", { 30, 1 } }, { "60/2", { 30, 1 } },
		{ "29.97", { 30000, 1001 } }, { "59.94", { 60000, 1001 } },
		{ "23.976", { 24000, 1001 } }, { "30000/1001", { 30000, 1001 } },
		{ "12.5", { 25, 2 } }, { "7.500", { 15, 2 } }, { "0.1", { 1, 10 } },
		{ "15.", { 15, 1 } },
	};
	struct rate rate = { 7, 7 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(!parse_rate(wrong[i], &rate));
	CHECK(rate.num == 7 && rate.den == 7);
	rate = rate_of(742500, 12375);
	CHECK(rate.num == 60 && rate.den == 1);
	rate = rate_of(0, 5);
	CHECK(!rate.num && !rate.den);
	rate = rate_of(5, 0);
	CHECK(!rate.num && !rate.den);
	for (i = 0; i < ARRAY_SIZE(right); i++) {
		CHECK(parse_rate(right[i].text, &rate));
		CHECK_EQ(rate.num, right[i].rate.num);
		CHECK_EQ(rate.den, right[i].rate.den);
	}
}

void test_save(void)
{
	static const char * const wrong[] = {
		"", ",", "first,", ",first", "first,,last", "sometimes", "-1", "120", "1 ",
		"1-3", "99999999999999999999999", "first middle",
	};
	struct save save;
	char many[1000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(!parse_save(wrong[i], 120, &save));
	CHECK(parse_save("first,middle,last", 120, &save));
	CHECK_EQ(save.count, 3);
	CHECK_EQ(save.numbers[0], 0);
	CHECK_EQ(save.numbers[1], 60);
	CHECK_EQ(save.numbers[2], 119);
	CHECK(save_wants(&save, 0) && save_wants(&save, 60) && save_wants(&save, 119));
	CHECK(!save_wants(&save, 1) && !save_wants(&save, 59) && !save_wants(&save, 120));

	/* The same frame is first, middle and last */
	CHECK(parse_save("first,middle,last", 1, &save));
	CHECK(save_wants(&save, 0) && !save_wants(&save, 1));
	CHECK(parse_save("7,3", 8, &save));
	CHECK(save_wants(&save, 7) && save_wants(&save, 3) && !save_wants(&save, 0));

	/* The number of frames is unknown */
	CHECK(parse_save("first,1000", 0, &save));
	CHECK(!parse_save("last", 0, &save));
	CHECK(!parse_save("middle", 0, &save));

	snprintf(many, sizeof(many), "1");
	for (i = 1; i < SAVE_MAX; i++)
		strcat(many, ",1");
	CHECK(parse_save(many, 0, &save));
	strcat(many, ",1");
	CHECK(!parse_save(many, 0, &save));

	save = (struct save) { .every = 3 };
	CHECK(save_wants(&save, 0) && save_wants(&save, 3) && !save_wants(&save, 4));
}

void test_pattern(void)
{
	static const struct {
		const char *pattern;
		int numbers;
		const char *name;
	} cases[] = {
		{ "plain.png", 0, "plain.png" },
		{ "f-%04d.png", 1, "f-0042.png" },
		{ "%d", 1, "42" },
		{ "%01d%%", 1, "42%" },
		{ "100%%", 0, "100%" },
		{ "%09d", 1, "000000042" },
		{ "%d-%d", -1, NULL },
		{ "%s", -1, NULL },
		{ "%n", -1, NULL },
		{ "%", -1, NULL },
		{ "x%", -1, NULL },
		{ "%4d", -1, NULL },
		{ "%0d", -1, NULL },
		{ "%04", -1, NULL },
		{ "%012d", -1, NULL },
		{ "%ld", -1, NULL },
		{ "%*d", -1, NULL },
	};
	static char longest[9000];
	char name[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ(pattern_check(cases[i].pattern), cases[i].numbers);
		if (!cases[i].name)
			continue;
		CHECK(pattern_expand(cases[i].pattern, 42, name, sizeof(name)));
		CHECK_STR(name, cases[i].name);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_EQ(pattern_check(longest), -1);
	CHECK(!pattern_expand("123456789", 0, name, 9));
	CHECK(pattern_expand("123456789", 0, name, 10));
	CHECK(!pattern_expand("12345%04d", 0, name, 9));
	CHECK(pattern_expand("12345%04d", 0, name, 10));
	CHECK_STR(name, "123450000");
	CHECK(!pattern_expand("1234%%", 0, name, 5));
}

/* The kind of output for a name; OUTPUT_NONE if it is refused */
static enum output_kind kind_for(const char *name)
{
	struct ending ending;

	return ending_find(name, &ending) ? ending.kind : OUTPUT_NONE;
}

void test_output_kind(void)
{
	static const char * const refused[] = {
		"clip.mp4", "clip.MP4", "clip.avi", "clip.mkv", "a.mov", "a.webm", "a.bmp",
		"a.tiff", "a.gif", "a.pgn", "a.jpgg", "a.y4", "a.y4n", "a.txt", "a.png.gz",
		"./folder.png/clip.avi", ".mp4", "a-%04d.mp4", "a.mp4%d", "a.png ",
	};
	static const char * const raw[] = {
		"a.raw", "a.RAW", "a.png.yuv", "png", "a", "folder.mp4/a", "../a", "a.%04d",
		"a.001", "a.", "mp4", "./a.bin",
	};
	size_t i;

	CHECK_EQ(kind_for("-"), OUTPUT_Y4M);
	CHECK_EQ(kind_for("/dev/stdout"), OUTPUT_Y4M);
	CHECK_EQ(kind_for("a.png"), OUTPUT_PNG);
	CHECK_EQ(kind_for("a.PNG"), OUTPUT_PNG);
	CHECK_EQ(kind_for("folder.mp4/a.Png"), OUTPUT_PNG);
	CHECK_EQ(kind_for("a.y4m"), OUTPUT_Y4M);
	CHECK_EQ(kind_for("a.jpg"), OUTPUT_JPEG);
	CHECK_EQ(kind_for("a.mjpeg"), OUTPUT_JPEG);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		CHECK_EQ(kind_for(refused[i]), OUTPUT_NONE);
	for (i = 0; i < ARRAY_SIZE(raw); i++)
		CHECK_EQ(kind_for(raw[i]), OUTPUT_RAW);
	CHECK_STR(output_kind_name(OUTPUT_JPEG), "jpeg");
}

/* A name can also select a pixel format */
void test_output_format(void)
{
	static const struct {
		const char *name;
		__u32 fourcc;
	} cases[] = {
		{ "a.nv12", V4L2_PIX_FMT_NV12 }, { "a.NV12", V4L2_PIX_FMT_NV12 },
		{ "a.yuyv", V4L2_PIX_FMT_YUYV }, { "a.gray", V4L2_PIX_FMT_GREY },
		{ "a.h264", V4L2_PIX_FMT_H264 }, { "a.265", V4L2_PIX_FMT_HEVC },
		{ "a.hevc", V4L2_PIX_FMT_HEVC },
		{ "a.raw", 0 }, { "a", 0 },
	};
	struct ending ending;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(ending_find(cases[i].name, &ending));
		CHECK_EQ(ending.kind, OUTPUT_RAW);
		CHECK_EQ(ending.fourcc, cases[i].fourcc);
	}
}

#define ARGUMENTS_MAX 40

/* Parses arguments that are separated by spaces */
static int parse(struct options *options, const char *line)
{
	char *argv[ARGUMENTS_MAX + 2] = { "ks-capture" };
	/* The options point into it */
	static char words[512];
	int argc = 1;
	char *word;

	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok(words, " "); word && argc <= ARGUMENTS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(options, argc, argv);
}

void test_command_line(void)
{
	struct options o;

	CHECK_EQ(parse(&o, ""), STATUS_OK);
	CHECK_STR(o.device, "/dev/video0");
	CHECK(!o.heap);
	CHECK_EQ(o.kind, OUTPUT_NONE);
	CHECK_EQ(o.frames, 0);
	CHECK_EQ(o.timeout_ms, 5000);
	CHECK_EQ(o.action, ACTION_CAPTURE);

	CHECK_EQ(parse(&o, "-d /dev/video3 -s 640x360 -f NV12 -r 30 -b 6 -H reserved"), STATUS_OK);
	CHECK_STR(o.device, "/dev/video3");
	CHECK(o.width == 640 && o.height == 360);
	CHECK_EQ(o.fourcc, V4L2_PIX_FMT_NV12);
	CHECK(o.rate.num == 30 && o.rate.den == 1);
	CHECK_EQ(o.buffers, 6);
	CHECK_STR(o.heap, "reserved");
	CHECK_EQ(parse(&o, "-n 120 -o f-%04d.png --report r.json --save first,middle,last"),
		 STATUS_OK);
	CHECK_EQ(o.frames, 120);
	CHECK_STR(o.output, "f-%04d.png");
	CHECK_EQ(o.kind, OUTPUT_PNG);
	CHECK_STR(o.report, "r.json");
	CHECK_EQ(o.save.count, 3);
	CHECK_EQ(parse(&o, "--exact -q --timeout 2"), STATUS_OK);
	CHECK(o.exact && o.quiet);
	CHECK_EQ(o.timeout_ms, 2000);

	CHECK_EQ(parse(&o, "-d 7"), STATUS_OK);
	CHECK_STR(o.device, "/dev/video7");
	/* A single picture skips the first frames */
	CHECK_EQ(parse(&o, "-o a.png"), STATUS_OK);
	CHECK_EQ(o.skip, SKIP_FOR_PHOTO);
	CHECK_EQ(parse(&o, "-o a.jpg -n 1"), STATUS_OK);
	CHECK_EQ(o.skip, SKIP_FOR_PHOTO);
	CHECK_EQ(parse(&o, "-o a.png --skip 0"), STATUS_OK);
	CHECK_EQ(o.skip, 0);
	CHECK_EQ(parse(&o, "-o a.png -n 9 --save 8"), STATUS_OK);
	CHECK_EQ(o.skip, 0);
	CHECK_EQ(parse(&o, "-o a-%d.png -n 2"), STATUS_OK);
	CHECK_EQ(o.skip, 0);
	CHECK_EQ(parse(&o, "-o a.raw -n 1"), STATUS_OK);
	CHECK_EQ(o.skip, 0);
	CHECK_EQ(parse(&o, "-o a.raw -n 1 --skip 7"), STATUS_OK);
	CHECK_EQ(o.skip, 7);
	/* A single name means one picture; video and numbered pictures continue */
	CHECK_EQ(parse(&o, "-o a.png"), STATUS_OK);
	CHECK_EQ(o.frames, 1);
	CHECK_EQ(parse(&o, "-o a.jpg"), STATUS_OK);
	CHECK_EQ(o.frames, 1);
	CHECK_EQ(parse(&o, "-o a-%d.png"), STATUS_OK);
	CHECK_EQ(o.frames, 0);
	CHECK_EQ(parse(&o, "-o a.y4m"), STATUS_OK);
	CHECK_EQ(o.frames, 0);
	CHECK_EQ(parse(&o, "-o a.mjpeg -n 9"), STATUS_OK);
	CHECK_EQ(parse(&o, "-o a.png -n 9 --save 8"), STATUS_OK);
	CHECK_EQ(parse(&o, "-o a.png -n 9 --every 9"), STATUS_OK);
	CHECK_EQ(parse(&o, "-o a -F png -n 1"), STATUS_OK);
	CHECK_EQ(o.kind, OUTPUT_PNG);
	CHECK_EQ(parse(&o, "-o a.png -F raw -n 9"), STATUS_OK);
	CHECK_EQ(o.kind, OUTPUT_RAW);
	CHECK_EQ(parse(&o, "-o a.mp4 -F y4m -n 9"), STATUS_OK);
	CHECK_EQ(o.kind, OUTPUT_Y4M);
	CHECK_EQ(parse(&o, "-o a.nv12"), STATUS_OK);
	CHECK_EQ(o.fourcc, V4L2_PIX_FMT_NV12);
	CHECK_EQ(parse(&o, "-o a.nv12 -f NV12"), STATUS_OK);
	/* The order of arguments does not matter */
	CHECK_EQ(parse(&o, "--save last -o a.png -n 5"), STATUS_OK);
	CHECK_EQ(o.save.numbers[0], 4);

	CHECK_EQ(parse(&o, "--list"), STATUS_OK);
	CHECK_EQ(o.action, ACTION_LIST);
	CHECK_EQ(parse(&o, "-d 1 --list-formats"), STATUS_OK);
	CHECK_EQ(o.action, ACTION_LIST_FORMATS);
	CHECK_EQ(parse(&o, "-h"), STATUS_OK);
	CHECK_EQ(o.action, ACTION_HELP);
}

void test_bad_command_line(void)
{
	static const char * const wrong[] = {
		"-s 640", "-f TOOLONG", "-r 0", "-n 0", "-n -1", "-n 1x", "-b 0", "-b x",
		"--timeout 0", "--skip -1", "--skip x", "--timeout 0.5", "--every 0 -o a.y4m",
		"-F gif -o a", "picture.png",
		"-o a-%d-%d.png", "-o a-%s.png", "-o a-%d.y4m", "-o a.png -n 2",
		"-o a.png --save first,last -n 9", "-o a-%d.png --save last",
		"-o a-%d.png --save 9 -n 9", "-o a-%d.png --save first --every 2",
		"-o a.mp4", "-o a.nv12 -f YUYV", "-o /tmp", "-o /tmp/", "-o no-such-folder/",
		"-o /tmp/. -F raw", "-o - --times -",
		"--report a --times a", "--times", "-F png", "--save first",
		"--every 2", "--wrong", "-o", "-x", "-o a.png --every 2",
	};
	struct options o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (parse(&o, wrong[i]) == STATUS_USAGE)
			continue;
		printf("# accepted: %s\n", wrong[i]);
		tap_failures++;
	}
}

static int status_of(const char *arguments, const char *redirection)
{
	char command[1024];
	int status;

	snprintf(command, sizeof(command), "%s %s %s", program, arguments, redirection);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The program itself: its exit status, and the output stream that it uses */
void test_program(void)
{
	CHECK_EQ(status_of("--help", "2>&1 >/dev/null | grep -q . ; test $? = 1"), 0);
	CHECK_EQ(status_of("--help", "| grep -q 'ffplay -'"), 0);
	CHECK_EQ(status_of("--help", ">/dev/null"), STATUS_OK);
	CHECK_EQ(status_of("--help", ">/dev/full 2>/dev/null"), STATUS_FAILED);
	CHECK_EQ(status_of("--help", ">&- 2>/dev/null"), STATUS_FAILED);
	CHECK_EQ(status_of("--version", "| grep -q '^ks-capture [0-9]'"), 0);
	CHECK_EQ(status_of("--wrong", "2>/dev/null"), STATUS_USAGE);
	CHECK_EQ(status_of("--wrong", "2>/dev/null | grep -q . ; test $? = 1"), 0);
	CHECK_EQ(status_of("-d /dev/no-such-camera", "2>/dev/null"), STATUS_DEVICE);
	CHECK_EQ(status_of("-d /dev/no-such-camera", "2>&1 | grep -q -e --list"), 0);
	CHECK_EQ(status_of("-d /dev/null", "2>/dev/null"), STATUS_DEVICE);
	CHECK_EQ(status_of("-d /dev/null", "2>&1 | grep -q 'not a V4L2 device'"), 0);
}
