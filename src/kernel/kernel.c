/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "kernel/matmul.h"

void kernel_init(void)
{
    matmul_init();
}
