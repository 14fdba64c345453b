/* SPDX-License-Identifier: MIT */
/*
 * check_tokenizer VOCAB.gguf CASES.jsonl: proves that each text of valid UTF-8 gives the ids that
 * the model's own tokenizer gives, with and without special tokens, and that any text comes back
 * from its ids.
 *
 * A line of CASES holds text_b64, ids, ids_special, and optionally valid_utf8, feb2025_ids and
 * feb2025_ids_special: a second accepted reading of the spelling "</s>".
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizer/tokenizer.h"

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int decode_base64(const char *text, struct buf *ret_bytes)
{
    unsigned bits = 0;
    int n_bits = 0;
    for (; base64_digit(*text) >= 0; text++) {
        bits = (bits << 6 | (unsigned)base64_digit(*text)) & 0xffffff;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        const char byte = (char)(bits >> n_bits);
        TRY(buf_append(ret_bytes, &byte, 1));
    }
    return 0;
}

static int same_ids(const struct token_ids *ids, const json_t *expected)
{
    if (!json_is_array(expected) || json_array_size(expected) != ids->n) return 0;
    for (size_t i = 0; i < ids->n; i++) {
        if (json_integer_value(json_array_get(expected, i)) != ids->data[i]) return 0;
    }
    return 1;
}

static void report(const char *what, const struct buf *text, const struct token_ids *ids)
{
    printf("%s: '%.*s' gives", what, text->len > 200 ? 200 : (int)text->len, text->data);
    for (size_t i = 0; i < ids->n && i < 40; i++) printf(" %d", ids->data[i]);
    printf("\n");
}

/* Bytes that no token spells are lost in either direction; so is U+2581 in SentencePiece. */
static int check_round_trip(const struct tokenizer *t, const struct buf *text,
                            const struct token_ids *ids, int must_hold)
{
    struct buf back = {0};
    if (tokenizer_decode(t, ids->data, ids->n, &back) < 0) return 0;
    const int same =
        str_equal((struct str){back.data, back.len}, (struct str){text->data, text->len});
    if (!same && must_hold) report("text lost", &back, ids);
    buf_deinit(&back);
    return same || !must_hold;
}

static int check_case(struct tokenizer *t, const json_t *line, int lossless)
{
    struct buf text = {0};
    struct token_ids ids = {0};
    const json_t *valid = json_object_get(line, "valid_utf8");
    const int is_valid = !json_is_false(valid);
    int ok = decode_base64(json_string_value(json_object_get(line, "text_b64")), &text) == 0;
    static const char *const keys[2][2] = {{"ids", "feb2025_ids"},
                                           {"ids_special", "feb2025_ids_special"}};
    for (int special = 0; special < 2 && ok; special++) {
        ids.n = 0;
        if (tokenizer_encode(t, (struct str){text.data, text.len},
                             special ? TOKENIZER_PARSE_SPECIAL : 0, &ids) < 0) {
            ok = 0;
        } else if (is_valid && !same_ids(&ids, json_object_get(line, keys[special][0])) &&
                   !same_ids(&ids, json_object_get(line, keys[special][1]))) {
            report(keys[special][0], &text, &ids);
            ok = 0;
        }
        if (!special && ok) {
            const int has_sign = text.data && strstr(text.data, "\xe2\x96\x81");
            ok = check_round_trip(t, &text, &ids, lossless && !has_sign);
        }
    }
    token_ids_deinit(&ids);
    buf_deinit(&text);
    return ok;
}

static int has_all_bytes(struct tokenizer *t)
{
    for (int byte = 0; byte < 256; byte++) {
        const char c = (char)byte;
        struct token_ids ids = {0};
        struct buf back = {0};
        const int same = tokenizer_encode(t, (struct str){&c, 1}, 0, &ids) == 0 &&
                         tokenizer_decode(t, ids.data, ids.n, &back) == 0 && back.len == 1 &&
                         back.data[0] == c;
        token_ids_deinit(&ids);
        buf_deinit(&back);
        if (!same) return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct gguf *gguf = NULL;
    struct tokenizer *t = NULL;
    FILE *cases = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!cases || gguf_open(argv[1], &gguf) < 0 || tokenizer_create(gguf, &t) < 0) {
        printf("cannot start: %s\n", error_message());
        return 1;
    }
    gguf_close(&gguf);
    const int lossless = has_all_bytes(t);
    int n = 0;
    int n_bad = 0;
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, cases) > 0) {
        json_t *json = json_loads(line, 0, NULL);
        n++;
        n_bad += !json || !check_case(t, json, lossless);
        json_decref(json);
    }
    printf("%s: %d of %d texts differ%s\n", tokenizer_name(t), n_bad, n,
           lossless ? "" : "; the vocabulary cannot spell every byte");
    free(line);
    (void)fclose(cases);
    tokenizer_destroy(&t);
    return n_bad > 0 || n == 0 || mem_used(MEM_VOCAB) > 0;
}
