// SPDX-License-Identifier: GPL-2.0-only
/* The content of output files, and that no file has an incomplete frame. */
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../output.h"
#include "../say.h"
#include "../y4m.h"
#include "tests.h"

static __u8 data[PICTURE_MAX];
static const struct colours limited = { MATRIX_601, false };
static const struct colours full = { MATRIX_709, true };

static struct device device_of(__u32 fourcc, unsigned int width, unsigned int height,
			       unsigned int padding)
{
	return (struct device) {
		.fourcc = fourcc,
		.field = V4L2_FIELD_NONE,
		.picture = noise_picture(data, fourcc, width, height, padding, limited),
		.rate = { 30, 1 },
		.aspect = { 1, 1 },
	};
}

static struct options options_for(enum output_kind kind, const char *name)
{
	return (struct options) {
		.kind = kind,
		.output = name,
		.save = { .every = 1 },
	};
}

static char folder[64];

/* A name in a directory that is created once and removed at the end */
static const char *file_name(const char *name)
{
	static char path[256];
	static bool made;

	if (!made) {
		snprintf(folder, sizeof(folder), "/tmp/ks-capture-test-XXXXXX");
		if (!mkdtemp(folder))
			abort();
		made = true;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static size_t read_file(const char *path, __u8 *bytes, size_t max)
{
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		return 0;
	size = fread(bytes, 1, max, file);
	fclose(file);
	return size;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* The fields of the header, as the format defines them */
void test_y4m_header(void)
{
	struct v4l2_fract square = { 1, 1 }, pal = { 54, 59 };
	struct rate ntsc = { 30000, 1001 }, unknown = {};
	struct picture pic;
	char header[Y4M_HEADER_MAX];

	pic = noise_picture(data, V4L2_PIX_FMT_YUYV, 640, 36, 0, limited);
	y4m_header(header, &pic, V4L2_FIELD_NONE, (struct rate) { 25, 1 }, square);
	CHECK_STR(header, "YUV4MPEG2 W640 H36 F25:1 Ip A1:1 C422 XCOLORRANGE=LIMITED");
	pic = noise_picture(data, V4L2_PIX_FMT_NV12, 720, 48, 0, full);
	y4m_header(header, &pic, V4L2_FIELD_INTERLACED_TB, ntsc, pal);
	CHECK_STR(header, "YUV4MPEG2 W720 H48 F30000:1001 It A59:54 C420jpeg XCOLORRANGE=FULL");
	pic = noise_picture(data, V4L2_PIX_FMT_GREY, 9, 7, 0, full);
	y4m_header(header, &pic, V4L2_FIELD_ALTERNATE, unknown, square);
	CHECK_STR(header, "YUV4MPEG2 W9 H7 F0:0 Ip A1:1 Cmono XCOLORRANGE=FULL");
	y4m_header(header, &pic, V4L2_FIELD_SEQ_TB, ntsc, square);
	CHECK(strstr(header, " It "));
	y4m_header(header, &pic, V4L2_FIELD_SEQ_BT, ntsc, square);
	CHECK(strstr(header, " Ib "));
	pic = noise_picture(data, V4L2_PIX_FMT_NV24, 9, 7, 0, limited);
	y4m_header(header, &pic, V4L2_FIELD_INTERLACED_BT, ntsc, square);
	CHECK_STR(header, "YUV4MPEG2 W9 H7 F30000:1001 Ib A1:1 C444 XCOLORRANGE=LIMITED");
	pic.height = 480;
	y4m_header(header, &pic, V4L2_FIELD_INTERLACED, ntsc, square);
	CHECK(strstr(header, " Ib "));
	pic.height = 576;
	y4m_header(header, &pic, V4L2_FIELD_INTERLACED, ntsc, square);
	CHECK(strstr(header, " It "));
}

/* Sample x, y of a component, with simple code */
static __u8 sample_of(const struct picture *pic, int component, unsigned int x, unsigned int y)
{
	return picture_samples(pic, one_piece(pic, data), component, y).first[x *
		picture_samples(pic, one_piece(pic, data), component, y).step];
}

/* The planes of every YUV format have its samples, in the right order */
void test_y4m_planes(void)
{
	const struct pixel_format *format;
	unsigned int i, x, y, width, wrong;
	static __u8 plane[PICTURE_MAX];
	struct picture pic;
	int component;

	for (i = 0; (format = pixel_format_at(i)); i++) {
		if (format->kind != PIXEL_YUV)
			continue;
		pic = noise_picture(data, format->fourcc, 37, 21, 8, limited);
		for (component = 0; component < 3; component++) {
			width = picture_component_width(&pic, component);
			y4m_plane(&pic, one_piece(&pic, data), component, plane);
			wrong = 0;
			for (y = 0; y < picture_component_height(&pic, component); y++)
				for (x = 0; x < width; x++)
					wrong += plane[y * width + x] !=
						 sample_of(&pic, component, x, y);
			CHECK_EQ(wrong, 0);
		}
	}
	pic = noise_picture(data, V4L2_PIX_FMT_YUYV, 37, 21, 0, limited);
	CHECK_EQ(y4m_bytes(&pic), 37 * 21 + 2 * 19 * 21);
	pic = noise_picture(data, V4L2_PIX_FMT_NV12, 37, 21, 0, limited);
	CHECK_EQ(y4m_bytes(&pic), 37 * 21 + 2 * 19 * 11);
	pic = noise_picture(data, V4L2_PIX_FMT_GREY, 37, 21, 0, limited);
	CHECK_EQ(y4m_bytes(&pic), 37 * 21);
}

/* Raw frames have the bytes of the device, one after the other */
void test_raw_file(void)
{
	struct device device = device_of(V4L2_PIX_FMT_YUYV, 64, 4, 0);
	const char *path = file_name("frames.raw");
	struct options options = options_for(OUTPUT_RAW, path);
	static __u8 is[4096];
	struct output output;

	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK(!exists(path));
	CHECK_EQ(output_piece(&output, 0, data, 500), 0);
	CHECK_EQ(output_piece(&output, 1, data + 700, 512), 0);
	CHECK_EQ(output_close(&output), 0);
	CHECK_EQ(read_file(path, is, sizeof(is)), 1012);
	CHECK(!memcmp(is, data, 500));
	CHECK(!memcmp(is + 500, data + 700, 512));
}

static void check_y4m(__u32 fourcc, unsigned int padding, const char *tag)
{
	struct device device = device_of(fourcc, 37, 21, padding);
	const struct picture *pic = &device.picture;
	const char *path = file_name("film.y4m");
	struct options options = options_for(OUTPUT_Y4M, path);
	static __u8 should[PICTURE_MAX], is[PICTURE_MAX];
	int i, frame, components = pic->format->kind == PIXEL_GREY ? 1 : 3;
	struct output output;
	size_t size;

	options.save.every = 3;
	CHECK_EQ(output_init(&output, &options, &device), 0);
	size = sprintf((char *)should, "YUV4MPEG2 W37 H21 F30:3 Ip A1:1 C%s XCOLORRANGE=LIMITED\n",
		       tag);
	for (frame = 0; frame < 2; frame++) {
		CHECK_EQ(output_piece(&output, 3 * frame, data, picture_bytes(pic)), 0);
		size += sprintf((char *)should + size, "FRAME\n");
		for (i = 0; i < components; i++) {
			y4m_plane(pic, one_piece(pic, data), i, should + size);
			size += (size_t)picture_component_width(pic, i) *
				picture_component_height(pic, i);
		}
		data[17]++;
	}
	CHECK_EQ(output_close(&output), 0);
	CHECK_EQ(read_file(path, is, sizeof(is)), size);
	CHECK(!memcmp(is, should, size));
}

/*
 * A picture whose planes are separate and not consecutive is written as the same in one piece; raw
 * frames plane by plane. Strides of the planes need not be proportional.
 */
void test_separate_planes(void)
{
	static const struct {
		__u32 pieces, one;
		unsigned int planes;
	} formats[] = {
		{ V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_NV12, 2 },
		{ V4L2_PIX_FMT_NV61M, V4L2_PIX_FMT_NV61, 2 },
		{ V4L2_PIX_FMT_YUV420M, V4L2_PIX_FMT_YUV420, 3 },
		{ V4L2_PIX_FMT_YVU420M, V4L2_PIX_FMT_YVU420, 3 },
		{ V4L2_PIX_FMT_YUV422M, V4L2_PIX_FMT_YUV422P, 3 },
	};
	static const enum output_kind kinds[] = { OUTPUT_Y4M, OUTPUT_PNG };
	static __u8 copies[3][PICTURE_MAX], first[PICTURE_MAX], second[PICTURE_MAX];
	struct ks_stream_plane planes[3] = { 0 };
	unsigned int i, j, k, y, kind;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct device device = device_of(formats[i].one, 32, 20, 16);
		struct picture *pic = &device.picture;
		const struct image *image = one_piece(pic, data);

		CHECK_EQ(pixel_memory_planes(formats[i].pieces), formats[i].planes);
		CHECK_EQ(pixel_memory_planes(formats[i].one), 1);
		CHECK(pixel_format_find(formats[i].pieces) == pic->format);
		for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
			struct options options = options_for(kinds[kind], file_name("one"));
			struct output output;
			size_t one, pieces;

			pic->strides[0] = 0;
			pic->strides[1] = 0;
			CHECK_EQ(output_init(&output, &options, &device), 0);
			CHECK_EQ(output_piece(&output, 0, data, picture_bytes(pic)), 0);
			CHECK_EQ(output_close(&output), 0);
			one = read_file(file_name("one"), first, sizeof(first));

			/* The same samples with other strides */
			for (j = 0; j < formats[i].planes; j++) {
				unsigned int stride = pic->stride + 8 * j;
				size_t is = j ? (size_t)pic->stride * pic->format->chroma_step >>
						pic->format->hshift : pic->stride;

				if (j)
					pic->strides[j - 1] = stride;
				for (y = 0; y < 20; y++)
					for (k = 0; k < is && y * is + k < PICTURE_MAX / 4; k++)
						copies[j][y * stride + k] =
							image->plane[j][y * is + k];
				planes[j].data = copies[j];
				planes[j].used = picture_plane_bytes(pic, j);
			}
			options.output = file_name("pieces");
			CHECK_EQ(output_init(&output, &options, &device), 0);
			CHECK_EQ(output_frame(&output, 0, planes, formats[i].planes), 0);
			CHECK_EQ(output_close(&output), 0);
			pieces = read_file(file_name("pieces"), second, sizeof(second));
			CHECK_EQ(one, pieces);
			CHECK(one > 500);
			CHECK(!memcmp(first, second, one));
		}
	}

	for (j = 0; j < 3; j++)
		planes[j].used = 100 + j;
	{
		struct device device = device_of(V4L2_PIX_FMT_YUV420, 32, 20, 16);
		struct options options = options_for(OUTPUT_RAW, file_name("raw"));
		struct output output;

		CHECK_EQ(output_init(&output, &options, &device), 0);
		CHECK_EQ(output_frame(&output, 0, planes, 3), 0);
		CHECK_EQ(output_close(&output), 0);
		CHECK_EQ(read_file(file_name("raw"), first, sizeof(first)), 303);
		CHECK(!memcmp(first, copies[0], 100));
		CHECK(!memcmp(first + 100, copies[1], 101));
		CHECK(!memcmp(first + 201, copies[2], 102));
	}
}

/* Video from converted planes, and from planes that are written directly */
void test_y4m_file(void)
{
	check_y4m(V4L2_PIX_FMT_YUYV, 0, "422");
	check_y4m(V4L2_PIX_FMT_YUYV, 16, "422");
	check_y4m(V4L2_PIX_FMT_NV12, 0, "420jpeg");
	check_y4m(V4L2_PIX_FMT_YUV420, 0, "420jpeg");
	check_y4m(V4L2_PIX_FMT_YVU420, 10, "420jpeg");
	check_y4m(V4L2_PIX_FMT_YUV422P, 0, "422");
	check_y4m(V4L2_PIX_FMT_NV24, 0, "444");
	check_y4m(V4L2_PIX_FMT_GREY, 0, "mono");
	check_y4m(V4L2_PIX_FMT_GREY, 3, "mono");
}

static void check_png(__u32 fourcc)
{
	struct device device = device_of(fourcc, 37, 21, 8);
	const struct picture *pic = &device.picture;
	bool grey = pic->format->kind == PIXEL_GREY;
	struct converter converter = converter_for(pic);
	const char *path = file_name("picture.png");
	struct options options = options_for(OUTPUT_PNG, path);
	png_image image = { .version = PNG_IMAGE_VERSION };
	static __u8 is[37 * 21 * 3], row[37 * 3];
	unsigned int y, bytes = grey ? 37 : 37 * 3;
	struct output output;

	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 0, data, picture_bytes(pic)), 0);
	CHECK_EQ(output_close(&output), 0);

	CHECK(png_image_begin_read_from_file(&image, path));
	CHECK_EQ(image.width, 37);
	CHECK_EQ(image.height, 21);
	CHECK_EQ(image.format, grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB);
	image.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
	CHECK(png_image_finish_read(&image, NULL, is, bytes, NULL));
	for (y = 0; y < 21; y++) {
		if (grey)
			picture_row_grey(pic, &converter, one_piece(pic, data), y, row);
		else
			picture_row_rgb(pic, &converter, one_piece(pic, data), y, row);
		CHECK(!memcmp(is + y * bytes, row, bytes));
	}
}

