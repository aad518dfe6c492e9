// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command line options: parsed, completed with defaults, and checked for contradictions,
 * before any device is opened.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ending.h"
#include "options.h"
#include "pixel.h"
#include "say.h"

static const char help[] =
"Usage: ks-capture [OPTION]...\n"
"Capture from a V4L2 camera through ksalloc, without copying frames.\n"
"\n"
"Try it:\n"
"  ks-capture --list                         which cameras are there\n"
"  ks-capture -d /dev/video0 --list-formats  which formats this one has\n"
"  ks-capture -o picture.png                 take one picture\n"
"  ks-capture -s 1280x720 -n 50 -o 'shot-%03d.png'\n"
"                                            50 pictures: shot-000.png ...\n"
"  ks-capture -s 640x360 -n 300 -o clip.y4m  300 frames as a video\n"
"  ks-capture -o - | ffplay -                watch, until Ctrl-C\n"
"  ks-capture -f NV12 -n 10 -o frames.raw    frames as the device made them\n"
"  ks-capture -n 1000                        write nothing, show the rate\n"
"\n"
"The device:\n"
"  -d, --device NODE        /dev/video0 if not given; a bare number N is\n"
"                           /dev/videoN\n"
"  -s, --size WxH           the current size of the device if not given\n"
"  -f, --format FOURCC      pixel format, such as YUYV or NV12; if not given, the\n"
"                           current one, or the best that the output can use\n"
"  -r, --rate FPS           frames per second: 30, 29.97 or 30000/1001\n"
"      --exact              fail if the device changes size, format or rate\n"
"      --on-change WHAT     if the source of a capture card changes or disappears:\n"
"                           end (the default), restart or ignore\n"
"      --timeout SECONDS    fail if no frame arrives for this time (5)\n"
"\n"
"The frames:\n"
"  -n, --frames N           number of frames; if not given, one for a single\n"
"                           picture, otherwise until Ctrl-C\n"
"      --skip N             skip N frames first. The default is 0, but up to 10 for a\n"
"                           single PNG or JPEG picture, while the camera adjusts its\n"
"                           exposure\n"
"      --newest             always take the newest frame: those that waited while\n"
"                           another one was written are skipped\n"
"      --keep-damaged       also use damaged frames, unless they are too short\n"
"  -b, --buffers N          frames that the allocator has; if not given, two more\n"
"                           than the device needs, at least four\n"
"  -H, --heap HEAP          memory of the frames: a name in /dev/dma_heap, a path,\n"
"                           'udmabuf', or 'device' for the device's own; if not given,\n"
"                           the first of these that works\n"
"\n"
"The output:\n"
"  -o, --output FILE        '-' is stdout. With %d or %04d in the name, each frame\n"
"                           gets its own file. Without -o, frames are only\n"
"                           counted\n"
"  -F, --output-format FMT  png, y4m, jpeg or raw; if not given, by the suffix of\n"
"                           FILE (.png .y4m .jpg .mjpeg .raw .yuv, or a\n"
"                           pixel format: .nv12), y4m for a pipe, raw without one\n"
"      --save LIST          write these frames only: numbers from 0, and first,\n"
"                           middle, last, as in 'first,middle,last'\n"
"      --every K            write every K-th frame only\n"
"      --report FILE        write a summary as JSON\n"
"      --times FILE         write the time of each frame as a table (CSV)\n"
"  -q, --quiet              print only errors\n"
"\n"
"Others:\n"
"      --list               list cameras, and why some cannot be used\n"
"      --list-formats       list the formats of the device\n"
"  -h, --help               this text\n"
"  -V, --version            the version\n"
"\n"
"Exit status: 0 success; 1 failure during the capture; 2 wrong command line;\n"
"3 device, module or heap cannot be used; 4 the device does not offer what was\n"
"requested; 5 ended early, by a signal or because the output was closed.\n";

void options_help(void)
{
	fputs(help, stdout);
}

static int wrong(const char *option, const char *value, const char *right)
{
	say_error("%s %s: this is not %s", option, value, right);
	say_advice("See ks-capture --help.");
	return STATUS_USAGE;
}

