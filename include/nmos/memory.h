/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The failure memory: what was mispredicted on this machine. It corrects the Scout, and which
 * experts are read ahead of need; it never leaves the machine. Its file survives a kill at any
 * moment; a damaged one is renamed to NAME.damaged with a notice. Up to 100,000 events are kept,
 * 50,000 of them of experts, of each text the first 256 bytes. Any thread may use a memory, and
 * several processes one file.
 */
#ifndef NMOS_MEMORY_H
#define NMOS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An opened failure memory. */
struct nmos_memory;

/** What was predicted. */
enum nmos_memory_kind {
    NMOS_MEMORY_INTENT = 0, /**< the intent of a text */
    /** Which experts the first passes of a prompt would have to find in memory, kept by a typing
     * session; one of nmos_memory_observe() is listed, and corrects nothing. */
    NMOS_MEMORY_EXPERT = 1,
};

/** A misprediction. */
struct nmos_memory_event {
    int64_t id;
    enum nmos_memory_kind kind;
    int64_t at_ms;    /**< milliseconds since 1970 */
    const char *text; /**< [text_bytes] any bytes */
    size_t text_bytes;
    const char *predicted; /**< of experts: "25 of 40", that were there, of all that were used, each
                              once a layer and pass */
    const char *actual;    /**< of experts: "0:5,1 1:3", those of each layer that the first 8 passes
                              used, the soonest first; of large models not all */
    uint64_t model;        /**< of experts: a number that tells models apart; else 0 */
};
/** Receives an event, valid during the call; it may not use the memory. @return 0 to go on, or
 * negative to stop with it. */
typedef int (*nmos_memory_fn)(void *arg, const struct nmos_memory_event *event);

/**
 * Opens a failure memory, making it where there is none.
 * @param path  NULL: failures.db in $XDG_DATA_HOME/nmos or ~/.local/share/nmos.
 * @return 0, NMOS_E_IO, or NMOS_E_NOMEM.
 */
int nmos_memory_open(const char *path, struct nmos_memory **ret_memory);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_memory_close(struct nmos_memory **memory);

/**
 * Keeps what a text was taken for and what it was; nothing when these are the same.
 * @param actual  1 to 63 bytes.
 * @return 0, NMOS_E_INVALID, or NMOS_E_IO.
 */
int nmos_memory_observe(struct nmos_memory *memory, enum nmos_memory_kind kind, const void *text,
                        size_t len, const char *predicted, const char *actual);

/** Passes on all events, the newest first. @return 0, NMOS_E_IO, or what @p on_event gave. */
int nmos_memory_list(struct nmos_memory *memory, nmos_memory_fn on_event, void *arg);

/** Erases an event. @return 0, NMOS_E_INVALID when there is none of that id, or NMOS_E_IO. */
int nmos_memory_forget(struct nmos_memory *memory, int64_t id);

/** Erases all events. @return 0 or NMOS_E_IO. */
int nmos_memory_forget_all(struct nmos_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
