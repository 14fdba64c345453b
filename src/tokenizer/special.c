/* SPDX-License-Identifier: MIT */
/*
 * Tokens with a meaning: their roles, which of them end a generation, and how they are found in
 * text.
 *
 * The metadata names some by id. Chat models end a turn with tokens that it often does not name, so
 * those known in the field are recognised by their spelling. In text, special tokens are found by
 * binary search in their sorted spellings, byte by byte: the leftmost, then the longest.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "tokenizer/tokenizer_internal.h"

#define BAR "\xef\xbd\x9c" /* U+FF5C */
#define LOW "\xe2\x96\x81" /* U+2581 */

enum known_use {
    KNOWN_END,     /* ends a generation */
    KNOWN_CONTROL, /* never text: a control token even where a converter made it another */
    KNOWN_CONTROL_END,
};

/* Spellings with a meaning that the metadata may not tell; the likeliest end of a turn first. */
// clang-format off
static const struct known_spelling {
    const char *text;
    enum known_use use;
} known_spellings[] = {
    {"<|eot_id|>", KNOWN_CONTROL_END}, {"<|im_end|>", KNOWN_CONTROL_END},
    {"<|end|>", KNOWN_CONTROL_END}, {"<end_of_turn>", KNOWN_CONTROL_END},
    {"<|eom_id|>", KNOWN_CONTROL_END}, {"<|return|>", KNOWN_CONTROL_END},
    {"<|call|>", KNOWN_CONTROL_END}, {"<|endoftext|>", KNOWN_CONTROL_END},
    {"<EOT>", KNOWN_CONTROL_END}, {"_<EOT>", KNOWN_CONTROL_END},
    {"<end_of_utterance>", KNOWN_CONTROL_END},
    {"<" BAR "end" LOW "of" LOW "sentence" BAR ">", KNOWN_CONTROL_END},
    {"</s>", KNOWN_CONTROL_END},
    {"<turn|>", KNOWN_END}, {"<|END_OF_TURN_TOKEN|>", KNOWN_END}, {"<|end_of_text|>", KNOWN_END},
    {"<|EOT|>", KNOWN_END}, {"<|eot|>", KNOWN_END}, {"<|role_end|>", KNOWN_END}, {"[EOT]", KNOWN_END},
    {"[EOS]", KNOWN_END}, {"<eos>", KNOWN_END},
    /* Fill-in-the-middle. */
    {"<|fim_prefix|>", KNOWN_CONTROL}, {"<|fim_suffix|>", KNOWN_CONTROL},
    {"<|fim_middle|>", KNOWN_CONTROL}, {"<|fim_pad|>", KNOWN_CONTROL},
    {"<fim_prefix>", KNOWN_CONTROL}, {"<fim_suffix>", KNOWN_CONTROL},
    {"<fim_middle>", KNOWN_CONTROL}, {"<fim_pad>", KNOWN_CONTROL},
    {"<fim-prefix>", KNOWN_CONTROL}, {"<fim-suffix>", KNOWN_CONTROL},
    {"<fim-middle>", KNOWN_CONTROL}, {"<fim-pad>", KNOWN_CONTROL},
    {"<" BAR "fim" LOW "begin" BAR ">", KNOWN_CONTROL}, {"<" BAR "fim" LOW "hole" BAR ">", KNOWN_CONTROL},
    {"<" BAR "fim" LOW "end" BAR ">", KNOWN_CONTROL},
    {"<|repo_name|>", KNOWN_CONTROL}, {"<|file_sep|>", KNOWN_CONTROL}, {"<reponame>", KNOWN_CONTROL},
};
// clang-format on
#define N_KNOWN_SPELLINGS (sizeof(known_spellings) / sizeof(known_spellings[0]))

static int load_role(const struct tokenizer *t, const struct gguf *gguf, const char *key,
                     int32_t fallback, int32_t *ret_id)
{
    *ret_id = fallback;
    if (!gguf_find(gguf, key)) return 0;
    uint64_t id = 0;
    TRY(gguf_get_u64(gguf, key, 0, &id));
    if (id == UINT32_MAX) return 0; /* how some writers say "none" */
    if (id >= (uint64_t)t->n_vocab) {
        return FAIL(NMOS_E_CORRUPT, "%s is %" PRIu64 "; the vocabulary has %d tokens", key, id,
                    t->n_vocab);
    }
    *ret_id = (int32_t)id;
    return 0;
}

