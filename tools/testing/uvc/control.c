// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to endpoint 0: standard requests of USB, and those of the class: negotiation of
 * a mode (PROBE and COMMIT), and controls.
 */
#include "camera.h"

#include <endian.h>
#include <errno.h>
#include <linux/usb/ch9.h>
#include <linux/usb/video.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 1024

struct request {
	uint8_t type, request;
	uint16_t value, index, length;
};

/* UVC 1.1, 4.3.1.1; <linux/usb/video.h> has later fields too */
struct negotiation {
	uint16_t hint;
	uint8_t format;
	uint8_t frame;
	uint32_t interval;
	uint16_t key_frame_rate;
	uint16_t p_frame_rate;
	uint16_t quality;
	uint16_t window;
	uint16_t delay;
	uint32_t largest_picture;
	uint32_t largest_payload;
	uint32_t clock_frequency;
	uint8_t framing;
	uint8_t preferred_version;
	uint8_t least_version;
	uint8_t largest_version;
} PACKED;

static struct negotiation probe, committed;

/* Codes of errors: UVC 1.1, 4.2.1.2 */
enum {
	WRONG_STATE = 2,
	OUT_OF_RANGE = 4,
	INVALID_CONTROL = 6,
	INVALID_REQUEST = 7,
};

/* Of the last request that was refused */
static uint8_t error;

/*
 * A control with only one possible value is read-only. One with choices has one of these bits as
 * its value, and no range
 */
struct control {
	uint8_t unit;
	uint8_t selector;
	uint8_t bytes;
	int32_t least, largest, usual, value;
	uint8_t choices;
};

static struct control controls[CONTROLS] = {
	[CONTROL_BRIGHTNESS] = { UNIT_PROCESSING, UVC_PU_BRIGHTNESS_CONTROL, 2, -64, 64, 0, 0 },
	[CONTROL_CONTRAST] = { UNIT_PROCESSING, UVC_PU_CONTRAST_CONTROL, 2, 0, 100, 50, 50 },
	[CONTROL_POWER_LINE] = { UNIT_PROCESSING, UVC_PU_POWER_LINE_FREQUENCY_CONTROL, 1,
				 0, 2, 1, 1 },
	[CONTROL_EXPOSURE_MODE] = {
		TERMINAL_CAMERA, UVC_CT_AE_MODE_CONTROL, 1, 0, 0xff,
		EXPOSURE_APERTURE_PRIORITY, EXPOSURE_APERTURE_PRIORITY,
		EXPOSURE_MANUAL | EXPOSURE_APERTURE_PRIORITY
	},
	[CONTROL_EXPOSURE] = { TERMINAL_CAMERA, UVC_CT_EXPOSURE_TIME_ABSOLUTE_CONTROL, 4,
			       EXPOSURE_MIN, EXPOSURE_MAX, EXPOSURE_USUAL, EXPOSURE_USUAL },
	[CONTROL_LAMP] = { UNIT_EXTENSION, EXTENSION_LAMP, 4, 0, LAMP_MAX,
			   LAMP_USUAL, LAMP_USUAL },
	[CONTROL_HEAT] = { UNIT_EXTENSION, EXTENSION_HEAT, 2, HEAT, HEAT, HEAT, HEAT },
};

int control_value(unsigned int control)
{
	return controls[control].value;
}

/* The nearest supported mode */
static void negotiate(struct negotiation *mode)
{
	enum format format = mode->format == FORMAT_JPEG ? FORMAT_JPEG : FORMAT_RAW;
	unsigned int frame = mode->frame >= 1 && mode->frame <= SIZES ? mode->frame : 1;
	const struct size *size = &sizes[frame - 1];
	int64_t asked = le32toh(mode->interval);
	uint32_t best = interval_of(size->rates[format].rate[0]), interval;
	unsigned int i;

	for (i = 1; asked && i < rates_of(size, format); i++) {
		interval = interval_of(size->rates[format].rate[i]);
		if (llabs(interval - asked) < llabs(best - asked))
			best = interval;
	}
	*mode = (struct negotiation){
		.hint = mode->hint,
		.format = format,
		.frame = frame,
		.interval = htole32(best),
		.largest_picture = htole32(largest_picture(size, format)),
		.largest_payload = htole32(use_bulk ? BULK_PAYLOAD_SIZE : ISO_PACKET_SIZE),
		.clock_frequency = htole32(CLOCK_FREQUENCY),
		.framing = 3,
		.preferred_version = 1,
		.least_version = 1,
		.largest_version = 1,
	};
}

