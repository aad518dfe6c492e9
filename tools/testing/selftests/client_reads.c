// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: reads of user-mode clients of Kernel Streaming with libkswin.
 */
#include "client.h"

#include <string.h>

/* I2, I3: reads complete when their frames are filled, in order, each with its header. */
TEST_F(client, reads)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	LONGLONG last = 0;
	int i, which;

	take_each(self->allocator, frames);
	EXPECT_EQ(ERROR_OPERATION_ABORTED, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, begin_read(self->pin, &reads[0], &last, 0));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i],
						       self->framing.FrameSize));
	EXPECT_EQ(ERROR_BUSY, begin_read(self->pin, &(struct read) { 0 }, frames[0], 0));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_BUSY), give(self->allocator, frames[0]));
	EXPECT_EQ(ERROR_IO_INCOMPLETE, end_read(self->pin, &reads[0], FALSE));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	for (i = 0; i < 3 * READS; i++) {
		which = i % READS;
		ASSERT_EQ(0, end_read(self->pin, &reads[which], TRUE));
		EXPECT_TRUE(reads[which].header.Data == frames[which]);
		EXPECT_EQ(self->framing.FrameSize, reads[which].header.DataUsed);
		EXPECT_TRUE(reads[which].header.OptionsFlags &
			    KSSTREAM_HEADER_OPTIONSF_TIMEVALID);
		/* If vivid is late, it makes two frames with the same number and time */
		EXPECT_LE(last, reads[which].header.PresentationTime.Time);
		last = reads[which].header.PresentationTime.Time;
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[which], frames[which],
						       self->framing.FrameSize));
	}
}

static LONGLONG time_of(HANDLE clock)
{
	LONGLONG time = 0;

	EXPECT_EQ(S_OK, property(clock, &KSPROPSETID_Clock, KSPROPERTY_CLOCK_TIME,
				 KSPROPERTY_TYPE_GET, &time, sizeof(time), NULL));
	return time;
}

/* J2: the times of frames are those of the clock of the pin. */
TEST_F(client, clock)
{
	KSCLOCK_CREATE create = { 0 };
	LONGLONG before, after, first = 0;
	static struct read read;
	HANDLE clock = NULL;
	void *frame = NULL;
	int i;

	ASSERT_EQ(ERROR_SUCCESS, KsCreateClock(self->pin, &create, &clock));
	ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream, KSPROPERTY_STREAM_MASTERCLOCK,
				 KSPROPERTY_TYPE_SET, &clock, sizeof(clock), NULL));
	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	before = time_of(clock);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	/* A picture can have begun slightly before, and its time is that of its end */
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
		ASSERT_EQ(0, end_read(self->pin, &read, TRUE));
		if (!i)
			first = read.header.PresentationTime.Time;
	}
	after = time_of(clock);
	EXPECT_LT(before, read.header.PresentationTime.Time);
	EXPECT_LT(first, after);
	EXPECT_TRUE(CloseHandle(clock));
}

/*
 * I4: STOP ends the reads as cancelled. As on Windows, the client still holds the frames:
 * ALLOC does not return them, they can be used for reads again, and each can be freed once.
 */
TEST_F(client, cancelled_reads)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, give(self->allocator, frames[3]));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	EXPECT_EQ(0, frames_allocated(self->allocator));

	/* The free frame is the last one in the kernel's order too. */
	ASSERT_EQ(S_OK, take(self->allocator, &frames[0]));
	EXPECT_TRUE(frames[0] == frames[3]);
	frames[0] = reads[0].header.Data;
	EXPECT_EQ(S_OK, give(self->allocator, frames[1]));
	EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(self->allocator, frames[1]));

	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[2], frames[2], 0));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[3], frames[3], 0));
	EXPECT_EQ(0, end_read(self->pin, &reads[2], TRUE));
}

/*
 * B3, I4: a waiting ALLOC does not get a frame whose read was cancelled, although the
 * kernel frees that one immediately: the client still holds it, and frees it.
 */
