// SPDX-License-Identifier: GPL-2.0-only
/*
 * The content of the pictures: eight colour bars, a moving white bar, and the number of the
 * picture. Controls change it. This file also makes raw pictures.
 */
#include "camera.h"

#include <string.h>

/* The number of cells of the largest size */
#define CELLS (1280 / CELL * 720 / CELL)

#define DIGITS 6
#define DIGIT_WIDE 3
#define DIGIT_HIGH 5

static const struct cell bars[] = {
	{ 180, 128, 128 }, { 162, 44, 142 }, { 131, 156, 44 }, { 112, 72, 58 },
	{ 84, 184, 198 }, { 65, 100, 212 }, { 35, 212, 114 }, { 16, 128, 128 },
};

static const struct cell white = { 235, 128, 128 };
static const struct cell black_cell = { 16, 128, 128 };

/* Rows of three dots, from the top */
static const uint16_t digits[] = {
	075557, 026227, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717,
};

unsigned int cells_wide(const struct size *size)
{
	return size->width / CELL;
}

unsigned int cells_high(const struct size *size)
{
	return (size->height + CELL - 1) / CELL;
}

static uint8_t clamp_luma(int value)
{
	return value < 16 ? 16 : value > 235 ? 235 : value;
}

/* The colour that a camera with these control values would see */
static struct cell expose(struct cell cell)
{
	int y = cell.y - 128;

	y = y * control_value(CONTROL_CONTRAST) / 50;
	cell.y = clamp_luma(y + 128 + control_value(CONTROL_BRIGHTNESS));
	return cell;
}

static void draw_bars(struct cell *cells, const struct size *size, uint32_t counter)
{
	unsigned int wide = cells_wide(size), x, y;

	for (x = 0; x < wide; x++)
		cells[x] = expose(x == counter % wide ? white :
				  bars[x * ARRAY_SIZE(bars) / wide]);
	for (y = 1; y < cells_high(size); y++)
		memcpy(&cells[y * wide], cells, wide * sizeof(*cells));
}

/* @at: its upper left cell; @scale: cells per dot, in both directions */
static void draw_digit(struct cell *at, unsigned int wide, unsigned int digit,
		       unsigned int scale)
{
	unsigned int x, y, bit;

	for (y = 0; y < DIGIT_HIGH * scale; y++) {
		for (x = 0; x < DIGIT_WIDE * scale; x++) {
			bit = (DIGIT_HIGH - y / scale) * DIGIT_WIDE - 1 - x / scale;
			at[y * wide + x] = digits[digit] >> bit & 1 ? white : black_cell;
		}
	}
}

static void draw_number(struct cell *cells, const struct size *size, uint32_t number)
{
	unsigned int wide = cells_wide(size);
	unsigned int scale = (cells_high(size) + DIGIT_HIGH) / (DIGIT_HIGH * 4);
	unsigned int step = (DIGIT_WIDE + 1) * scale;
	unsigned int left = (wide - step * DIGITS) / 2, i;
	struct cell *row = &cells[cells_high(size) / 3 * wide];

	for (i = DIGITS; i--; number /= 10)
		draw_digit(&row[left + i * step], wide, number % 10, scale);
}

const struct cell *pattern_draw(const struct size *size, uint32_t counter, bool black)
{
	static struct cell cells[CELLS];
	unsigned int i;

	if (black) {
		for (i = 0; i < cells_wide(size) * cells_high(size); i++)
			cells[i] = black_cell;
		return cells;
	}
	draw_bars(cells, size, counter);
	draw_number(cells, size, counter);
	return cells;
}

size_t raw_encode(uint8_t *out, const struct size *size, const struct cell *cells)
{
	const size_t line = size->width * 2;
	unsigned int x, y;
	uint8_t *pixels;

	for (y = 0; y < size->height; y++, out += line) {
		if (y % CELL) {
			memcpy(out, out - line, line);
			continue;
		}
		pixels = out;
		for (x = 0; x < size->width; x += 2) {
			const struct cell *cell = &cells[x / CELL];

			*pixels++ = cell->y;
			*pixels++ = cell->cb;
			*pixels++ = cell->y;
			*pixels++ = cell->cr;
		}
		cells += cells_wide(size);
	}
	return line * size->height;
}