static int load_roles(struct tokenizer *t, const struct gguf *gguf)
{
    struct token_roles *r = &t->roles;
    const int is_spm = t->family == FAMILY_SPM && t->n_vocab > 2;
    TRY(load_role(t, gguf, "tokenizer.ggml.bos_token_id", is_spm ? 1 : TOKEN_NONE, &r->bos));
    TRY(load_role(t, gguf, "tokenizer.ggml.eos_token_id", is_spm ? 2 : TOKEN_NONE, &r->eos));
    TRY(load_role(t, gguf, "tokenizer.ggml.unknown_token_id", is_spm ? 0 : TOKEN_NONE, &r->unk));
    TRY(load_role(t, gguf, "tokenizer.ggml.eot_token_id", TOKEN_NONE, &r->eot));
    TRY(load_role(t, gguf, "tokenizer.ggml.eom_token_id", TOKEN_NONE, &r->eom));
    TRY(load_role(t, gguf, "tokenizer.ggml.seperator_token_id", TOKEN_NONE, &r->sep));
    TRY(load_role(t, gguf, "tokenizer.ggml.padding_token_id", TOKEN_NONE, &r->pad));
    const int add_bos = t->family == FAMILY_SPM || t->pre.rule->add_bos;
    TRY(gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", add_bos, &r->add_bos));
    TRY(gguf_get_bool(gguf, "tokenizer.ggml.add_eos_token", 0, &r->add_eos));
    return gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", t->family == FAMILY_SPM,
                         &t->add_space_prefix);
}

/* Position of a spelling in the table, or N_KNOWN_SPELLINGS. */
static size_t find_known(struct str text)
{
    if (text.len < 4 || (text.data[0] != '<' && text.data[0] != '[' && text.data[0] != '_')) {
        return N_KNOWN_SPELLINGS;
    }
    size_t i = 0;
    while (i < N_KNOWN_SPELLINGS && !str_equal(text, str_from(known_spellings[i].text))) i++;
    return i;
}

/* "</s>" is ordinary text in vocabularies that have it as an ordinary token. */
static void mark_known(struct tokenizer *t, int32_t found[N_KNOWN_SPELLINGS])
{
    for (int32_t id = 0; id < t->n_vocab; id++) {
        const size_t k = find_known(token_text(t, id));
        if (k == N_KNOWN_SPELLINGS) continue;
        const int is_text = !token_type_is_special(t->types[id]);
        if (is_text &&
            (strcmp(known_spellings[k].text, "</s>") == 0 || known_spellings[k].use == KNOWN_END)) {
            continue;
        }
        if (known_spellings[k].use != KNOWN_END) t->types[id] = TOKEN_CONTROL;
        found[k] = id;
    }
}

/* In gpt-oss <|end|> ends a message only, <|return|> and <|call|> the turn. */
static int is_only_message_end(const char *spelling, int has_return)
{
    return has_return && strcmp(spelling, "<|end|>") == 0;
}

static void mark_ends(struct tokenizer *t)
{
    int32_t found[N_KNOWN_SPELLINGS];
    memset(found, 0xff, sizeof(found));
    mark_known(t, found);
    int has_return = 0;
    for (size_t k = 0; k < N_KNOWN_SPELLINGS; k++) {
        has_return |= found[k] != TOKEN_NONE && strcmp(known_spellings[k].text, "<|return|>") == 0;
    }
    for (size_t k = 0; k < N_KNOWN_SPELLINGS; k++) {
        const int32_t id = found[k];
        if (id == TOKEN_NONE || known_spellings[k].use == KNOWN_CONTROL) continue;
        if (is_only_message_end(known_spellings[k].text, has_return)) continue;
        t->flags[id] |= TOKEN_ENDS;
        if (t->roles.eot == TOKEN_NONE) t->roles.eot = id;
    }
    const int32_t named[] = {t->roles.eos, t->roles.eot, t->roles.eom};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (named[i] != TOKEN_NONE) t->flags[named[i]] |= TOKEN_ENDS;
    }
}

