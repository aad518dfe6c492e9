/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A USB camera in software: definitions for all its files.
 *
 * It simulates a whole USB device of the class UVC 1.1 (Universal Serial Bus Device Class
 * Definition for Video Devices). The kernel's vhci_hcd treats it as a device on USB/IP; the
 * network connection is a socket of this program. dummy_hcd could simulate a device too,
 * but does not support isochronous transfers.
 *
 *	camera.c	options and commands
 *	usbip.c		the USB/IP protocol: receives transfers and answers them
 *	descriptors.c	USB descriptors
 *	control.c	requests to endpoint 0
 *	video.c		sends pictures in transfers, at the right times
 *	pattern.c	the content of the pictures, and raw pictures
 *	jpeg.c		compressed pictures
 *	picture.c	labels of pictures
 */
#ifndef UVC_CAMERA_H
#define UVC_CAMERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "controls.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))
#define PACKED __attribute__(( \
	__packed__))

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
/* A time that never comes */
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
#define UNIT_EXTENSION 4

/* Bytes per microframe: three packets of 1024, the maximum of a USB 2 camera */
#define ISO_PACKET_SIZE 3072
#define BULK_PAYLOAD_SIZE 16384
/* Frequency of the camera's clock, for timestamps */
#define CLOCK_FREQUENCY 48000000

/* The index of a format in descriptors and requests */
enum format {
	FORMAT_RAW = 1,
	FORMAT_JPEG = 2,
	/* With the unused value 0 */
	FORMATS,
};

#define RATES 4

/**
 * struct size - a picture size
 * @width: in pixels; a multiple of two cells
 * @height: in pixels; a multiple of two cells
 * @rates: pictures per second, best first, for each format; terminated by zeros
 */
struct size {
	uint16_t width;
	uint16_t height;
	struct {
		uint8_t rate[RATES];
	} rates[FORMATS];
};

/* The index of a size is the number of its frame descriptor, from 1 on */
#define SIZES 3
extern const struct size sizes[SIZES];

/* Number of rates of a size in a format; maximum number of bytes of such a picture */
unsigned int rates_of(const struct size *size, enum format format);
uint32_t largest_picture(const struct size *size, enum format format);
/* The interval of a rate, in 100 ns as in UVC */
uint32_t interval_of(unsigned int rate);

/**
 * struct faults - faults of the camera, set by commands
 * @freeze: no new picture is made
 * @hang: 1: requests of the class are not answered, 2: no request is answered
 * @pass: number of requests that are answered before @hang has an effect
 * @stall: requests of the class are refused
 * @delay_ms: delay of all answers
 * @cut: interval of pictures that end after two thirds
 * @damage: interval of pictures that are marked as damaged
 * @black: number of black pictures after a start
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
 * @next: the next waiting transfer
 * @sequence: its number
 * @endpoint: without the direction
 * @in: direction is to the host
 * @length: number of bytes of data
 * @packets: number of @iso; 0 if it is not isochronous
 * @setup: setup packet of a request
 * @submitted_ns: when it was received
 * @data: data from the host
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

/* The waiting transfers of an endpoint, oldest first */
struct transfers {
	struct transfer *first;
	struct transfer **last;
	unsigned int count;
};

extern struct transfers control_transfers, video_transfers, status_transfers;

/* Plugs the camera in; returns the socket to wait at. */
int usbip_attach(void);
/* Reads the next message. Ends the program if the host has closed the connection. */
void usbip_receive(void);
/*
 * Removes a waiting transfer and answers it. @data is for an IN transfer; for an
 * isochronous one, without gaps. @status is a negative errno, as of an URB.
 */
void usbip_answer(struct transfers *list, struct transfer *transfer, int status,
		  const void *data, uint32_t bytes);

/* descriptors.c */

/* Writes a descriptor to @out and returns its number of bytes; -1 if there is none */
int get_descriptor(unsigned int type, unsigned int index, uint8_t *out, size_t room);
void descriptors_init(void);

/* control.c */

void control_init(void);
/* Answers requests; returns the time of the next event. */
uint64_t control_serve(void);
int control_value(unsigned int control);

/* video.c */

/**
 * struct mode - the streamed format
 * @format: enum format
 * @size: of &sizes
 * @interval: time between pictures, in 100 ns
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
/* Ends faults.freeze */
void video_thaw(void);
/* Sends pictures; returns the same as control_serve() */
uint64_t video_serve(void);

/* pattern.c */

/* Pictures consist of cells of one colour, with this width and height in pixels */
#define CELL 8

struct cell {
	uint8_t y, cb, cr;
};

/* The cells of a picture, row by row */
unsigned int cells_wide(const struct size *size);
unsigned int cells_high(const struct size *size);
const struct cell *pattern_draw(const struct size *size, uint32_t counter, bool black);
/* Both make a picture without a label, and return its number of bytes. */
size_t raw_encode(uint8_t *out, const struct size *size, const struct cell *cells);
size_t jpeg_encode(uint8_t *out, const struct size *size, const struct cell *cells,
		   unsigned int padding, bool tables);

#endif