TEST_F(client, cancelled_frame_goes_to_no_waiter)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 }, *later = NULL;
	OVERLAPPED overlapped = { 0 };
	KSMETHOD request;
	DWORD bytes;
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(ERROR_IO_PENDING, take_later(self->allocator, &request, &later, &overlapped));
	sleep_ms(20);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < READS; i++)
		EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	/*
	 * The kernel has no free frame: ALLOC waits again after it has got all of them for
	 * the client.
	 */
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == READS));
	sleep_ms(20);
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
	EXPECT_EQ(S_OK, give(self->allocator, frames[2]));
	EXPECT_TRUE(GetOverlappedResult(self->allocator, &overlapped, &bytes, TRUE));
	EXPECT_TRUE(later == frames[2]);
	for (i = 0; i < READS; i++)
		EXPECT_EQ(S_OK, give(self->allocator, frames[i]));
	EXPECT_EQ(0, frames_allocated(self->allocator));
}

/* Reads into all frames, closes the pin, and checks which client gets the frames. */
static void lose_pin(HANDLE pin, HANDLE allocator, bool by_closing)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 }, *later = NULL;
	OVERLAPPED overlapped = { 0 };
	HANDLE none = NULL;
	KSMETHOD request;
	DWORD bytes;
	int i;

	take_each(allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(pin, KSSTATE_RUN));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(pin, &reads[i], frames[i], 0));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(0, end_read(pin, &reads[i], TRUE));
	if (by_closing) {
		ASSERT_TRUE(CloseHandle(pin));
	} else {
		ASSERT_EQ(S_OK, set_pin_state(pin, KSSTATE_STOP));
		ASSERT_EQ(S_OK, property(pin, &KSPROPSETID_Stream, KSPROPERTY_STREAM_ALLOCATOR,
					 KSPROPERTY_TYPE_SET, &none, sizeof(none), NULL));
	}
	EXPECT_EQ(ERROR_IO_PENDING, take_later(allocator, &request, &later, &overlapped));
	sleep_ms(50);
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
	EXPECT_EQ(S_OK, give(allocator, frames[3]));
	EXPECT_TRUE(GetOverlappedResult(allocator, &overlapped, &bytes, TRUE));
	EXPECT_TRUE(later == frames[3]);
	for (i = 0; i < READS; i++) {
		EXPECT_EQ(S_OK, give(allocator, frames[i]));
		EXPECT_EQ(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER), give(allocator, frames[i]));
	}
	EXPECT_EQ(0, frames_allocated(allocator));
}

/*
 * B5, J2: frames that were used for reads belong to the client after the pin was closed,
 * until they are freed: ALLOC does not return them before, and FREE accepts each once.
 */
TEST_F(client, frames_survive_their_pin)
{
	lose_pin(self->pin, self->allocator, true);
	self->pin = NULL;
}

/* B5, D5, J2: the same after another allocator, or none, was assigned to the pin. */
TEST_F(client, frames_survive_another_allocator)
{
	lose_pin(self->pin, self->allocator, false);
}

/* I4: reads that another process ended complete exactly once. */
TEST_F(client, reads_ended_by_another)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	HANDLE none = NULL;
	int turn, i;

	take_each(self->allocator, frames);
	for (turn = 0; turn < 20; turn++) {
		ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream,
					 KSPROPERTY_STREAM_ALLOCATOR, KSPROPERTY_TYPE_SET,
					 &self->allocator, sizeof(HANDLE), NULL));
		ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
		for (i = 0; i < READS; i++)
			ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
		ASSERT_EQ(0, set_state(LibksDescriptor(self->pin), KSSTATE_STOP));
		/* Mostly before the library notices it */
		ASSERT_EQ(S_OK, property(self->pin, &KSPROPSETID_Stream,
					 KSPROPERTY_STREAM_ALLOCATOR, KSPROPERTY_TYPE_SET, &none,
					 sizeof(none), NULL));
		for (i = 0; i < READS; i++)
			EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &reads[i], FALSE));
	}
	for (i = 0; i < READS; i++)
		EXPECT_EQ(S_OK, give(self->allocator, frames[i]));
}