enum long_option {
	OPT_EXACT = 256,
	OPT_TIMEOUT,
	OPT_SKIP,
	OPT_ON_CHANGE,
	OPT_NEWEST,
	OPT_TIMES,
	OPT_KEEP_DAMAGED,
	OPT_SAVE,
	OPT_EVERY,
	OPT_REPORT,
	OPT_LIST,
	OPT_LIST_FORMATS,
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "size", required_argument, NULL, 's' },
	{ "format", required_argument, NULL, 'f' },
	{ "rate", required_argument, NULL, 'r' },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "on-change", required_argument, NULL, OPT_ON_CHANGE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "frames", required_argument, NULL, 'n' },
	{ "skip", required_argument, NULL, OPT_SKIP },
	{ "keep-damaged", no_argument, NULL, OPT_KEEP_DAMAGED },
	{ "newest", no_argument, NULL, OPT_NEWEST },
	{ "buffers", required_argument, NULL, 'b' },
	{ "heap", required_argument, NULL, 'H' },
	{ "output", required_argument, NULL, 'o' },
	{ "output-format", required_argument, NULL, 'F' },
	{ "save", required_argument, NULL, OPT_SAVE },
	{ "every", required_argument, NULL, OPT_EVERY },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "times", required_argument, NULL, OPT_TIMES },
	{ "quiet", no_argument, NULL, 'q' },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "list-formats", no_argument, NULL, OPT_LIST_FORMATS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{}
};

static int set_device(struct options *options, const char *value)
{
	bool bare = *value && !value[strspn(value, "0123456789")];
	int len = snprintf(options->device, sizeof(options->device), "%s%s",
			   bare ? "/dev/video" : "", value);

	if (!*value || len >= (int)sizeof(options->device))
		return wrong("-d", value, "a device node");
	return STATUS_OK;
}

static int set_frames(struct options *options, const char *value)
{
	if (!parse_number(value, NULL, ULONG_MAX - 1, &options->frames) || !options->frames)
		return wrong("-n", value, "a number of frames");
	return STATUS_OK;
}

static int set_skip(struct options *options, const char *value)
{
	if (!parse_number(value, NULL, 1000000000, &options->skip))
		return wrong("--skip", value, "a number of frames");
	return STATUS_OK;
}

static int set_buffers(struct options *options, const char *value)
{
	unsigned long number;

	if (!parse_number(value, NULL, UINT_MAX, &number) || !number)
		return wrong("-b", value, "a number of buffers");
	options->buffers = number;
	return STATUS_OK;
}

static int set_timeout(struct options *options, const char *value)
{
	unsigned long number;

	if (!parse_number(value, NULL, INT_MAX / 1000, &number) || !number)
		return wrong("--timeout", value, "a number of seconds");
	options->timeout_ms = number * 1000;
	return STATUS_OK;
}

static int set_on_change(struct options *options, const char *value)
{
	static const char * const words[] = {
		[CHANGE_ENDS] = "end", [CHANGE_RESTARTS] = "restart", [CHANGE_IGNORE] = "ignore",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]))
			continue;
		options->on_change = i;
		return STATUS_OK;
	}
	return wrong("--on-change", value, "end, restart or ignore");
}

static int set_every(struct options *options, const char *value)
{
	if (!parse_number(value, NULL, 1000000, &options->save.every) || !options->save.every)
		return wrong("--every", value, "a number of frames");
	return STATUS_OK;
}

static int set_kind(struct options *options, const char *value)
{
	options->kind = output_kind_find(value);
	if (options->kind == OUTPUT_NONE)
		return wrong("-F", value, "png, y4m, jpeg or raw");
	return STATUS_OK;
}

