// SPDX-License-Identifier: GPL-2.0-only
/*
 * USB descriptors of the camera.
 */
#include "camera.h"

#include <linux/usb/ch9.h>
#include <linux/usb/video.h>
#include <string.h>

/* Not assigned to a company */
#define VENDOR 0x1d6b
#define PRODUCT 0x0102

enum {
	STRING_LANGUAGES,
	STRING_VENDOR,
	STRING_PRODUCT,
	STRING_SERIAL,
	STRINGS,
};

static const uint8_t device_descriptor[] = {
	USB_DT_DEVICE_SIZE, USB_DT_DEVICE, 0x00, 0x02, USB_CLASS_MISC, 2, 1, 64,
	VENDOR & 0xff, VENDOR >> 8, PRODUCT & 0xff, PRODUCT >> 8, 0x00, 0x01,
	STRING_VENDOR, STRING_PRODUCT, STRING_SERIAL, 1,
};

/* The device qualifier: properties at another speed */
static const uint8_t qualifier_descriptor[] = {
	10, USB_DT_DEVICE_QUALIFIER, 0x00, 0x02, USB_CLASS_MISC, 2, 1, 64, 1, 0,
};

static const uint8_t languages_descriptor[] = { 4, USB_DT_STRING, 0x09, 0x04 };

const struct size sizes[SIZES] = {
	{
		640, 360, {
			[FORMAT_RAW] = { { 30, 15, 10, 5 } },
			[FORMAT_JPEG] = { { 30, 15, 10, 5 } },
		},
	}, {
		320, 180, {
			[FORMAT_RAW] = { { 30, 15, 10, 5 } },
			[FORMAT_JPEG] = { { 30, 15, 10, 5 } },
		},
	}, {
		1280, 720, {
			/* Rates that are possible with the bandwidth of USB 2 */
			[FORMAT_RAW] = { { 10, 5 } },
			[FORMAT_JPEG] = { { 30, 15, 10, 5 } },
		},
	},
};

static uint8_t configuration[1024];
static unsigned int used;

static void put8(unsigned int value)
{
	configuration[used++] = value;
}

static void put16(unsigned int value)
{
	put8(value);
	put8(value >> 8);
}

static void put32(uint32_t value)
{
	put16(value);
	put16(value >> 16);
}

static void set16(unsigned int at, unsigned int value)
{
	configuration[at] = value;
	configuration[at + 1] = value >> 8;
}

/*
 * Begins a descriptor of the class with @bytes bytes. put*() adds those after the first
 * three
 */
static void put_class(unsigned int bytes, unsigned int subtype)
{
	put8(bytes);
	put8(USB_DT_CS_INTERFACE);
	put8(subtype);
}

unsigned int rates_of(const struct size *size, enum format format)
{
	unsigned int i = 0;

	while (i < RATES && size->rates[format].rate[i])
		i++;
	return i;
}

uint32_t interval_of(unsigned int rate)
{
	return 10000000 / rate;
}

uint32_t largest_picture(const struct size *size, enum format format)
{
	uint32_t pixels = size->width * size->height;

	/* jpeg.c needs less than a third of this, and video.c pads with up to a quarter */
	return format == FORMAT_RAW ? pixels * 2 : pixels / 2;
}

static void put_interface(unsigned int number, unsigned int alternate,
			  unsigned int endpoints, unsigned int subclass)
{
	put8(USB_DT_INTERFACE_SIZE);
	put8(USB_DT_INTERFACE);
	put8(number);
	put8(alternate);
	put8(endpoints);
	put8(USB_CLASS_VIDEO);
	put8(subclass);
	put8(0);
	put8(STRING_PRODUCT);
}

static void put_endpoint(unsigned int address, unsigned int attributes,
			 unsigned int bytes, unsigned int interval)
{
	put8(USB_DT_ENDPOINT_SIZE);
	put8(USB_DT_ENDPOINT);
	put8(address);
	put8(attributes);
	put16(bytes);
	put8(interval);
}

static void put_camera_terminal(void)
{
	put_class(18, UVC_VC_INPUT_TERMINAL);
	put8(TERMINAL_CAMERA);
	put16(UVC_ITT_CAMERA);
	put8(0);
	put8(0);
	/* No zoom. The mode of exposure, and its time */
	put16(0);
	put16(0);
	put16(0);
	put8(3);
	put16(1 << 1 | 1 << 3);
	put8(0);
}

