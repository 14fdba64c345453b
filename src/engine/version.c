/* SPDX-License-Identifier: MIT */
#include <nmos/nmos.h>

#include "base/error.h"

const char *nmos_version(void)
{
    return NMOS_VERSION;
}

const char *nmos_last_error(void)
{
    return error_message();
}