/* GGUF does not say which tokens swallow the white space behind them. All of Phi-3's but three do.
 */
static void mark_strips(struct tokenizer *t, const struct gguf *gguf)
{
    struct str name = {"", 0};
    if (gguf_get_str(gguf, "general.name", name, &name) < 0) return;
    int is_phi3 = 0;
    for (size_t i = 0; i + 4 <= name.len; i++) {
        is_phi3 |= strncasecmp(name.data + i, "phi3", 4) == 0;
        is_phi3 |= i + 5 <= name.len && strncasecmp(name.data + i, "phi-3", 5) == 0;
    }
    if (!is_phi3) return;
    static const char *const kept[] = {"<unk>", "<s>", "<|endoftext|>"};
    for (int32_t i = 0; i < t->n_specials; i++) {
        const int32_t id = t->specials[i];
        int keeps = 0;
        for (size_t k = 0; k < 3; k++) keeps |= str_equal(token_text(t, id), str_from(kept[k]));
        if (!keeps) t->flags[id] |= TOKEN_STRIPS_RIGHT;
    }
}

/* Spellings in the order of their bytes, the shorter first; equal ones by id. */
static int compare_spellings(const void *a, const void *b, void *arg)
{
    const struct tokenizer *t = arg;
    const int32_t ids[] = {*(const int32_t *)a, *(const int32_t *)b};
    const struct str x = token_text(t, ids[0]);
    const struct str y = token_text(t, ids[1]);
    const int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    if (order) return order;
    if (x.len != y.len) return x.len < y.len ? -1 : 1;
    return ids[0] < ids[1] ? -1 : ids[0] > ids[1];
}

static int index_specials(struct tokenizer *t)
{
    int32_t n = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) n += token_type_is_special(t->types[i]);
    t->specials = mem_alloc(MEM_VOCAB, (size_t)n * sizeof(*t->specials), MEM_ALIGN_VECTOR);
    if (!t->specials) return NMOS_E_NOMEM;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const struct str text = token_text(t, i);
        if (!token_type_is_special(t->types[i]) || text.len == 0) continue;
        t->specials[t->n_specials++] = i;
        t->starts[(unsigned char)text.data[0]] = 1;
    }
    qsort_r(t->specials, (size_t)t->n_specials, sizeof(*t->specials), compare_spellings, t);
    return 0;
}

int special_init(struct tokenizer *t, const struct gguf *gguf)
{
    TRY(load_roles(t, gguf));
    mark_ends(t);
    TRY(index_specials(t));
    mark_strips(t, gguf);
    return 0;
}

/* First of specials[low..high), which agree in their first @p depth bytes, whose byte there is not
 * less than
 * @p byte. A spelling that ends at @p depth is less than any byte. */
static int32_t lower_bound(const struct tokenizer *t, int32_t low, int32_t high, size_t depth,
                           int byte)
{
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const struct str text = token_text(t, t->specials[middle]);
        const int at = text.len > depth ? (unsigned char)text.data[depth] : -1;
        if (at < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The longest special token that starts @p text, or TOKEN_NONE. */
static int32_t special_at(const struct tokenizer *t, struct str text, int with_control)
{
    int32_t best = TOKEN_NONE;
    int32_t low = 0;
    int32_t high = t->n_specials;
    for (size_t depth = 0; depth < text.len && low < high; depth++) {
        const int byte = (unsigned char)text.data[depth];
        low = lower_bound(t, low, high, depth, byte);
        high = lower_bound(t, low, high, depth, byte + 1);
        for (int32_t i = low; i < high && token_text(t, t->specials[i]).len == depth + 1; i++) {
            const int32_t id = t->specials[i];
            if (!with_control && t->types[id] != TOKEN_USER_DEFINED) continue;
            best = id;
            break;
        }
    }
    return best;
}

size_t special_find(const struct tokenizer *t, struct str text, size_t from, int with_control,
                    int32_t *ret_id)
{
    for (size_t i = from; i < text.len; i++) {
        if (!t->starts[(unsigned char)text.data[i]]) continue;
        const struct str rest = {text.data + i, text.len - i};
        const int32_t id = special_at(t, rest, with_control);
        if (id == TOKEN_NONE) continue;
        *ret_id = id;
        return i;
    }
    return text.len;
}