/* A PNG picture that is read back is the same picture */
void test_png_file(void)
{
	check_png(V4L2_PIX_FMT_YUYV);
	check_png(V4L2_PIX_FMT_NV12);
	check_png(V4L2_PIX_FMT_RGB24);
	check_png(V4L2_PIX_FMT_XBGR32);
	check_png(V4L2_PIX_FMT_GREY);
}

/* The first row of a picture with 16-bit grey samples */
static bool read_deep(const char *path, __u8 *row)
{
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	FILE *file = fopen(path, "r");
	bool right;

	png_init_io(png, file);
	png_read_info(png, info);
	right = png_get_bit_depth(png, info) == 16 &&
		png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY;
	if (right)
		png_read_row(png, row, NULL);
	png_destroy_read_struct(&png, &info, NULL);
	fclose(file);
	return right;
}

static void check_deep(__u32 fourcc, const __u8 samples[4], unsigned int first,
		       unsigned int second, const char *bits)
{
	struct device device = device_of(fourcc, 2, 1, 0);
	const char *path = file_name("picture.png");
	struct options options = options_for(OUTPUT_PNG, path);
	static __u8 is[PICTURE_MAX];
	struct output output;
	size_t size;

	device.picture.stride = 4;
	CHECK_EQ(picture_bytes(&device.picture), 4);
	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 0, samples, 4), 0);
	CHECK_EQ(output_close(&output), 0);
	CHECK(read_deep(path, is));
	CHECK_EQ(is[0] << 8 | is[1], first);
	CHECK_EQ(is[2] << 8 | is[3], second);
	size = read_file(path, is, sizeof(is));
	CHECK_EQ(!!memmem(is, size, "sBIT", 4), !!bits);
	CHECK(!bits || memmem(is, size, bits, 5));
}

