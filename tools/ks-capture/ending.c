// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other programs use the suffix of a file name, so no file is written with a suffix that
 * means another kind.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "ending.h"
#include "parse.h"
#include "pixel.h"
#include "say.h"

/* Suffixes of raw frames, besides the names of pixel formats */
static const char * const raw_endings[] = { "raw", "yuv", "rgb", "bgr", "bin", "dat", "data" };

/* Compressed streams that a camera can make */
static const struct {
	const char *name;
	__u32 fourcc;
} streams[] = {
	{ "h264", V4L2_PIX_FMT_H264 }, { "264", V4L2_PIX_FMT_H264 },
	{ "h265", V4L2_PIX_FMT_HEVC }, { "265", V4L2_PIX_FMT_HEVC },
	{ "hevc", V4L2_PIX_FMT_HEVC },
};

/* Suffixes that are compared with a misspelled one */
static const char * const spelling[] = {
	"png", "jpg", "jpeg", "y4m", "mjpeg", "mjpg", "raw", "yuv",
};

static const char * const films[] = {
	"mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "ts", "mts", "m2ts", "wmv",
	"flv", "ogv", "ogg", "3gp", "mxf", "asf", "vob", "gif", "apng", "nut", "ivf",
};

static const char * const pictures[] = {
	"bmp", "tif", "tiff", "webp", "ppm", "pgm", "pnm", "pbm", "tga", "exr", "heic", "heif",
	"avif", "jp2", "jxl", "dng", "pcx", "ico", "svg", "pdf", "ps", "eps", "fits", "fit",
};

static bool is_one_of(const char *name, const char * const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcasecmp(name, list[i]))
			return true;
	return false;
}

static const char *base_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

const char *ending_of(const char *name)
{
	const char *dot = strrchr(base_of(name), '.');

	return dot && dot[1] && dot[1] != '%' ? dot + 1 : NULL;
}

/* A number: one of several files, or a version */
static bool is_number(const char *text)
{
	return !text[strspn(text, "0123456789")];
}

bool name_is_stdout(const char *name)
{
	return !strcmp(name, "-") || !strcmp(name, "/dev/stdout") ||
	       !strcmp(name, "/dev/fd/1") || !strcmp(name, "/proc/self/fd/1");
}

/* The reader of a pipe is a player or a converter, as for stdout */
static bool is_pipe(const char *name)
{
	struct stat st;

	return !stat(name, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* For example nv12 */
static __u32 fourcc_of(const char *name)
{
	char code[FOURCC_TEXT] = "";
	__u32 fourcc;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(streams); i++)
		if (!strcasecmp(name, streams[i].name))
			return streams[i].fourcc;
	if (strlen(name) >= sizeof(code))
		return 0;
	for (i = 0; name[i]; i++)
		code[i] = toupper((unsigned char)name[i]);
	fourcc = fourcc_parse(code);
	return fourcc && pixel_format_find(fourcc) ? fourcc : 0;
}

bool ending_find(const char *name, struct ending *ending)
{
	const char *text = ending_of(name);

	*ending = (struct ending) { .kind = OUTPUT_RAW };
	if (!text) {
		if (name_is_stdout(name) || is_pipe(name))
			ending->kind = OUTPUT_Y4M;
		return true;
	}
	ending->kind = output_kind_find(text);
	if (ending->kind != OUTPUT_NONE)
		return true;
	ending->kind = OUTPUT_RAW;
	if (is_one_of(text, raw_endings, ARRAY_SIZE(raw_endings)))
		return true;
	ending->fourcc = fourcc_of(text);
	return ending->fourcc || is_number(text);
}

/* Whether two words differ by one additional, missing, wrong or exchanged letter */
static bool is_nearly(const char *is, const char *should)
{
	while (*is && tolower((unsigned char)*is) == *should)
		is++, should++;
	if (!*is)
		return !*should || !should[1];
	if (!strcasecmp(is + 1, should) || (*should && !strcasecmp(is, should + 1)))
		return true;
	if (!*should)
		return false;
	if (!strcasecmp(is + 1, should + 1))
		return true;
	return is[1] && tolower((unsigned char)is[0]) == should[1] &&
	       tolower((unsigned char)is[1]) == should[0] && !strcasecmp(is + 2, should + 2);
}

static const char *misspelt(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spelling); i++)
		if (is_nearly(text, spelling[i]))
			return spelling[i];
	return NULL;
}

void ending_explain(const char *name)
{
	const char *text = ending_of(name), *nearest = misspelt(text);
	int stem = text - name;

	say_error("-o %s: ks-capture writes png, y4m, jpeg and raw, not %s", name, text);
	if (is_one_of(text, films, ARRAY_SIZE(films))) {
		say_advice("A video that most players read: -o %.*sy4m", stem, name);
		say_advice("Through ffmpeg: ks-capture ... -o - | ffmpeg -i - %s", name);
	} else if (is_one_of(text, pictures, ARRAY_SIZE(pictures))) {
		say_advice("A picture that other programs convert: -o %.*spng", stem, name);
	} else if (nearest) {
		say_advice("Is this what you mean? -o %.*s%s", stem, name, nearest);
	} else {
		say_advice("Known suffixes: .png, .jpg, .y4m, .mjpeg, .raw, .yuv");
	}
	say_advice("To use this name nevertheless, select a format, for example -F raw.");
}
