/* SPDX-License-Identifier: MIT */
/*
 * The tree of guessed tokens behind the last token of a session.
 *
 * A node is a token behind its parent; nodes without a parent follow the root, the token that was
 * drawn last. A node's p estimates the probability that the target's text goes through it; as a
 * child's p is below its parent's, the n likeliest nodes are themselves a tree, the best one of its
 * size (SpecExec, arXiv:2406.02532). Several sources may guess the same token: they share a node.
 * Arithmetic only; one owner.
 */
#ifndef NMOS_INFER_GUESS_TREE_H
#define NMOS_INFER_GUESS_TREE_H

#include <stdint.h>

#include "base/error.h"
#include "infer/guess_odds.h"

#define GUESS_NODES_MAX 1024U
#define GUESS_DEPTH_MAX                                                                            \
    32U /* with what a draft has still to catch up, below FORWARD_TREE_DEPTH_MAX */
#define GUESS_ROOT (-1)

struct guess_node {
    int32_t token;
    int32_t parent; /* an earlier node, or GUESS_ROOT */
    float p;        /* that the text goes through it; below its parent's */
    uint32_t depth; /* 1 behind the root */
    /* Which sources guessed it, and how sure each was (guess_odds.h); -1: did not. */
    int8_t bin[GUESS_SOURCES];
    int32_t draft_row; /* the draft's pending row that holds it, or -1: the draft has not run it */
    int32_t row;       /* its row in the target's pass, or -1: not verified */
};

struct guess_tree {
    struct guess_node *nodes; /* [GUESS_NODES_MAX] parents before children */
    uint32_t n;
    uint32_t *order; /* [GUESS_NODES_MAX] nodes by falling p, after guess_tree_sort() */
    float p_least;   /* what is not likelier joins no more; 0 after guess_tree_clear() */
};

/** @return 0 or NMOS_E_NOMEM. */
int guess_tree_init(struct guess_tree *tree) NMOS_MUST_CHECK;
void guess_tree_deinit(struct guess_tree *tree);

/** Forgets all nodes. */
void guess_tree_clear(struct guess_tree *tree);

/**
 * Adds a guess behind @p parent, with the odds of its source and bin, or joins the node that is
 * there already; then it and what is behind it get the odds of what both guess.
 * @return the node, or GUESS_ROOT when it is too unlikely, or the tree is full or too deep.
 */
int32_t guess_tree_add(struct guess_tree *tree, int32_t parent, int32_t token,
                       enum guess_source source, int8_t bin, const struct guess_odds *odds);

/** The child of @p parent (a node or GUESS_ROOT) with this token, or GUESS_ROOT when there is none.
 */
int32_t guess_tree_child(const struct guess_tree *tree, int32_t parent, int32_t token);

/** Fills `order`: falling p, parents before children, earlier nodes first among equals. */
void guess_tree_sort(struct guess_tree *tree);

#endif
