/* SPDX-License-Identifier: MIT */
#include "intent/neighbours.h"

#include <algorithm>
#include <exception>
/* With vectors of its own hnswlib 0.6.2 fetches the link behind the last one of a full list,
 * outside of its block. The distance is ours, so nothing is lost without. */
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>
#include <new>

namespace
{

constexpr size_t dims = 128; /* SKETCH_DIMS */
constexpr size_t n_start = 1024;
constexpr size_t n_links = 12;   /* of a place, in each layer of the graph */
constexpr size_t ef_build = 80;  /* candidates kept while a place is linked, ... */
constexpr size_t ef_search = 64; /* ... and while neighbours are searched */

/* The distance is minus the product. */
int minus_product(const void *a, const void *b, const void *)
{
    const int8_t *x = static_cast<const int8_t *>(a);
    const int8_t *y = static_cast<const int8_t *>(b);
    int sum = 0;
    for (size_t d = 0; d < dims; d++) sum += x[d] * y[d];
    return -sum;
}

struct byte_space : public hnswlib::SpaceInterface<int> {
    size_t get_data_size() override { return dims; }
    hnswlib::DISTFUNC<int> get_dist_func() override { return minus_product; }
    void *get_dist_func_param() override { return nullptr; }
};

} // namespace

struct neighbours {
    byte_space space;
    hnswlib::HierarchicalNSW<int> graph;
    size_t n_max;

    explicit neighbours(size_t max)
        : graph(&space, std::min(max, n_start), n_links, ef_build), n_max(max)
    {
        graph.setEf(ef_search);
    }
    neighbours(const char *path, size_t max) : graph(&space, path, false, 0), n_max(max)
    {
        graph.setEf(ef_search);
    }
};

int neighbours_create(size_t n_max, struct neighbours **ret_index)
{
    try {
        *ret_index = new neighbours(n_max);
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

int neighbours_load(const char *path, size_t n_max, struct neighbours **ret_index)
{
    try {
        *ret_index = new neighbours(path, n_max);
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

int neighbours_save(struct neighbours *index, const char *path)
{
    try {
        index->graph.saveIndex(path);
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

void neighbours_destroy(struct neighbours **index)
{
    if (!index) return;
    delete *index;
    *index = nullptr;
}

int neighbours_add(struct neighbours *index, int64_t id, const int8_t *direction)
{
    auto &graph = index->graph;
    try {
        if (graph.cur_element_count == graph.max_elements_) {
            if (graph.max_elements_ >= index->n_max) return -1;
            graph.resizeIndex(std::min(index->n_max, 2 * graph.max_elements_));
        }
        graph.addPoint(direction, static_cast<hnswlib::labeltype>(id));
        return 0;
    } catch (const std::exception &) {
        return -1;
    }
}

void neighbours_remove(struct neighbours *index, int64_t id)
{
    try {
        index->graph.markDelete(static_cast<hnswlib::labeltype>(id));
    } catch (const std::exception &) { /* it was not there */
    }
}

size_t neighbours_n_places(const struct neighbours *index)
{
    return index->graph.cur_element_count;
}

size_t neighbours_find(struct neighbours *index, const int8_t *direction, size_t n_max,
                       int64_t *ret_ids)
{
    try {
        auto found = index->graph.searchKnn(direction, n_max);
        const size_t n = found.size();
        for (size_t i = n; i > 0; i--) { /* the farthest comes first */
            ret_ids[i - 1] = static_cast<int64_t>(found.top().second);
            found.pop();
        }
        return n;
    } catch (const std::exception &) {
        return 0;
    }
}