static void put_processing_unit(void)
{
	put_class(12, UVC_VC_PROCESSING_UNIT);
	put8(UNIT_PROCESSING);
	put8(TERMINAL_CAMERA);
	put16(0);
	put8(2);
	/* Brightness, contrast, power line frequency */
	put16(1 << 0 | 1 << 1 | 1 << 10);
	put8(0);
	put8(0);
}

/* {6f1d2b94-7c3a-4e58-9d0b-a2e4c81573f6} */
static const uint8_t extension_set[16] = {
	0x94, 0x2b, 0x1d, 0x6f, 0x3a, 0x7c, 0x58, 0x4e,
	0x9d, 0x0b, 0xa2, 0xe4, 0xc8, 0x15, 0x73, 0xf6,
};

static void put_extension_unit(void)
{
	unsigned int i;

	put_class(26, UVC_VC_EXTENSION_UNIT);
	put8(UNIT_EXTENSION);
	for (i = 0; i < sizeof(extension_set); i++)
		put8(extension_set[i]);
	put8(3);
	put8(1);
	put8(UNIT_PROCESSING);
	put8(1);
	put8(1 << (EXTENSION_LAMP - 1) | 1 << (EXTENSION_HEAT - 1) | 1 << (EXTENSION_BROKEN - 1));
	put8(0);
}

static void put_output_terminal(void)
{
	put_class(9, UVC_VC_OUTPUT_TERMINAL);
	put8(TERMINAL_OUTPUT);
	put16(UVC_TT_STREAMING);
	put8(0);
	put8(UNIT_EXTENSION);
	put8(0);
}

static void put_control_interface(void)
{
	unsigned int header;

	put_interface(CONTROL_INTERFACE, 0, 1, UVC_SC_VIDEOCONTROL);
	header = used;
	put_class(13, UVC_VC_HEADER);
	put16(0x0110);
	put16(0);
	put32(CLOCK_FREQUENCY);
	put8(1);
	put8(VIDEO_INTERFACE);
	put_camera_terminal();
	put_processing_unit();
	put_extension_unit();
	put_output_terminal();
	set16(header + 5, used - header);

	put_endpoint(USB_DIR_IN | STATUS_ENDPOINT, USB_ENDPOINT_XFER_INT, 16, 8);
	put8(5);
	put8(USB_DT_CS_ENDPOINT);
	put8(UVC_EP_INTERRUPT);
	put16(16);
}

static void put_frames(enum format format, unsigned int subtype)
{
	unsigned int i, j;

	for (i = 0; i < SIZES; i++) {
		const struct size *size = &sizes[i];
		const unsigned int count = rates_of(size, format);
		const uint32_t bytes = largest_picture(size, format);

		put_class(26 + 4 * count, subtype);
		put8(i + 1);
		put8(0);
		put16(size->width);
		put16(size->height);
		put32(bytes * 8 * size->rates[format].rate[count - 1]);
		put32(bytes * 8 * size->rates[format].rate[0]);
		put32(bytes);
		put32(interval_of(size->rates[format].rate[0]));
		put8(count);
		for (j = 0; j < count; j++)
			put32(interval_of(size->rates[format].rate[j]));
	}
}

/* The primaries of sRGB, and the usual matrix */
static void put_colors(void)
{
	put_class(6, UVC_VS_COLORFORMAT);
	put8(1);
	put8(1);
	put8(4);
}

static void put_raw_format(void)
{
	static const uint8_t yuy2[16] = {
		'Y', 'U', 'Y', '2', 0x00, 0x00, 0x10, 0x00,
		0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71,
	};
	unsigned int i;

	put_class(27, UVC_VS_FORMAT_UNCOMPRESSED);
	put8(FORMAT_RAW);
	put8(SIZES);
	for (i = 0; i < sizeof(yuy2); i++)
		put8(yuy2[i]);
	put8(16);
	put8(1);
	put32(0);
	put_frames(FORMAT_RAW, UVC_VS_FRAME_UNCOMPRESSED);
	put_colors();
}

