// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends pictures in transfers, at the right times. A picture takes most of the interval,
 * like that of a sensor that is read line by line. If the host does not fetch a picture in
 * time, it is late, but no picture is skipped, so the sequence numbers of the host match
 * the numbers of the pictures.
 */
#include "camera.h"
#include "picture.h"

#include <linux/usb/video.h>
#include <string.h>

/* The header of a payload: length, flags, and time of the picture */
#define HEADER 6
#define MICROFRAME_NS 125000

/* The part of the interval that a picture takes */
#define BUSY_NUMERATOR 9
#define BUSY_DENOMINATOR 10

static struct mode mode;
static bool is_on;
/* Number of all pictures, and of those since the start */
static unsigned int counter, since_start;
static unsigned int sent;
static uint64_t next_ns;

/* The current picture, if @length is not 0 */
static struct {
	uint8_t data[1280 * 720 * 2];
	size_t length, at;
	uint64_t begin_ns;
	bool damaged;
	uint8_t frame_id;
} picture;

/* When the previous isochronous transfer was due */
static uint64_t last_due_ns;

static uint64_t interval_ns(void)
{
	return mode.interval * 100ULL;
}

bool video_is_on(void)
{
	return is_on;
}

unsigned int video_pictures(void)
{
	return sent;
}

void video_start(const struct mode *new_mode)
{
	mode = *new_mode;
	is_on = true;
	since_start = 0;
	picture.length = 0;
	next_ns = now_ns();
	if (verbose)
		say("streams format %u, %ux%u, interval %u", mode.format, mode.size->width,
		    mode.size->height, mode.interval);
}

void video_stop(void)
{
	is_on = false;
	picture.length = 0;
}

void video_thaw(void)
{
	next_ns = now_ns();
}

static bool is_due(unsigned int every)
{
	return every && counter % every == 0;
}

static void make_picture(uint64_t now)
{
	const struct cell *cells;
	unsigned int largest_padding, padding;

	counter++;
	since_start++;
	cells = pattern_draw(mode.size, counter, since_start <= faults.black);
	if (mode.format == FORMAT_JPEG) {
		/* Up to an eighth of the largest picture, with a long period */
		largest_padding = mode.size->width * mode.size->height / 16;
		padding = (counter * 2654435761U >> 8) % largest_padding;
		picture.length = jpeg_encode(picture.data, mode.size, cells, padding,
					     !faults.no_tables);
	} else {
		picture.length = raw_encode(picture.data, mode.size, cells);
	}
	picture_put_label(picture.data, picture.length, counter);
	if (is_due(faults.cut))
		picture.length = picture.length / 3 * 2;
	picture.damaged = is_due(faults.damage);
	picture.at = 0;
	picture.begin_ns = now;
	picture.frame_id ^= UVC_STREAM_FID;
}

/* Begins the next picture if it is due. Each time is computed from the previous one. */
static void advance(uint64_t now)
{
	if (!is_on || faults.freeze || picture.length || now < next_ns)
		return;
	make_picture(now);
	next_ns += interval_ns();
	if (next_ns + 2 * interval_ns() < now)
		next_ns = now;
}

/* Number of bytes that have been read from the sensor and not been sent */
static size_t available(uint64_t now)
{
	uint64_t whole = interval_ns() * BUSY_NUMERATOR / BUSY_DENOMINATOR;
	uint64_t passed = now - picture.begin_ns;
	size_t read;

	if (!picture.length || faults.freeze)
		return 0;
	read = passed >= whole ? picture.length : picture.length * passed / whole;
	return read - picture.at;
}

/* One payload with at most this number of bytes of the picture; returns its length */
static unsigned int put_payload(uint8_t *out, size_t bytes)
{
	const uint32_t time = picture.begin_ns * (CLOCK_FREQUENCY / 1000000) / 1000;
	const bool last = picture.at + bytes == picture.length;

	out[0] = HEADER;
	out[1] = UVC_STREAM_EOH | UVC_STREAM_PTS | picture.frame_id |
		 (last ? UVC_STREAM_EOF : 0) | (picture.damaged ? UVC_STREAM_ERR : 0);
	out[2] = time;
	out[3] = time >> 8;
	out[4] = time >> 16;
	out[5] = time >> 24;
	memcpy(out + HEADER, picture.data + picture.at, bytes);
	picture.at += bytes;
	if (last) {
		picture.length = 0;
		sent++;
	}
	return HEADER + bytes;
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* Fills packets with the available data; returns the number of bytes */
static uint32_t fill_packets(struct transfer *transfer, uint8_t *out, size_t bytes)
{
	uint32_t used = 0, i;
	size_t now;

	for (i = 0; i < transfer->packets; i++) {
		struct iso_packet *packet = &transfer->iso[i];

		packet->actual_length = 0;
		if (!bytes || packet->length <= HEADER)
			continue;
		now = least(bytes, least(packet->length, ISO_PACKET_SIZE) - HEADER);
		packet->actual_length = put_payload(out + used, now);
		used += packet->actual_length;
		bytes -= now;
	}
	return used;
}

/* Each of these serves one transfer and returns 0, or the time when there is more to do */

static uint64_t serve_isochronous(struct transfer *transfer, uint64_t now)
{
	static uint8_t out[256 * ISO_PACKET_SIZE];
	uint64_t begin = transfer->submitted_ns > last_due_ns ? transfer->submitted_ns :
								last_due_ns;
	uint64_t due = begin + transfer->packets * MICROFRAME_NS;
	uint32_t bytes;

	if (now < due)
		return due;
	if (transfer->packets > sizeof(out) / ISO_PACKET_SIZE)
		die("a transfer of %u packets", transfer->packets);
	/* A machine that was late for a long time does not catch up. */
	last_due_ns = due + NSEC_PER_SEC / 10 < now ? now : due;
	bytes = fill_packets(transfer, out, available(now));
	usbip_answer(&video_transfers, transfer, 0, out, bytes);
	return 0;
}

static uint64_t serve_bulk(struct transfer *transfer, uint64_t now)
{
	static uint8_t out[BULK_PAYLOAD_SIZE];
	size_t room = least(transfer->length, sizeof(out)) - HEADER, bytes;

	if (!picture.length)
		return is_on && !faults.freeze ? next_ns : NEVER;
	bytes = least(room, picture.length - picture.at);
	if (available(now) < bytes)
		return now + MICROFRAME_NS * 8;
	bytes = put_payload(out, bytes);
	usbip_answer(&video_transfers, transfer, 0, out, bytes);
	return 0;
}

uint64_t video_serve(void)
{
	uint64_t now, later = 0;

	while (!later && video_transfers.first) {
		now = now_ns();
		advance(now);
		if (video_transfers.first->packets)
			later = serve_isochronous(video_transfers.first, now);
		else
			later = serve_bulk(video_transfers.first, now);
	}
	return later ?: NEVER;
}
