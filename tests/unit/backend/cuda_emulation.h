/* SPDX-License-Identifier: MIT */
/*
 * A GPU's driver that is not there: memory of the host, kernels on the processor.
 *
 * Everything is carried out at once. Device memory is checked: transfers and freed blocks have to
 * lie in what was allocated. Calls can be made to fail.
 */
#ifndef NMOS_TESTS_CUDA_EMULATION_H
#define NMOS_TESTS_CUDA_EMULATION_H

#include "backend/cuda/cuda_driver.h"

/** Puts the emulation in the driver's place: GPUs of @p memory_bytes each. */
void emulation_start(int n_devices, size_t memory_bytes, int capability);

/** Takes it away. Fails the test when something was not given back. */
void emulation_end(void);

/** The next call of @p symbol, such as "cuLaunchKernel", after @p n more of them fails; NULL: none
 * does. */
void emulation_fail(const char *symbol, int n);

/** While @p must_skip, kernels are started and do nothing. */
void emulation_skip_kernels(int must_skip);

/** Bytes of device memory in use, and calls of cuLaunchKernel so far. */
size_t emulation_used(void);
unsigned long emulation_launches(void);

#endif
