/* SPDX-License-Identifier: MIT */
/* The one function of a fuzz target, called by libFuzzer or by driver.c. */
#ifndef NMOS_TESTS_FUZZ_H
#define NMOS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** Feeds @p size bytes to what is under test; aborts when a promise is broken. @return 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
