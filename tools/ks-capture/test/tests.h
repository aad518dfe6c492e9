/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests of each file, and common helpers. */
#ifndef TESTS_H
#define TESTS_H

#include <string.h>

#include <tap.h>

#include "../output.h"
#include "../pixel.h"

/* The program under test */
extern const char *program;

/* Maximum size of test pictures */
#define PICTURE_MAX (256 * 1024)

/* A picture of noise, with padding after each row if @padding is not 0 */
struct picture noise_picture(__u8 data[PICTURE_MAX], __u32 fourcc, unsigned int width,
			     unsigned int height, unsigned int padding, struct colours colours);

/* The planes of a picture in one piece. Valid until the next call */
static inline const struct image *one_piece(const struct picture *picture, const __u8 *data)
{
	static struct image image;

	image = picture_in_one_piece(picture, data);
	return &image;
}

/* Writes a frame in one piece */
static inline int output_piece(struct output *output, unsigned long number, const void *data,
			       size_t used)
{
	struct ks_stream_plane plane = { .data = (void *)data, .used = used };

	return output_frame(output, number, &plane, 1);
}

/* pixel.c */
void test_fourcc(void);
void test_colours(void);
void test_known_colours(void);
void test_rows(void);
void test_row_order(void);
void test_bytes(void);
void test_sanity(void);
/* output.c */
void test_y4m_header(void);
void test_y4m_planes(void);
void test_separate_planes(void);
void test_raw_file(void);
void test_y4m_file(void);
void test_png_file(void);
void test_png_aspect(void);
void test_png_deep(void);
void test_numbered_files(void);
void test_full_disk(void);
void test_reader_gone(void);
/* options.c */
void test_size(void);
void test_rate(void);
void test_save(void);
void test_pattern(void);
void test_output_kind(void);
void test_output_format(void);
void test_command_line(void);
void test_bad_command_line(void);
void test_program(void);
/* choose.c and report.c */
void test_can_use(void);
void test_choice(void);
void test_tally(void);
void test_tally_fields(void);
void test_tally_still(void);
void test_json(void);
void test_report(void);
/* write.c */
void test_write_memory(void);
void test_write_pipe(void);
/* jpeg.c */
void test_jpeg_damage(void);
void test_jpeg_noise(void);
void test_jpeg_tables(void);
void test_jpeg_decode(void);
/* Whole captures */
void begin_captures(void);
void test_capture_film(void);
void test_capture_damaged(void);
void test_capture_names(void);
void test_capture_pipe(void);
void test_capture_photo(void);
void test_capture_pieces(void);
void test_capture_same_picture(void);
void test_capture_own_memory(void);
void test_capture_udmabuf(void);
void test_capture_no_memory(void);
void test_capture_without_heaps(void);
void test_capture_fields(void);
void test_capture_jpeg(void);
void test_advice(void);
void test_advice_refused(void);
void test_advice_busy(void);
void test_advice_invalid(void);
void test_advice_start(void);
void test_advice_signature(void);
void test_advice_container(void);
void test_list(void);
void test_list_without_module(void);
void test_list_denied(void);
void test_names(void);
void test_list_formats(void);
void test_other_nodes(void);
/* pipeline.c */
void test_pipeline_formats(void);
void test_pipeline_links(void);
void test_pipeline_output(void);
void test_pipeline_large(void);
void test_pipeline_unknown(void);
void test_source_follow(void);
void test_source_none(void);
void test_source_ends(void);
void test_source_restarts(void);
void test_source_ignored(void);
void test_capture_newest(void);
void test_capture_times(void);
void test_capture_unnumbered(void);
void end_captures(void);

#endif /* TESTS_H */