static int set_option(struct options *options, int option, const char *value, const char **save)
{
	switch (option) {
	case 'd':
		return set_device(options, value);
	case 's':
		if (!parse_size(value, &options->width, &options->height))
			return wrong("-s", value, "a size such as 640x360");
		return STATUS_OK;
	case 'f':
		options->fourcc = fourcc_parse(value);
		if (!options->fourcc)
			return wrong("-f", value, "a pixel format such as YUYV or NV12");
		return STATUS_OK;
	case 'r':
		if (!parse_rate(value, &options->rate))
			return wrong("-r", value, "a rate such as 30, 29.97 or 30000/1001");
		return STATUS_OK;
	case 'n':
		return set_frames(options, value);
	case 'b':
		return set_buffers(options, value);
	case 'H':
		options->heap = value;
		return *value ? STATUS_OK : wrong("-H", value, "a heap");
	case 'o':
		options->output = name_is_stdout(value) ? "-" : value;
		return *value ? STATUS_OK : wrong("-o", value, "a file");
	case 'F':
		return set_kind(options, value);
	case 'q':
		options->quiet = true;
		return STATUS_OK;
	case OPT_EXACT:
		options->exact = true;
		return STATUS_OK;
	case OPT_TIMEOUT:
		return set_timeout(options, value);
	case OPT_SKIP:
		return set_skip(options, value);
	case OPT_KEEP_DAMAGED:
		options->keeps_damaged = true;
		return STATUS_OK;
	case OPT_NEWEST:
		options->newest = true;
		return STATUS_OK;
	case OPT_ON_CHANGE:
		return set_on_change(options, value);
	case OPT_SAVE:
		*save = value;
		return STATUS_OK;
	case OPT_EVERY:
		return set_every(options, value);
	case OPT_REPORT:
		options->report = value;
		return *value ? STATUS_OK : wrong("--report", value, "a file");
	case OPT_TIMES:
		options->times = value;
		return *value ? STATUS_OK : wrong("--times", value, "a file");
	case OPT_LIST:
		options->action = ACTION_LIST;
		return STATUS_OK;
	case OPT_LIST_FORMATS:
		options->action = ACTION_LIST_FORMATS;
		return STATUS_OK;
	case 'h':
		options->action = ACTION_HELP;
		return STATUS_OK;
	case 'V':
		options->action = ACTION_VERSION;
		return STATUS_OK;
	default:
		say_advice("See ks-capture --help.");
		return STATUS_USAGE;
	}
}

static int complete_save(struct options *options, const char *save)
{
	if (save && options->save.every) {
		say_error("--save and --every exclude each other");
		say_advice("Omit one of them.");
		return STATUS_USAGE;
	}
	if (save) {
		if (parse_save(save, options->frames, &options->save))
			return STATUS_OK;
		say_error("--save %s: this is not a list of frames such as first,10,last", save);
		if (options->frames)
			say_advice("With -n %lu the numbers go from 0 to %lu.", options->frames,
				   options->frames - 1);
		else
			say_advice("Use -n: otherwise it is not known which frame is the last.");
		return STATUS_USAGE;
	}
	if (!options->save.every)
		options->save.every = 1;
	return STATUS_OK;
}

/* Whether at most one frame is written */
static bool writes_one(const struct options *options)
{
	const struct save *save = &options->save;

	return options->frames == 1 || save->count == 1 ||
	       (save->every && options->frames && save->every >= options->frames);
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && !strcasecmp(name + len - end_len, end);
}

/* Whether a file of this name contains exactly one picture */
static bool is_picture(const struct options *options)
{
	if (options->kind == OUTPUT_JPEG)
		return ends_with(options->output, ".jpg") || ends_with(options->output, ".jpeg");
	return options->kind == OUTPUT_PNG;
}

/* A directory is not an output file, whatever its suffix is */
static int refuse_directory(const char *output)
{
	size_t len = strlen(output);
	struct stat st;

	if (output[len - 1] != '/' && (stat(output, &st) || !S_ISDIR(st.st_mode)))
		return STATUS_OK;
	say_error("-o %s: this is a directory", output);
	say_advice("Name a file in it, as in: -o %s%spicture.png", output,
		   output[len - 1] == '/' ? "" : "/");
	return STATUS_USAGE;
}

