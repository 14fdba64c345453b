/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are encoded, as plain text and with special tokens, and must come back from their ids.
 * The first byte chooses the tokenizer: a row of the pre-tokenizer table, or SentencePiece. Input
 * that begins with "GGUF" is read as a vocabulary instead, which may be refused but, if accepted,
 * must encode.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/tokenizer/tiny_vocab.h"
#include "base/log.h"
#include "fuzz.h"
#include "tokenizer/pretokenize.h"

#define ROWS_MAX 64

static const char *const merges[] = {"t h",
                                     "th e",
                                     "a a",
                                     "aa aa",
                                     "aaaa aaaa",
                                     "\xc4\xa0 t",
                                     "\xc4\xa0 the",
                                     "\xc4\xa0 \xc4\xa0",
                                     "\xc3\xa6 \xc2\xbc",
                                     "\xc3\xa6\xc2\xbc \xc2\xa2",
                                     "1 2",
                                     "12 3",
                                     "\xc4\x8a \xc4\x8a",
                                     NULL};

static void require(int condition)
{
    if (!condition) abort();
}

/* The printable spelling of a byte (GPT-2), zero-terminated. */
static void spell_byte(int byte, char ret_text[3])
{
    uint32_t c = (uint32_t)byte;
    if (byte <= 32) c = 0x100 + c;
    if (byte >= 127 && byte <= 160) c = 0x100 + 33 + c - 127;
    if (byte == 173) c = 0x143;
    ret_text[0] = c < 0x80 ? (char)c : (char)(0xc0 | c >> 6);
    ret_text[1] = c < 0x80 ? '\0' : (char)(0x80 | (c & 0x3f));
    ret_text[2] = '\0';
}

/* All bytes, what the merges join, and two special tokens. */
static struct tokenizer *make_bpe(const char *names)
{
    static char bytes[256][3];
    static char joined[16][32];
    const char *tokens[300] = {0};
    char types[300] = "";
    char pre[64] = "";
    size_t n = 0;
    for (int i = 0; i < 256; i++) {
        spell_byte(i, bytes[i]);
        tokens[n++] = bytes[i];
    }
    for (size_t i = 0; merges[i]; i++) {
        const size_t left = strcspn(merges[i], " ");
        (void)snprintf(joined[i], sizeof(joined[i]), "%.*s%s", (int)left, merges[i],
                       merges[i] + left + 1);
        tokens[n++] = joined[i];
    }
    memset(types, '1', n);
    tokens[n] = "<|im_end|>";
    types[n++] = '3';
    tokens[n] = "<t>";
    types[n++] = '4';
    memcpy(pre, names, strcspn(names, ","));
    const struct tiny_vocab v = {
        .model = "gpt2", .pre = pre, .tokens = tokens, .types = types, .merges = merges};
    struct tokenizer *t = NULL;
    require(tiny_vocab_create(&v, &t) == 0);
    return t;
}

static struct tokenizer *make_spm(void)
{
    static char bytes[256][8];
    static const char *const words[] = {"\xe2\x96\x81",
                                        "a",
                                        "t",
                                        "h",
                                        "e",
                                        "th",
                                        "the",
                                        "\xe2\x96\x81the",
                                        "\xe2\x96\x81\xe2\x96\x81",
                                        "aa",
                                        "aaaa",
                                        "\xe6\xbc\xa2",
                                        "e\xe2\x96\x81"};
    const char *tokens[300] = {"<unk>", "<s>", "</s>", "<t>"};
    char types[300] = "2334";
    float scores[300] = {0};
    size_t n = 4;
    for (int i = 0; i < 256; i++, n++) {
        (void)snprintf(bytes[i], sizeof(bytes[i]), "<0x%02X>", (unsigned)i);
        tokens[n] = bytes[i];
        types[n] = '6';
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++, n++) {
        tokens[n] = words[i];
        types[n] = '1';
        scores[n] = -(float)(i % 7);
    }
    const struct tiny_vocab v = {
        .model = "llama", .tokens = tokens, .types = types, .scores = scores};
    struct tokenizer *t = NULL;
    require(tiny_vocab_create(&v, &t) == 0);
    return t;
}

/* The tokenizer for the first byte of the input; made once each. */
static struct tokenizer *choose(uint8_t selector)
{
    static struct tokenizer *made[ROWS_MAX + 1];
    size_t n_rows = 0;
    while (pretokenize_rules[n_rows].names) n_rows++;
    require(n_rows <= ROWS_MAX);
    const size_t i = selector % (n_rows + 1);
    if (!made[i]) made[i] = i < n_rows ? make_bpe(pretokenize_rules[i].names) : make_spm();
    return made[i];
}

static void round_trip(struct tokenizer *t, struct str text, unsigned flags, int must_return)
{
    struct token_ids ids = {0};
    struct buf back = {0};
    require(tokenizer_encode(t, text, flags, &ids) == 0);
    require(ids.n <= 2 * text.len + 2);
    require(tokenizer_decode(t, ids.data, ids.n, &back) == 0);
    require(!must_return || str_equal((struct str){back.data, back.len}, text));
    token_ids_deinit(&ids);
    buf_deinit(&back);
}

static void load_vocabulary(const uint8_t *data, size_t size)
{
    struct gguf *gguf = NULL;
    struct tokenizer *t = NULL;
    log_set_level(LOG_LEVEL_ERROR);
    if (gguf_parse(data, size, size, &gguf) < 0) return;
    const int rc = tokenizer_create(gguf, &t);
    gguf_close(&gguf);
    require(rc == 0 ? t != NULL : error_message()[0] != '\0');
    if (!t) return;
    round_trip(t, STR_LIT("the <s> a\xff 123 \xe6\xbc\xa2"),
               TOKENIZER_PARSE_SPECIAL | TOKENIZER_ADD_BOS | TOKENIZER_ADD_EOS, 0);
    require(tokenizer_compare(t, t) == 0);
    tokenizer_destroy(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        load_vocabulary(data, size);
        return 0;
    }
    if (size == 0) return 0;
    struct tokenizer *t = choose(data[0]);
    const struct str text = {(const char *)data + 1, size - 1};
    const int is_spm = tokenizer_roles(t)->unk != TOKEN_NONE;
    /* SentencePiece cannot tell its own sign for a space from one in the text. */
    const int must_return = !is_spm || !memmem(text.data, text.len, "\xe2\x96\x81", 3);
    round_trip(t, text, 0, must_return);
    round_trip(t, text, TOKENIZER_PARSE_SPECIAL, must_return);
    return 0;
}
