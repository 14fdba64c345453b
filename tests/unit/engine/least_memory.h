/* SPDX-License-Identifier: MIT */
/* Opening a model with as little memory as the engine allows. */
#ifndef NMOS_TESTS_LEAST_MEMORY_H
#define NMOS_TESTS_LEAST_MEMORY_H

#include <nmos/nmos.h>
#include <stdlib.h>
#include <string.h>

/**
 * Opens with @p more_bytes beyond the least memory that the engine names when it refuses.
 * @param slack_bytes  more for each try: what the process holds may grow between two tries, under a
 * sanitizer for one.
 * @return as nmos_model_open(); NMOS_E_NOMEM when twenty tries were refused.
 */
static inline int open_with_least(struct nmos_model_options options, uint64_t more_bytes,
                                  uint64_t slack_bytes, struct nmos_model **ret_model)
{
    options.ram_bytes = 1;
    for (uint64_t n_tries = 0; n_tries < 20; n_tries++) {
        const int rc = nmos_model_open(&options, ret_model);
        const char *sum = strstr(nmos_last_error(), " make ");
        if (rc == 0 || rc != NMOS_E_NOMEM || !sum) return rc;
        options.ram_bytes =
            strtoull(sum + strlen(" make "), NULL, 10) + n_tries * slack_bytes + more_bytes;
    }
    return NMOS_E_NOMEM;
}

#endif