/* The kind from the suffix, if there is no -F */
static int complete_kind(struct options *options)
{
	char name[FOURCC_TEXT], wish[FOURCC_TEXT];
	struct ending ending;

	if (options->kind != OUTPUT_NONE)
		return STATUS_OK;
	if (!ending_find(options->output, &ending)) {
		ending_explain(options->output);
		return STATUS_USAGE;
	}
	options->kind = ending.kind;
	if (!ending.fourcc)
		return STATUS_OK;
	if (!options->fourcc)
		options->fourcc = ending.fourcc;
	if (options->fourcc == ending.fourcc)
		return STATUS_OK;
	say_error("-o %s means frames in %s, and -f frames in %s", options->output,
		  fourcc_text(ending.fourcc, name), fourcc_text(options->fourcc, wish));
	say_advice("Leave -f out, or let the name end in .raw.");
	return STATUS_USAGE;
}

static int complete_output(struct options *options, bool save_given)
{
	const char *output = options->output;
	int numbers, ret;

	if (!output) {
		if (options->kind == OUTPUT_NONE && !save_given)
			return STATUS_OK;
		say_error("-F, --save and --every need an output");
		say_advice("Set the output with -o.");
		return STATUS_USAGE;
	}
	ret = refuse_directory(output);
	if (!ret)
		ret = complete_kind(options);
	if (ret)
		return ret;

	numbers = pattern_check(output);
	if (numbers < 0) {
		say_error("-o %s: a name has at most one %%d or %%04d in it", output);
		say_advice("A percent sign itself is written %%%%.");
		return STATUS_USAGE;
	}
	if (numbers && options->kind == OUTPUT_Y4M) {
		say_error("-o %s: y4m is one video, not a file for each frame", output);
		say_advice("Leave the %%d out, or use -F png or -F raw.");
		return STATUS_USAGE;
	}
	/* The name of a single picture means -n 1 */
	if (!numbers && is_picture(options)) {
		if (!options->frames && !save_given)
			options->frames = 1;
		if (!writes_one(options)) {
			say_error("-o %s: several pictures do not fit into one file", output);
			say_advice("Put a %%04d into the name, or take one picture with -n 1.");
			return STATUS_USAGE;
		}
	}
	if (!strcmp(output, "-") && isatty(STDOUT_FILENO)) {
		say_error("-o -: stdout is a terminal, which cannot show frames");
		say_advice("Pipe them on, as in: ks-capture -o - | ffplay -");
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* If two outputs had the same file, their data would be mixed */
static int check_names(const struct options *options)
{
	const char * const names[] = { options->output, options->report, options->times };
	static const char * const what[] = { "-o", "--report", "--times" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < i; j++) {
			if (!names[i] || !names[j] || strcmp(names[i], names[j]))
				continue;
			say_error("%s and %s are the same file, %s", what[j], what[i], names[i]);
			say_advice("Give one of them another name.");
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

/* Skips the first frames of a camera, which can be dark or have wrong colours */
static void complete_skip(struct options *options, bool save_given)
{
	bool photo = options->frames == 1 && !save_given &&
		     (options->kind == OUTPUT_PNG || options->kind == OUTPUT_JPEG);

	if (options->skip == SKIP_FOR_PHOTO && !photo)
		options->skip = 0;
}

static int complete(struct options *options, const char *save)
{
	bool save_given = save || options->save.every;
	int ret;

	if (options->action != ACTION_CAPTURE)
		return STATUS_OK;
	ret = complete_save(options, save);
	if (ret)
		return ret;
	ret = complete_output(options, save_given);
	if (!ret)
		ret = check_names(options);
	complete_skip(options, save_given);
	return ret;
}

int options_parse(struct options *options, int argc, char **argv)
{
	const char *save = NULL;
	int option, ret;

	*options = (struct options) {
		.device = "/dev/video0",
		.skip = SKIP_FOR_PHOTO,
		.timeout_ms = 5000,
	};
	optind = 0;
	while ((option = getopt_long(argc, argv, "d:s:f:r:n:b:H:o:F:qhV", long_options,
				     NULL)) != -1) {
		ret = set_option(options, option, optarg, &save);
		if (ret)
			return ret;
	}
	if (optind < argc) {
		say_error("%s: unexpected argument; it belongs to no option", argv[optind]);
		say_advice("A device is given with -d, a file with -o; see ks-capture --help.");
		return STATUS_USAGE;
	}
	return complete(options, save);
}
