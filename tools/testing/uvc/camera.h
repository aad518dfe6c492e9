/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A USB camera made of software: what its parts have in common.
 *
 * It is a whole USB device of the class UVC 1.1 (Universal Serial Bus Device Class
 * Definition for Video Devices). The kernel's vhci_hcd takes it for a device behind
 * USB/IP; what it takes for the network is a socket of this program. Another way to have
 * such a device, dummy_hcd, does not do isochronous transfers.
 *
 *	camera.c	options and commands
 *	usbip.c		the protocol USB/IP: transfers come and are answered
 *	descriptors.c	what the camera says that it is
 *	control.c	requests to endpoint 0
 *	video.c		pictures into transfers, in time
 *	pattern.c	what is to be seen, and raw pictures
 *	jpeg.c		compressed pictures
 *	picture.c	the labels of pictures
 */
#ifndef UVC_CAMERA_H
#define UVC_CAMERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))
#define PACKED __attribute__(( \
	__packed__))

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
/* A time that does not come */
#define NEVER UINT64_MAX

/* Endpoints, and interfaces of the configuration */
#define VIDEO_ENDPOINT 2
#define STATUS_ENDPOINT 1
#define CONTROL_INTERFACE 0
#define VIDEO_INTERFACE 1

/* Entities of the control interface */
#define TERMINAL_CAMERA 1
#define UNIT_PROCESSING 2
#define TERMINAL_OUTPUT 3

/* Bytes in a microframe: three packets of 1024, as a USB 2 camera has at most */
#define ISO_PACKET_SIZE 3072
#define BULK_PAYLOAD_SIZE 16384
/* Of the camera's clock, for timestamps */
#define CLOCK_FREQUENCY 48000000

/* Formats have their index in descriptors and requests */
enum format {
	FORMAT_RAW = 1,
	FORMAT_JPEG = 2,
	/* With the one that there is not */
	FORMATS,
};

/* Controls of the processing unit */
enum {
	CONTROL_BRIGHTNESS,
	CONTROL_CONTRAST,
	CONTROL_POWER_LINE,
	CONTROLS,
};

#define RATES 4

/**
 * struct size - a size of pictures
 * @width: in pixels; whole pairs of cells
 * @height: likewise
 * @rates: pictures in a second, best first, for each format; then zeros
 */
struct size {
	uint16_t width;
	uint16_t height;
	struct {
		uint8_t rate[RATES];
	} rates[FORMATS];
};

/* Sizes have the number of their frame descriptor, from 1 on */
#define SIZES 3
extern const struct size sizes[SIZES];

/* How many rates a size has in a format; the most bytes that a picture of it takes */
unsigned int rates_of(const struct size *size, enum format format);
uint32_t largest_picture(const struct size *size, enum format format);
/* Of a rate in pictures in a second, as UVC has it, in 100 ns */
uint32_t interval_of(unsigned int rate);

/**
 * struct faults - what the camera does wrong, by command
 * @freeze: there is no new picture
 * @hang: 1: no request of the class is answered, 2: no request at all
 * @pass: so many requests are answered all the same
 * @stall: requests of the class are refused
 * @delay_ms: requests are answered so much later
 * @cut: each so many-th picture ends after two thirds of it
 * @damage: each so many-th picture is marked as damaged
 * @black: so many pictures after a start are black
 * @no_tables: JPEG pictures do not have the usual Huffman tables
 */
struct faults {
	unsigned int freeze;
	unsigned int hang;
	unsigned int pass;
	unsigned int stall;
	unsigned int delay_ms;
	unsigned int cut;
	unsigned int damage;
	unsigned int black;
	unsigned int no_tables;
};

extern struct faults faults;

/* Options */
extern bool use_bulk;
extern const char *serial_number;
extern bool verbose;

uint64_t now_ns(void);
LIKE_PRINTF(1, 2) void say(const char *format, ...);
LIKE_PRINTF(1, 2) noreturn void die(const char *format, ...);

/* usbip.c */

struct iso_packet {
	uint32_t offset;
	uint32_t length;
	uint32_t actual_length;
	uint32_t status;
};

/**
 * struct transfer - a transfer that the host has submitted
 * @next: of those that wait
 * @sequence: its number
 * @endpoint: without the direction
 * @in: to the host
 * @length: of the data
 * @packets: number of @iso; 0 if it is not isochronous
 * @setup: of a request
 * @submitted_ns: when it came
 * @data: what came with it
 * @iso: packets
 */
struct transfer {
	struct transfer *next;
	uint32_t sequence;
	uint32_t endpoint;
	bool in;
	uint32_t length;
	uint32_t packets;
	uint8_t setup[8];
	uint64_t submitted_ns;
	uint8_t *data;
	struct iso_packet *iso;
};

/* Those that wait at an endpoint, oldest first */
struct transfers {
	struct transfer *first;
	struct transfer **last;
	unsigned int count;
};

extern struct transfers control_transfers, video_transfers, status_transfers;

/* Plug the camera in; returns the socket to wait at. */
int usbip_attach(void);
/* Take the next message. Ends the program if there is no host any more. */
void usbip_receive(void);
/*
 * Take a waiting transfer off and answer it. @data is of an IN transfer; of an
 * isochronous one, without gaps. @status is a negative errno, as of an URB.
 */
void usbip_answer(struct transfers *list, struct transfer *transfer, int status,
		  const void *data, uint32_t bytes);

/* descriptors.c */

/* Bytes of a descriptor in @out; -1 for none */
int get_descriptor(unsigned int type, unsigned int index, uint8_t *out, size_t room);
void descriptors_init(void);

/* control.c */

void control_init(void);
/* Answer what is to be answered; returns when there will be more to do. */
uint64_t control_serve(void);
int control_value(unsigned int control);

/* video.c */

/**
 * struct mode - what is streamed
 * @format: enum format
 * @size: of &sizes
 * @interval: between pictures, in 100 ns
 */
struct mode {
	enum format format;
	const struct size *size;
	uint32_t interval;
};

void video_start(const struct mode *mode);
void video_stop(void);
bool video_is_on(void);
unsigned int video_pictures(void);
/* Go on with pictures after faults.freeze */
void video_thaw(void);
/* As control_serve() */
uint64_t video_serve(void);

/* pattern.c */

/* Pictures consist of cells of so many pixels, in both directions, of one colour each */
#define CELL 8

struct cell {
	uint8_t y, cb, cr;
};

/* Cells of a picture, row by row */
unsigned int cells_wide(const struct size *size);
unsigned int cells_high(const struct size *size);
const struct cell *pattern_draw(const struct size *size, uint32_t counter, bool black);
/* Both make a picture and return its bytes; the label is still to be put on it. */
size_t raw_encode(uint8_t *out, const struct size *size, const struct cell *cells);
size_t jpeg_encode(uint8_t *out, const struct size *size, const struct cell *cells,
		   unsigned int padding, bool tables);

#endif
