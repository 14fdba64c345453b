/* SPDX-License-Identifier: MIT */
/* Are stored weights finite? For verification of model files. */
#ifndef NMOS_QUANT_VALIDATE_H
#define NMOS_QUANT_VALIDATE_H

#include <stddef.h>

#include "quant/format.h"

/**
 * Looks for a value that is not a finite number: an infinite or NaN weight of F32, F16 and BF16, or
 * such a scale or min of a quantised block (MXFP4: exponent 255). Everything else that bits can say
 * is a valid weight.
 * @param type      a weight type (asserted).
 * @param blocks    @p n_blocks blocks as they lie in a file (a block of a float type is one value),
 * aligned to 4 bytes for F32, else to 2.
 * @return the index of the first bad block, @p n_blocks when all are good. Runs at memory speed.
 * Thread-safe.
 */
size_t tensor_blocks_check(enum tensor_type type, const void *blocks, size_t n_blocks);

#endif