static void put_jpeg_format(void)
{
	put_class(11, UVC_VS_FORMAT_MJPEG);
	put8(FORMAT_JPEG);
	put8(SIZES);
	put8(0);
	put8(1);
	put32(0);
	put_frames(FORMAT_JPEG, UVC_VS_FRAME_MJPEG);
	put_colors();
}

/* The bulk endpoint is in setting 0. With isochronous endpoints, setting 0 must have none. */
static void put_video_interface(void)
{
	unsigned int header;

	put_interface(VIDEO_INTERFACE, 0, use_bulk, UVC_SC_VIDEOSTREAMING);
	header = used;
	put_class(15, UVC_VS_INPUT_HEADER);
	put8(2);
	put16(0);
	put8(USB_DIR_IN | VIDEO_ENDPOINT);
	put8(0);
	put8(TERMINAL_OUTPUT);
	put8(0);
	put8(0);
	put8(0);
	put8(1);
	put8(0);
	put8(0);
	put_raw_format();
	put_jpeg_format();
	set16(header + 4, used - header);

	if (use_bulk) {
		put_endpoint(USB_DIR_IN | VIDEO_ENDPOINT, USB_ENDPOINT_XFER_BULK, 512, 0);
		return;
	}
	put_interface(VIDEO_INTERFACE, 1, 1, UVC_SC_VIDEOSTREAMING);
	/* Three packets of 1024 bytes in each microframe */
	put_endpoint(USB_DIR_IN | VIDEO_ENDPOINT,
		     USB_ENDPOINT_XFER_ISOC | USB_ENDPOINT_SYNC_ASYNC, 2 << 11 | 1024, 1);
}

void descriptors_init(void)
{
	put8(USB_DT_CONFIG_SIZE);
	put8(USB_DT_CONFIG);
	put16(0);
	put8(2);
	put8(1);
	put8(0);
	/* Remote wake-up, because without it uvcvideo does not suspend the camera */
	put8(USB_CONFIG_ATT_ONE | USB_CONFIG_ATT_WAKEUP);
	put8(250);
	put8(USB_DT_INTERFACE_ASSOCIATION_SIZE);
	put8(USB_DT_INTERFACE_ASSOCIATION);
	put8(CONTROL_INTERFACE);
	put8(2);
	put8(USB_CLASS_VIDEO);
	put8(UVC_SC_VIDEO_INTERFACE_COLLECTION);
	put8(0);
	put8(STRING_PRODUCT);
	put_control_interface();
	put_video_interface();
	set16(2, used);
}

/* In UTF-16 */
static int get_string(unsigned int index, uint8_t *out, size_t room)
{
	const char *const strings[STRINGS] = {
		[STRING_VENDOR] = "ksalloc",
		[STRING_PRODUCT] = "Software camera",
		[STRING_SERIAL] = serial_number,
	};
	size_t length, i;

	if (index >= STRINGS)
		return -1;
	length = strlen(strings[index]);
	if (2 + 2 * length > room)
		length = room / 2 - 1;
	out[0] = 2 + 2 * length;
	out[1] = USB_DT_STRING;
	for (i = 0; i < length; i++) {
		out[2 + 2 * i] = strings[index][i];
		out[3 + 2 * i] = 0;
	}
	return out[0];
}

static int copy(uint8_t *out, size_t room, const uint8_t *from, size_t bytes)
{
	if (bytes > room)
		return -1;
	memcpy(out, from, bytes);
	return bytes;
}

int get_descriptor(unsigned int type, unsigned int index, uint8_t *out, size_t room)
{
	switch (type) {
	case USB_DT_DEVICE:
		return copy(out, room, device_descriptor, sizeof(device_descriptor));
	case USB_DT_CONFIG:
		return copy(out, room, configuration, used);
	case USB_DT_DEVICE_QUALIFIER:
		return copy(out, room, qualifier_descriptor, sizeof(qualifier_descriptor));
	case USB_DT_STRING:
		if (index == STRING_LANGUAGES)
			return copy(out, room, languages_descriptor,
				    sizeof(languages_descriptor));
		return get_string(index, out, room > 254 ? 254 : room);
	}
	return -1;
}
