// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated USB camera for the driver gspca_sq905. It does not have the USB class that uvcvideo
 * supports. Each picture has one shade of grey, which is different in the next picture. The camera
 * is attached by USB/IP like that of tools/testing/uvc, and needs vhci_hcd.
 *
 * The driver announces each block with a vendor request, then reads it by a bulk transfer. At
 * the end of a picture it sends another request.
 */
#include <errno.h>
#include <linux/usb/ch9.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../uvc/camera.h"

#define VENDOR 0x2770
#define PRODUCT 0x9120
/* In wValue of a vendor request: a picture is complete */
#define PICTURE_DONE 0xc0
#define PERIOD_NS (40 * NSEC_PER_MSEC)
#define ANSWER_MAX 64
#define BLOCK_MAX 0x8000

#define LOW(word) ((word) & 0xff)
#define HIGH(word) ((word) >> 8)

static const uint8_t device_descriptor[USB_DT_DEVICE_SIZE] = {
	USB_DT_DEVICE_SIZE, USB_DT_DEVICE, 0x00, 0x02, 0, 0, 0, 64,
	LOW(VENDOR), HIGH(VENDOR), LOW(PRODUCT), HIGH(PRODUCT), 0, 1, 0, 0, 0, 1,
};

#define CONFIGURATION_SIZE (USB_DT_CONFIG_SIZE + USB_DT_INTERFACE_SIZE + USB_DT_ENDPOINT_SIZE)

static const uint8_t configuration[CONFIGURATION_SIZE] = {
	USB_DT_CONFIG_SIZE, USB_DT_CONFIG, CONFIGURATION_SIZE, 0, 1, 1, 0,
	USB_CONFIG_ATT_ONE, 250,
	USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, 0, 0, 1, USB_CLASS_VENDOR_SPEC, 0, 0, 0,
	USB_DT_ENDPOINT_SIZE, USB_DT_ENDPOINT, USB_DIR_IN | STATUS_ENDPOINT,
	USB_ENDPOINT_XFER_BULK, 0x00, 0x02, 0,
};

static unsigned int pictures;
static uint64_t next_ns;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void vsay(const char *format, va_list args)
{
	fputs("sq905: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	exit(1);
}

unsigned int video_pictures(void)
{
	return pictures;
}

static int put(uint8_t *out, const uint8_t *from, size_t bytes)
{
	memcpy(out, from, bytes);
	return bytes;
}

/* Writes the answer to a request to @out; returns its number of bytes, or -1 for an error */
static int do_request(const uint8_t *setup, uint8_t out[ANSWER_MAX])
{
	const unsigned int value = setup[2] | setup[3] << 8;

	if ((setup[0] & USB_TYPE_MASK) == USB_TYPE_VENDOR) {
		if (value == PICTURE_DONE) {
			pictures++;
			next_ns = now_ns() + PERIOD_NS;
		}
		return 1;
	}
	if (setup[1] != USB_REQ_GET_DESCRIPTOR)
		return (setup[0] & USB_DIR_IN) ? 2 : 0;
	switch (value >> 8) {
	case USB_DT_DEVICE:
		return put(out, device_descriptor, sizeof(device_descriptor));
	case USB_DT_CONFIG:
		return put(out, configuration, sizeof(configuration));
	}
	return -1;
}

static void serve_control(struct transfer *transfer)
{
	const unsigned int length = transfer->setup[6] | transfer->setup[7] << 8;
	uint8_t out[ANSWER_MAX] = {};
	int bytes = do_request(transfer->setup, out);

	if (bytes < 0)
		usbip_answer(&control_transfers, transfer, -EPIPE, NULL, 0);
	else if (transfer->in)
		usbip_answer(&control_transfers, transfer, 0, out,
			     (unsigned int)bytes < length ? (unsigned int)bytes : length);
	else
		usbip_answer(&control_transfers, transfer, 0, NULL, transfer->length);
}

static void serve_bulk(struct transfer *transfer)
{
	static uint8_t block[BLOCK_MAX];

	if (transfer->length > sizeof(block))
		die("a block of %u bytes", transfer->length);
	memset(block, 16 + pictures % 100, transfer->length);
	usbip_answer(&status_transfers, transfer, 0, block, transfer->length);
}

/* Returns how long to wait, in ms, or -1 */
static int serve(void)
{
	uint64_t now;

	while (control_transfers.first)
		serve_control(control_transfers.first);
	while (status_transfers.first) {
		now = now_ns();
		if (now < next_ns)
			return (next_ns - now) / NSEC_PER_MSEC + 1;
		serve_bulk(status_transfers.first);
	}
	return -1;
}

int main(void)
{
	struct pollfd host = { .fd = usbip_attach(), .events = POLLIN };

	for (;;) {
		if (poll(&host, 1, serve()) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (host.revents)
			usbip_receive();
	}
}