/* J2: a frame that the client submitted without the library is not lost. */
TEST_F(client, frame_that_nobody_reads)
{
	static struct read read;
	void *frame = NULL;
	int allocator = LibksDescriptor(self->allocator);

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(LibksDescriptor(self->pin), alloc_now(allocator)));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(2, frames_allocated(self->allocator));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	EXPECT_EQ(0, end_read(self->pin, &read, TRUE));
	EXPECT_EQ(1, frames_allocated(self->allocator));
}

/* Threads that share a pin and an allocator, and the errors that they found */
struct crowd {
	HANDLE pin;
	HANDLE allocator;
	ULONG size;
	void *frames[READS];
	atomic_bool held[READS];
	atomic_bool stop;
	atomic_int reads;
	atomic_int cancelled;
	atomic_int held_twice;
	atomic_int wrong;
};

static atomic_bool *held_mark(struct crowd *crowd, const void *frame)
{
	int i;

	for (i = 0; i < READS; i++)
		if (crowd->frames[i] == frame)
			return &crowd->held[i];
	crowd->wrong++;
	return &crowd->held[0];
}

static void read_in_crowd(struct crowd *crowd, void *frame)
{
	struct read read = { 0 };
	DWORD error = begin_read(crowd->pin, &read, frame, crowd->size);

	/* While the kernel gives the frame to its holder, it is busy. */
	if (error == ERROR_OPERATION_ABORTED || error == ERROR_BUSY)
		return;
	if (error == ERROR_IO_PENDING)
		error = end_read(crowd->pin, &read, TRUE);
	if (error == ERROR_OPERATION_ABORTED)
		crowd->cancelled++;
	else if (!error && read.header.DataUsed == crowd->size)
		crowd->reads++;
	else
		crowd->wrong++;
}

static void *be_in_crowd(void *arg)
{
	struct crowd *crowd = arg;
	OVERLAPPED overlapped;
	atomic_bool *held;
	KSMETHOD request;
	void *frame;
	DWORD error, bytes;

	while (!crowd->stop) {
		overlapped = (OVERLAPPED) { 0 };
		error = take_later(crowd->allocator, &request, &frame, &overlapped);
		if ((error && error != ERROR_IO_PENDING) ||
		    !GetOverlappedResult(crowd->allocator, &overlapped, &bytes, TRUE)) {
			crowd->wrong++;
			break;
		}
		held = held_mark(crowd, frame);
		crowd->held_twice += atomic_exchange(held, true);
		read_in_crowd(crowd, frame);
		*held = false;
		crowd->wrong += give(crowd->allocator, frame) != S_OK;
	}
	return NULL;
}

/*
 * B3, B5, I4: whatever happens to the stream while more threads want frames than there are,
 * each frame has one holder, who can free it, and each read completes.
 */
TEST_F(client, frames_have_one_holder)
{
	static const KSSTATE states[] = {
		KSSTATE_RUN, KSSTATE_STOP, KSSTATE_RUN, KSSTATE_PAUSE, KSSTATE_ACQUIRE,
		KSSTATE_PAUSE, KSSTATE_RUN, KSSTATE_PAUSE,
	};
	static struct crowd crowd;
	pthread_t threads[READS + 2];
	unsigned int i;

	crowd.pin = self->pin;
	crowd.allocator = self->allocator;
	crowd.size = self->framing.FrameSize;
	take_each(self->allocator, crowd.frames);
	for (i = 0; i < READS; i++)
		ASSERT_EQ(S_OK, give(self->allocator, crowd.frames[i]));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, be_in_crowd, &crowd));
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(S_OK, set_pin_state(self->pin, states[i % ARRAY_SIZE(states)]));
		sleep_ms(i % 23);
	}
	crowd.stop = true;
	EXPECT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	harness_note("%d reads, %d cancelled", crowd.reads, crowd.cancelled);
	EXPECT_LT(0, crowd.reads);
	EXPECT_LT(0, crowd.cancelled);
	EXPECT_EQ(0, crowd.held_twice);
	EXPECT_EQ(0, crowd.wrong);
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == 0));
}

