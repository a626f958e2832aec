/* SPDX-License-Identifier: MIT */
/* fuzz.h -- the function that libFuzzer, and all that is compatible with it, calls. */
#ifndef DM_TEST_FUZZ_H
#define DM_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Runs the schedule that the bytes stand for; aborts when it breaks a law of the engine. */
int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);

#endif
