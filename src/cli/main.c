/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int main(void)
{
    puts("nmos " NMOS_VERSION);
    return 0;
}