void control_init(void)
{
	negotiate(&probe);
	committed = probe;
}

static void start(void)
{
	const struct mode mode = {
		.format = committed.format,
		.size = &sizes[committed.frame - 1],
		.interval = le32toh(committed.interval),
	};

	video_start(&mode);
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static int put(uint8_t *out, const void *from, size_t bytes)
{
	memcpy(out, from, bytes);
	return bytes;
}

static int put_value(uint8_t *out, uint32_t value, size_t bytes)
{
	value = htole32(value);
	memcpy(out, &value, bytes);
	return bytes;
}

static int video_request(const struct request *request, const uint8_t *data, uint8_t *out)
{
	unsigned int selector = request->value >> 8;
	struct negotiation *mode = selector == UVC_VS_PROBE_CONTROL ? &probe : &committed;
	struct negotiation limits = probe;

	if (selector != UVC_VS_PROBE_CONTROL && selector != UVC_VS_COMMIT_CONTROL)
		return -1;
	switch (request->request) {
	case UVC_SET_CUR:
		memset(mode, 0, sizeof(*mode));
		memcpy(mode, data, least(request->length, sizeof(*mode)));
		negotiate(mode);
		/*
		 * With a bulk endpoint, COMMIT starts the stream, because the interface has
		 * no other setting.
		 */
		if (selector == UVC_VS_COMMIT_CONTROL && use_bulk)
			start();
		return 0;
	case UVC_GET_CUR:
		return put(out, mode, sizeof(*mode));
	case UVC_GET_MIN:
	case UVC_GET_MAX:
	case UVC_GET_DEF:
		negotiate(&limits);
		return put(out, &limits, sizeof(limits));
	case UVC_GET_LEN:
		return put_value(out, sizeof(limits), 2);
	case UVC_GET_INFO:
		return put_value(out, 3, 1);
	}
	return -1;
}

static struct control *find_control(unsigned int unit, unsigned int selector)
{
	unsigned int i;

	for (i = 0; i < CONTROLS; i++)
		if (controls[i].unit == unit && controls[i].selector == selector)
			return &controls[i];
	return NULL;
}

static int refuse(uint8_t code)
{
	error = code;
	return -1;
}

static bool is_fixed(const struct control *control)
{
	return control->least == control->largest;
}

static bool can_have(const struct control *control, int32_t value)
{
	if (control->choices)
		return value & control->choices && !(value & (value - 1));
	return value >= control->least && value <= control->largest;
}

/* A camera that chooses the time itself cannot be set to one */
static bool is_automatic(const struct control *control)
{
	return control == &controls[CONTROL_EXPOSURE] &&
	       control_value(CONTROL_EXPOSURE_MODE) != EXPOSURE_MANUAL;
}

static int set_control(struct control *control, const struct request *request,
		       const uint8_t *data)
{
	uint32_t bits = 0;
	int32_t value;

	if (request->length != control->bytes || is_fixed(control))
		return refuse(INVALID_REQUEST);
	if (is_automatic(control))
		return refuse(WRONG_STATE);
	memcpy(&bits, data, control->bytes);
	bits = le32toh(bits);
	value = control->bytes == 2 ? (int16_t)bits : (int32_t)bits;
	if (!can_have(control, value))
		return refuse(OUT_OF_RANGE);
	control->value = value;
	return 0;
}

static int unit_request(const struct request *request, const uint8_t *data, uint8_t *out)
{
	struct control *control = find_control(request->index >> 8, request->value >> 8);

	if (!control)
		return refuse(INVALID_CONTROL);
	switch (request->request) {
	case UVC_SET_CUR:
		return set_control(control, request, data);
	case UVC_GET_CUR:
		return put_value(out, control->value, control->bytes);
	case UVC_GET_MIN:
		return control->choices ? refuse(INVALID_REQUEST) :
					  put_value(out, control->least, control->bytes);
	case UVC_GET_MAX:
		return control->choices ? refuse(INVALID_REQUEST) :
					  put_value(out, control->largest, control->bytes);
	case UVC_GET_RES:
		return put_value(out, control->choices ?: 1, control->bytes);
	case UVC_GET_DEF:
		return put_value(out, control->usual, control->bytes);
	case UVC_GET_LEN:
		return put_value(out, control->bytes, 2);
	case UVC_GET_INFO:
		return put_value(out, UVC_CONTROL_CAP_GET |
				 (is_fixed(control) ? 0 : UVC_CONTROL_CAP_SET), 1);
	}
	return refuse(INVALID_REQUEST);
}

static int class_request(const struct request *request, const uint8_t *data, uint8_t *out)
{
	if ((request->type & USB_RECIP_MASK) != USB_RECIP_INTERFACE || faults.stall)
		return -1;
	switch (request->index) {
	case VIDEO_INTERFACE:
		return video_request(request, data, out);
	case TERMINAL_CAMERA << 8 | CONTROL_INTERFACE:
	case UNIT_PROCESSING << 8 | CONTROL_INTERFACE:
	case UNIT_EXTENSION << 8 | CONTROL_INTERFACE:
		return unit_request(request, data, out);
	case CONTROL_INTERFACE:
		if (request->value >> 8 == UVC_VC_REQUEST_ERROR_CODE_CONTROL)
			return put_value(out, error, 1);
	}
	return -1;
}

static bool is_in(const struct request *request)
{
	return request->type & USB_DIR_IN;
}

static int standard_in(const struct request *request, uint8_t *out)
{
	switch (request->request) {
	case USB_REQ_GET_DESCRIPTOR:
		return get_descriptor(request->value >> 8, request->value & 0xff, out,
				      ANSWER_MAX);
	case USB_REQ_GET_STATUS:
		return put_value(out, 0, 2);
	case USB_REQ_GET_CONFIGURATION:
		return put_value(out, 1, 1);
	case USB_REQ_GET_INTERFACE:
		return put_value(out, !use_bulk && video_is_on(), 1);
	}
	return -1;
}

static int standard_out(const struct request *request)
{
	if (request->request == USB_REQ_SET_INTERFACE &&
	    request->index == VIDEO_INTERFACE) {
		if (request->value)
			start();
		else
			video_stop();
	}
	/* How uvcvideo stops a bulk endpoint */
	if (request->request == USB_REQ_CLEAR_FEATURE && use_bulk &&
	    request->index == (USB_DIR_IN | VIDEO_ENDPOINT))
		video_stop();
	return 0;
}

/* Returns the number of bytes of the answer; -1 to refuse */
static int do_request(const struct request *request, const uint8_t *data, uint8_t *out)
{
	switch (request->type & USB_TYPE_MASK) {
	case USB_TYPE_STANDARD:
		return is_in(request) ? standard_in(request, out) : standard_out(request);
	case USB_TYPE_CLASS:
		return class_request(request, data, out);
	}
	return -1;
}

static struct request parse(const uint8_t *setup)
{
	return (struct request){
		.type = setup[0],
		.request = setup[1],
		.value = setup[2] | setup[3] << 8,
		.index = setup[4] | setup[5] << 8,
		.length = setup[6] | setup[7] << 8,
	};
}

static void answer(struct transfer *transfer)
{
	static const uint8_t nothing[ANSWER_MAX];
	const struct request request = parse(transfer->setup);
	uint8_t out[ANSWER_MAX] = {};
	int bytes;

	bytes = do_request(&request, transfer->data ?: nothing, out);
	if (verbose)
		say("request %02x %02x value %04x index %04x length %u: %d", request.type,
		    request.request, request.value, request.index, request.length, bytes);
	if (bytes < 0)
		usbip_answer(&control_transfers, transfer, -EPIPE, NULL, 0);
	else if (transfer->in)
		usbip_answer(&control_transfers, transfer, 0, out,
			     least(bytes, request.length));
	else
		usbip_answer(&control_transfers, transfer, 0, NULL, transfer->length);
}

static bool hangs(const struct transfer *transfer)
{
	bool of_class = (transfer->setup[0] & USB_TYPE_MASK) == USB_TYPE_CLASS;

	return faults.hang > 1 || (faults.hang && of_class);
}

uint64_t control_serve(void)
{
	struct transfer *transfer, *next;
	uint64_t now, due;
	bool hung;

	for (transfer = control_transfers.first; transfer; transfer = next) {
		next = transfer->next;
		hung = hangs(transfer);
		if (hung && !faults.pass)
			continue;
		now = now_ns();
		due = transfer->submitted_ns + faults.delay_ms * NSEC_PER_MSEC;
		if (now < due)
			return due;
		faults.pass -= hung;
		answer(transfer);
	}
	return NEVER;
}
