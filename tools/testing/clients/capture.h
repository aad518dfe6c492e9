/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What these test clients have in common: requests of properties, the choice of a format, and the
 * file with the pictures. Each client finds, opens and reads a camera in another way, as programs
 * for Windows do. They compile for Windows too, and do not test for either system.
 *
 *	CLIENT PART FRAMES FILE
 *
 * PART is a part of the path of the camera's interface.
 */
#ifndef CLIENTS_CAPTURE_H
#define CLIENTS_CAPTURE_H

#include <windows.h>
#include <winioctl.h>
#include <ks.h>
#include <ksmedia.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 320
#define PATIENCE_MS 20000

static const GUID subtype_yuy2 = {
	0x32595559, 0x0000, 0x0010, { 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71 }
};

static inline int fail(const char *what)
{
	fprintf(stderr, "%s: error %lu\n", what, (unsigned long)GetLastError());
	return -1;
}

static inline int same_guid(const GUID *one, const GUID *other)
{
	return !memcmp(one, other, sizeof(*one));
}

/* Returns the size of the result; a negative number on failure */
static inline int request(HANDLE file, void *in, ULONG in_size, void *out, ULONG out_size)
{
	DWORD returned = 0;

	if (!DeviceIoControl(file, IOCTL_KS_PROPERTY, in, in_size, out, out_size, &returned, NULL))
		return GetLastError() == ERROR_MORE_DATA ? (int)returned : -1;
	return (int)returned;
}

static inline int property(HANDLE file, const GUID *set, ULONG id, ULONG flags, void *value,
			   ULONG size)
{
	KSPROPERTY head;

	memset(&head, 0, sizeof(head));
	head.Set = *set;
	head.Id = id;
	head.Flags = flags;
	return request(file, &head, sizeof(head), value, size);
}

static inline int pin_property(HANDLE filter, ULONG id, void *value, ULONG size)
{
	KSP_PIN pin;

	memset(&pin, 0, sizeof(pin));
	pin.Property.Set = KSPROPSETID_Pin;
	pin.Property.Id = id;
	pin.Property.Flags = KSPROPERTY_TYPE_GET;
	return request(filter, &pin, sizeof(pin), value, size);
}

static inline int set_state(HANDLE pin, KSSTATE state)
{
	return property(pin, &KSPROPSETID_Connection, KSPROPERTY_CONNECTION_STATE,
			KSPROPERTY_TYPE_SET, &state, sizeof(state)) < 0 ? fail("state") : 0;
}

/* A list of a pin, to be freed; NULL on failure */
static inline KSMULTIPLE_ITEM *pin_list(HANDLE filter, ULONG id)
{
	int size = pin_property(filter, id, NULL, 0);
	KSMULTIPLE_ITEM *list;

	list = size > 0 ? (KSMULTIPLE_ITEM *)malloc((size_t)size) : NULL;
	if (list && pin_property(filter, id, list, (ULONG)size) < 0) {
		free(list);
		list = NULL;
	}
	return list;
}

/* The first range of raw pictures with this width */
static inline const KSDATARANGE *find_range(const KSMULTIPLE_ITEM *list, const GUID *specifier)
{
	const KSDATARANGE *range = (const KSDATARANGE *)(list + 1);
	ULONG i;

	for (i = 0; i < list->Count; i++) {
		const KS_DATARANGE_VIDEO *video = (const KS_DATARANGE_VIDEO *)range;

		/* The caps are at the same place in both kinds of ranges */
		if (same_guid(&range->Specifier, specifier) &&
		    same_guid(&range->SubFormat, &subtype_yuy2) &&
		    video->ConfigCaps.MinOutputSize.cx <= WIDTH &&
		    video->ConfigCaps.MaxOutputSize.cx >= WIDTH)
			return range;
		range = (const KSDATARANGE *)((const char *)range +
					      ((range->FormatSize + 7) & ~7u));
	}
	return NULL;
}

struct pin_request {
	KSPIN_CONNECT connect;
	KS_DATAFORMAT_VIDEOINFOHEADER format;
};

static inline void begin_connect(KSPIN_CONNECT *connect)
{
	memset(connect, 0, sizeof(*connect));
	connect->Interface.Set = KSINTERFACESETID_Standard;
	connect->Interface.Id = KSINTERFACE_STANDARD_STREAMING;
	connect->Medium.Set = KSMEDIUMSETID_Standard;
	connect->Medium.Id = KSMEDIUM_STANDARD_DEVIO;
	connect->Priority.PriorityClass = KSPRIORITY_NORMAL;
	connect->Priority.PrioritySubClass = 1;
}

/* A format as it stands in the range, in the request for a pin */
static inline int use_range(HANDLE filter, struct pin_request *pin)
{
	KSMULTIPLE_ITEM *list = pin_list(filter, KSPROPERTY_PIN_DATARANGES);
	const KS_DATARANGE_VIDEO *range = NULL;

	if (list)
		range = (const KS_DATARANGE_VIDEO *)
			find_range(list, &KSDATAFORMAT_SPECIFIER_VIDEOINFO);
	begin_connect(&pin->connect);
	if (range) {
		pin->format.DataFormat = range->DataRange;
		pin->format.DataFormat.FormatSize = sizeof(pin->format);
		pin->format.VideoInfoHeader = range->VideoInfoHeader;
	}
	free(list);
	return range ? 0 : fail("ranges");
}

/* A header of a read, with what a driver tells about the picture */
struct picture {
	KSSTREAM_HEADER header;
	KS_FRAME_INFO info;
};

/* For a read into memory of this size, which the header has already */
static inline void prepare(struct picture *picture, ULONG bytes)
{
	PVOID data = picture->header.Data;

	memset(picture, 0, sizeof(*picture));
	picture->header.Size = sizeof(*picture);
	picture->header.FrameExtent = bytes;
	picture->header.Data = data;
}

struct output {
	const char *part;
	ULONG wanted;
	ULONG pictures;
	LONGLONG number;
	LONGLONG time;
	FILE *file;
};

static inline int output_open(struct output *output, int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: %s PART FRAMES FILE\n", argv[0]);
		return -1;
	}
	memset(output, 0, sizeof(*output));
	output->part = argv[1];
	output->wanted = (ULONG)atoi(argv[2]);
	output->file = fopen(argv[3], "wb");
	return output->file ? 0 : fail(argv[3]);
}

/*
 * Pictures come in the order of their numbers, of which some can be lost, and of their times. A
 * late camera can give two the same time
 */
static inline int output_add(struct output *output, const struct picture *picture)
{
	const KSSTREAM_HEADER *header = &picture->header;

	if (picture->info.ExtendedHeaderSize != sizeof(picture->info) ||
	    picture->info.PictureNumber <= output->number ||
	    !(header->OptionsFlags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID) ||
	    header->PresentationTime.Time < output->time) {
		fprintf(stderr, "picture %lu is not in order\n", (unsigned long)output->pictures);
		return -1;
	}
	output->number = picture->info.PictureNumber;
	output->time = header->PresentationTime.Time;
	if (fwrite(header->Data, 1, header->DataUsed, output->file) != header->DataUsed)
		return fail("file");
	output->pictures++;
	return 0;
}

static inline int output_is_done(const struct output *output)
{
	return output->pictures >= output->wanted;
}

static inline int output_close(struct output *output, int ret)
{
	if (fclose(output->file))
		ret = fail("file");
	printf("%lu pictures\n", (unsigned long)output->pictures);
	return ret || !output_is_done(output) ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* CLIENTS_CAPTURE_H */
