/* SPDX-License-Identifier: MIT */
#include "infer/draft_ngram.h"

/* Tokens that the ends of tokens[0, a) and tokens[0, b) have in common, a < b. */
static uint32_t common_end(const int32_t *tokens, size_t a, size_t b)
{
    uint32_t n = 0;
    while (n < NGRAM_MATCH_MAX && n < a && tokens[a - 1 - n] == tokens[b - 1 - n]) n++;
    return n;
}

struct ngram_match ngram_find(const int32_t *tokens, size_t n)
{
    struct ngram_match best = {0};
    for (size_t end = n; end-- > 1;) {
        if (tokens[end - 1] != tokens[n - 1]) continue;
        const uint32_t length = common_end(tokens, end, n);
        if (length < NGRAM_MATCH_MIN || length <= best.n_tokens) continue;
        best = (struct ngram_match){end, length};
        if (length == NGRAM_MATCH_MAX) break;
    }
    return best;
}
