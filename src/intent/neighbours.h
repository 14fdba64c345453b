/* SPDX-License-Identifier: MIT */
/*
 * The directions nearest to one: hnswlib's graph, behind C.
 *
 * A direction is SKETCH_DIMS numbers of 8 bits (likeness.h) under an id. One thread at a time.
 * (Malkov and Yashunin, arXiv:1603.09320.)
 */
#ifndef NMOS_INTENT_NEIGHBOURS_H
#define NMOS_INTENT_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An index. Functions that can fail return 0, or -1 when memory is short or a file is bad. */
struct neighbours;

/** An empty index for up to @p n_max directions, which may grow to that. */
int neighbours_create(size_t n_max, struct neighbours **ret_index);
/** Reads what neighbours_save() wrote. The file must be known to be whole: it is trusted. */
int neighbours_load(const char *path, size_t n_max, struct neighbours **ret_index);
/** Writes the index to a file. */
int neighbours_save(struct neighbours *index, const char *path);
/** Frees it and nulls the pointer; NULL is a no-op. */
void neighbours_destroy(struct neighbours **index);

/** Adds a direction; -1 also when the index is full. */
int neighbours_add(struct neighbours *index, int64_t id, const int8_t *direction);
/** Leaves an id out from now on. Its place is not used again. */
void neighbours_remove(struct neighbours *index, int64_t id);
/** Places in use, removed ones included. */
size_t neighbours_n_places(const struct neighbours *index);

/**
 * The ids of the directions whose products with @p direction are largest, about: the search does
 * not look everywhere.
 * @return how many there are, up to @p n_max; the nearest first.
 */
size_t neighbours_find(struct neighbours *index, const int8_t *direction, size_t n_max,
                       int64_t *ret_ids);

#ifdef __cplusplus
}
#endif

#endif
