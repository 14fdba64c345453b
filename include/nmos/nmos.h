/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The public interface of NMOS: all of it.
 *
 * Functions that can fail return 0 or a negative enum nmos_status; nmos_last_error() then holds a
 * sentence for people. Types are opaque. What *_create() or *_open() returns belongs to the caller
 * until the matching *_destroy() or *_close(), which nulls the caller's pointer.
 */
#ifndef NMOS_NMOS_H
#define NMOS_NMOS_H

#include <nmos/error.h>
#include <nmos/file.h>
#include <nmos/generation.h>
#include <nmos/memory.h>
#include <nmos/model.h>
#include <nmos/plan.h>
#include <nmos/scheduler.h>
#include <nmos/scout.h>
#include <nmos/session.h>
#include <nmos/template.h>
#include <nmos/typing.h>
#include <nmos/vocabulary.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library, "MAJOR.MINOR.PATCH". */
const char *nmos_version(void);

/** Frees what a function of this library gave to the caller as a plain block; NULL is a no-op. */
void nmos_free(void *block);

#ifdef __cplusplus
}
#endif

#endif