/* I4: a frame that another process got after the cancel cannot be read into here. */
TEST_F(client, cancelled_frame_goes_to_another_process)
{
	static struct read reads[READS];
	void *frames[READS] = { 0 };
	struct agent agent;
	int i, fd;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	for (i = 0; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[i], frames[i], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_ACQUIRE));
	agent_start(&agent);
	fd = agent_open(&agent, LibksDescriptor(self->allocator));
	for (i = 0; i < READS; i++)
		ASSERT_LE(0, agent_alloc(&agent, fd));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	EXPECT_EQ(ERROR_BUSY, begin_read(self->pin, &reads[0], frames[0], 0));
	agent_exit(&agent);
	EXPECT_TRUE(EVENTUALLY(frames_allocated(self->allocator) == 0));
	EXPECT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &reads[0], frames[0], 0));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_STOP));
}

/* I5: RESET_STATE ends the reads as cancelled, and reads work after it. */
TEST_F(client, flush)
{
	KSRESET reset = KSRESET_BEGIN;
	static struct read read;
	ULONG returned;
	void *frame = NULL;

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_RESET_STATE, &reset,
						   sizeof(reset), NULL, 0, &returned));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, end_read(self->pin, &read, FALSE));
	EXPECT_EQ(ERROR_OPERATION_ABORTED, begin_read(self->pin, &read, frame, 0));
	reset = KSRESET_END;
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_RESET_STATE, &reset,
						   sizeof(reset), NULL, 0, &returned));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	EXPECT_EQ(0, end_read(self->pin, &read, TRUE));
}

/* J2: KsSynchronousDeviceControl() of a read waits for the frame. */
TEST_F(client, synchronous_read)
{
	KSSTREAM_HEADER header = { .Size = sizeof(header) };
	void *frames[READS] = { 0 };
	static struct read others[READS];
	ULONG returned;
	int i;

	take_each(self->allocator, frames);
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_RUN));
	for (i = 1; i < READS; i++)
		ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &others[i], frames[i], 0));
	header.Data = frames[0];
	EXPECT_EQ(S_OK, KsSynchronousDeviceControl(self->pin, IOCTL_KS_READ_STREAM, NULL, 0,
						   &header, sizeof(header), &returned));
	EXPECT_EQ(sizeof(header), returned);
	EXPECT_EQ(self->framing.FrameSize, header.DataUsed);
	/* All frames have been used once. */
	for (i = 1; i < READS; i++)
		EXPECT_EQ(0, end_read(self->pin, &others[i], TRUE));
}

/*
 * I6: the device disappears: reads fail with ERROR_DEVICE_REMOVED, and the handles can be
 * closed.
 */
TEST_F(client, device_goes)
{
	static struct read read;
	void *frame = NULL;

	ASSERT_EQ(S_OK, take(self->allocator, &frame));
	ASSERT_EQ(S_OK, set_pin_state(self->pin, KSSTATE_PAUSE));
	ASSERT_EQ(ERROR_IO_PENDING, begin_read(self->pin, &read, frame, 0));
	vivid_unbind();
	EXPECT_EQ(ERROR_DEVICE_REMOVED, end_read(self->pin, &read, TRUE));
	EXPECT_EQ(S_OK, give(self->allocator, frame));
	EXPECT_TRUE(CloseHandle(self->pin));
	EXPECT_TRUE(CloseHandle(self->filter));
	self->pin = NULL;
	self->filter = NULL;
	vivid_bind();
}