/* Thermal and depth cameras: grey with more than 8 bits, in both byte orders */
void test_png_deep(void)
{
	static const __u8 samples[] = { 0x34, 0x12, 0xff, 0x03 };

	check_deep(V4L2_PIX_FMT_Y16, samples, 0x1234, 0x03ff, NULL);
	check_deep(V4L2_PIX_FMT_Z16, samples, 0x1234, 0x03ff, NULL);
	check_deep(V4L2_PIX_FMT_Y16_BE, samples, 0x3412, 0xff03, NULL);
	check_deep(V4L2_PIX_FMT_Y10, samples, 0x8d00, 0xffc0, "sBIT\12");
	check_deep(V4L2_PIX_FMT_Y12, samples, 0x2340, 0x3ff0, "sBIT\14");
	check_deep(V4L2_PIX_FMT_Y14, samples, 0x48d0, 0x0ffc, "sBIT\16");
}

/* Whether a file has this aspect ratio of pixels */
static bool has_aspect(const char *path, const char chunk[13])
{
	static __u8 is[PICTURE_MAX];
	size_t size = read_file(path, is, sizeof(is));

	return memmem(is, size, chunk, 13);
}

/* Pixels that are not square, or half of the lines */
void test_png_aspect(void)
{
	struct device device = device_of(V4L2_PIX_FMT_GREY, 37, 21, 0);
	const char *path = file_name("picture.png");
	struct options options = options_for(OUTPUT_PNG, path);
	struct output output;

	device.aspect = (struct v4l2_fract) { 2, 1 };
	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 0, data, 37 * 21), 0);
	CHECK_EQ(output_close(&output), 0);
	CHECK(has_aspect(path, "pHYs\0\0\0\2\0\0\0\1\0"));
}

