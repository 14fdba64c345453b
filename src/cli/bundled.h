/* SPDX-License-Identifier: MIT */
/* The models that come with the program: where they lie, and which one is the default. */
#ifndef NMOS_CLI_BUNDLED_H
#define NMOS_CLI_BUNDLED_H

#include "base/error.h"

#define BUNDLED_ORACLE "nano-oracle.gguf"
#define BUNDLED_DRAFT  "nano-draft.gguf"

/**
 * Finds a bundled model: beside the program as it was installed (../share/nmos/models), in the
 * source tree that it was built in, then where the build would have installed it.
 *
 * @param name     a file name below models/.
 * @param ret_path receives the path, to be freed with mem_free(); NULL when it is not there.
 * @return 0, or NMOS_E_NOMEM.
 */
int bundled_find(const char *name, char **ret_path) NMOS_MUST_CHECK;

#endif
