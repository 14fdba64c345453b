/* SPDX-License-Identifier: MIT */
/* The inside of struct nmos_file, for the engine's other files. */
#ifndef NMOS_ENGINE_FILE_VIEW_H
#define NMOS_ENGINE_FILE_VIEW_H

#include <nmos/nmos.h>

#include "gguf/gguf.h"

/** The parsed header; borrowed from @p file. */
const struct gguf *nmos_file_gguf(const struct nmos_file *file);

#endif