/* With a number in the name, each frame has its own file */
void test_numbered_files(void)
{
	struct device device = device_of(V4L2_PIX_FMT_YUYV, 64, 4, 0);
	struct options options;
	struct output output;
	char pattern[256];
	__u8 is[4096];

	snprintf(pattern, sizeof(pattern), "%s", file_name("n-%03d.raw"));
	options = options_for(OUTPUT_RAW, pattern);
	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 7, data, 100), 0);
	CHECK_EQ(output_piece(&output, 1234, data + 1, 200), 0);
	CHECK_EQ(output_close(&output), 0);
	CHECK_EQ(read_file(file_name("n-007.raw"), is, sizeof(is)), 100);
	CHECK(!memcmp(is, data, 100));
	CHECK_EQ(read_file(file_name("n-1234.raw"), is, sizeof(is)), 200);
	CHECK(!memcmp(is, data + 1, 200));
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &limit);
}

/* If a disk is full, complete frames stay, and a file without complete frames is removed */
void test_full_disk(void)
{
	struct device device = device_of(V4L2_PIX_FMT_YUYV, 64, 64, 0);
	const char *path = file_name("full");
	static __u8 is[PICTURE_MAX];
	struct options options;
	struct output output;

	signal(SIGXFSZ, SIG_IGN);
	options = options_for(OUTPUT_RAW, path);
	CHECK_EQ(output_init(&output, &options, &device), 0);
	limit_files(20000);
	CHECK_EQ(output_piece(&output, 0, data, 8192), 0);
	CHECK_EQ(output_piece(&output, 1, data, 8192), 0);
	CHECK_EQ(output_piece(&output, 2, data, 8192), -EFBIG);
	limit_files(RLIM_INFINITY);
	output_close(&output);
	CHECK_EQ(read_file(path, is, sizeof(is)), 2 * 8192);

	options = options_for(OUTPUT_Y4M, path);
	CHECK_EQ(output_init(&output, &options, &device), 0);
	limit_files(1000);
	CHECK_EQ(output_piece(&output, 0, data, 8192), -EFBIG);
	limit_files(RLIM_INFINITY);
	output_close(&output);
	CHECK(!exists(path));

	options = options_for(OUTPUT_PNG, path);
	CHECK_EQ(output_init(&output, &options, &device), 0);
	limit_files(1000);
	CHECK_EQ(output_piece(&output, 0, data, 8192), -EFBIG);
	limit_files(RLIM_INFINITY);
	output_close(&output);
	CHECK(!exists(path));

	options = options_for(OUTPUT_RAW, "/dev/full");
	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 0, data, 8192), -ENOSPC);
	output_close(&output);
	CHECK(exists("/dev/full"));

	options = options_for(OUTPUT_RAW, file_name("no/such/folder"));
	CHECK_EQ(output_init(&output, &options, &device), 0);
	CHECK_EQ(output_piece(&output, 0, data, 8192), -ENOENT);
	output_close(&output);
}

/* A pipe that the reader has closed is distinguished from other failures */
void test_reader_gone(void)
{
	struct device device = device_of(V4L2_PIX_FMT_YUYV, 64, 64, 0);
	enum output_kind kinds[] = { OUTPUT_RAW, OUTPUT_Y4M, OUTPUT_PNG };
	struct options options;
	struct output output;
	int ends[2];
	char name[32];
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		CHECK_EQ(pipe(ends), 0);
		snprintf(name, sizeof(name), "/dev/fd/%d", ends[1]);
		options = options_for(kinds[i], name);
		CHECK_EQ(output_init(&output, &options, &device), 0);
		/* Opened before, because a pipe without a reader cannot be opened */
		output.fd = ends[1];
		close(ends[0]);
		CHECK_EQ(output_piece(&output, 0, data, 8192), -EPIPE);
		output_close(&output);
	}

	/* The last test of files */
	if (chdir(folder) || system("rm -f ./*") || rmdir(folder))
		tap_failures++;
}
