/* SPDX-License-Identifier: MIT */
/* What the files of the option parser share. */
#ifndef NMOS_BASE_OPTIONS_INTERNAL_H
#define NMOS_BASE_OPTIONS_INTERNAL_H

#include "base/options.h"

/* Where a value comes from; later sources win. */
enum { FROM_NOWHERE, FROM_DEFAULT, FROM_FILE, FROM_ARGS };

/** Turns @p text into a value of the option's type. @return 0, or NMOS_E_INVALID saying what is
 * allowed. */
int options_store_value(const struct option_spec *spec, const char *text,
                        void *value) NMOS_MUST_CHECK;

/** Adds a line of a section [KIND:NAME], which is checked. */
int options_add_entry(struct options *options, const struct option_entry *entry) NMOS_MUST_CHECK;

#endif
