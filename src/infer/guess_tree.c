/* SPDX-License-Identifier: MIT */
#include "infer/guess_tree.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

int guess_tree_init(struct guess_tree *tree)
{
    *tree = (struct guess_tree){
        .nodes = mem_calloc(MEM_SCRATCH, GUESS_NODES_MAX, sizeof(tree->nodes[0])),
        .order = mem_calloc(MEM_SCRATCH, GUESS_NODES_MAX, sizeof(tree->order[0]))};
    return tree->nodes && tree->order ? 0 : NMOS_E_NOMEM;
}

void guess_tree_deinit(struct guess_tree *tree)
{
    mem_free(tree->nodes);
    mem_free(tree->order);
    *tree = (struct guess_tree){0};
}

void guess_tree_clear(struct guess_tree *tree)
{
    tree->n = 0;
    tree->p_least = 0.0F;
}

int32_t guess_tree_child(const struct guess_tree *tree, int32_t parent, int32_t token)
{
    for (uint32_t i = (uint32_t)(parent + 1); i < tree->n; i++) {
        if (tree->nodes[i].parent == parent && tree->nodes[i].token == token) return (int32_t)i;
    }
    return GUESS_ROOT;
}

/* Works out the p of a node, and of what is behind it. */
static void update(struct guess_tree *tree, uint32_t node_i, const struct guess_odds *odds)
{
    for (uint32_t i = node_i; i < tree->n; i++) {
        struct guess_node *node = &tree->nodes[i];
        const float p = node->parent == GUESS_ROOT ? 1.0F : tree->nodes[node->parent].p;
        if (i > node_i && node->parent < (int32_t)node_i) continue;
        node->p = p * guess_odds_get(odds, node->bin);
    }
}

int32_t guess_tree_add(struct guess_tree *tree, int32_t parent, int32_t token,
                       enum guess_source source, int8_t bin, const struct guess_odds *odds)
{
    assert(parent >= GUESS_ROOT && parent < (int32_t)tree->n);
    const float p_parent = parent == GUESS_ROOT ? 1.0F : tree->nodes[parent].p;
    const uint32_t depth = parent == GUESS_ROOT ? 1 : tree->nodes[parent].depth + 1;
    int32_t i = guess_tree_child(tree, parent, token);
    if (i == GUESS_ROOT) {
        struct guess_node node = {
            .token = token, .parent = parent, .depth = depth, .draft_row = -1, .row = -1};
        memset(node.bin, -1, sizeof(node.bin));
        node.bin[source] = bin;
        node.p = p_parent * guess_odds_get(odds, node.bin);
        if (tree->n == GUESS_NODES_MAX || depth > GUESS_DEPTH_MAX) return GUESS_ROOT;
        if (node.p <= tree->p_least) return GUESS_ROOT;
        tree->nodes[tree->n] = node;
        return (int32_t)tree->n++;
    }
    tree->nodes[i].bin[source] = bin;
    update(tree, (uint32_t)i, odds);
    return i;
}

/* Insertion sort by falling p: the order grows by few nodes and is nearly sorted. */
void guess_tree_sort(struct guess_tree *tree)
{
    for (uint32_t i = 0; i < tree->n; i++) {
        uint32_t at = i;
        for (; at > 0 && tree->nodes[tree->order[at - 1]].p < tree->nodes[i].p; at--) {
            tree->order[at] = tree->order[at - 1];
        }
        tree->order[at] = i;
    }
}
