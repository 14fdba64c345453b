/* SPDX-License-Identifier: MIT */
/*
 * A pull lexer with two modes: outside of tags it looks for the next "{{", "{%" or "{#"; inside it
 * reads one token. An end tag counts only while no bracket is open, so that "}}" can close two
 * dicts.
 */
#include "tokenizer/jinja_lex.h"

#include <stdlib.h>

#include "tokenizer/jinja_text.h"

#define LEX_FAIL(...) FAIL(NMOS_E_CORRUPT, "chat template, line %u: " __VA_ARGS__)

int jinja_lexer_init(struct jinja_lexer *lexer, struct jinja_arena *arena, struct str text)
{
    size_t bad = 0;
    if (!jinja_utf8_valid(text, &bad)) {
        return FAIL(NMOS_E_CORRUPT, "the chat template is not valid UTF-8 at byte %zu", bad);
    }
    char *copy = jinja_arena_text(arena, text.len);
    if (!copy) return NMOS_E_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r') {
            copy[n++] = '\n';
            if (i + 1 < text.len && text.data[i + 1] == '\n') i++;
        } else {
            copy[n++] = text.data[i];
        }
    }
    if (n && copy[n - 1] == '\n') n--;
    *lexer = (struct jinja_lexer){
        .arena = arena, .source = {copy, n}, .line = 1, .inside = JINJA_TOKEN_DATA};
    lexer->is_line_start = 1;
    return 0;
}

/* The character at pos + ahead, '\0' behind the end. */
static char peek(const struct jinja_lexer *lexer, size_t ahead)
{
    const size_t i = lexer->pos + ahead;
    return i < lexer->source.len ? lexer->source.data[i] : '\0';
}

static void advance(struct jinja_lexer *lexer, size_t n)
{
    for (size_t i = 0; i < n; i++) lexer->line += lexer->source.data[lexer->pos + i] == '\n';
    lexer->pos += n;
}

static struct str rest_of(const struct jinja_lexer *lexer)
{
    return (struct str){lexer->source.data + lexer->pos, lexer->source.len - lexer->pos};
}

static void skip_space(struct jinja_lexer *lexer)
{
    const struct str rest = rest_of(lexer);
    advance(lexer, rest.len - jinja_text_strip(rest, 1, 0).len);
}

/* Passes the end of a tag whose two characters are at pos + has_sign: "-" eats white space behind,
   a plain end eats one newline if may_trim. */
static void pass_tag_end(struct jinja_lexer *lexer, int has_sign, int may_trim)
{
    const char sign = has_sign ? peek(lexer, 0) : '\0';
    advance(lexer, 2 + (size_t)has_sign);
    if (sign == '-') skip_space(lexer);
    if (sign == '\0' && may_trim && peek(lexer, 0) == '\n') advance(lexer, 1);
    lexer->is_line_start = lexer->source.data[lexer->pos - 1] == '\n';
}

/* Removes from the data before a tag what the tag's sign or lstrip_blocks asks for. */
static struct str strip_before_tag(const struct jinja_lexer *lexer, struct str data, char sign,
                                   int may_lstrip)
{
    if (sign == '-') return jinja_text_strip(data, 0, 1);
    if (sign == '+' || !may_lstrip) return data;
    size_t start = data.len;
    while (start > 0 && data.data[start - 1] != '\n') start--;
    if (start == 0 && !lexer->is_line_start) return data;
    const struct str tail = {data.data + start, data.len - start};
    if (jinja_text_strip(tail, 1, 0).len == 0) data.len = start;
    return data;
}

static int has_word(const struct jinja_lexer *lexer, size_t at, const char *word)
{
    const size_t n = strlen(word);
    return lexer->source.len - at >= n && memcmp(lexer->source.data + at, word, n) == 0;
}

/*
 * Whether a "{%" at `at` opens the tag `word` (raw or endraw) and nothing else.
 * ret_end: offset of its "%}", a sign before it left out.
 */
static int is_word_tag(const struct jinja_lexer *lexer, size_t at, const char *word,
                       size_t *ret_end)
{
    const struct str source = lexer->source;
    size_t i = at + 2;
    if (i < source.len && (source.data[i] == '-' || source.data[i] == '+')) i++;
    struct str rest = jinja_text_strip((struct str){source.data + i, source.len - i}, 1, 0);
    if (!has_word(lexer, source.len - rest.len, word)) return 0;
    const size_t skip = strlen(word);
    rest = jinja_text_strip((struct str){rest.data + skip, rest.len - skip}, 1, 0);
    size_t end = source.len - rest.len;
    if (rest.len && (rest.data[0] == '-' || rest.data[0] == '+')) end++;
    if (!has_word(lexer, end, "%}")) return 0;
    *ret_end = end;
    return 1;
}

/* At "{#": passes the comment. */
static int skip_comment(struct jinja_lexer *lexer)
{
    const uint32_t line = lexer->line;
    advance(lexer, 2);
    if (peek(lexer, 0) == '-' || peek(lexer, 0) == '+') advance(lexer, 1);
    const int64_t end = jinja_text_find(lexer->source, STR_LIT("#}"), lexer->pos);
    if (end < 0) return LEX_FAIL("a comment is not closed with #}", line);
    size_t n = (size_t)end - lexer->pos;
    const int has_sign =
        n > 0 && (lexer->source.data[end - 1] == '-' || lexer->source.data[end - 1] == '+');
    advance(lexer, n - (size_t)has_sign);
    pass_tag_end(lexer, has_sign, 1);
    return 0;
}

/* At "{% raw %}", whose "%}" is at tag_end: gives the text up to {% endraw %}. */
static int read_raw(struct jinja_lexer *lexer, size_t tag_end, struct str *ret_data)
{
    const uint32_t line = lexer->line;
    const int has_sign = lexer->source.data[tag_end - 1] == '-';
    advance(lexer, tag_end - lexer->pos - (size_t)has_sign);
    pass_tag_end(lexer, has_sign, 0);
    const size_t start = lexer->pos;
    int64_t at = (int64_t)start - 1;
    size_t end = 0;
    do {
        at = jinja_text_find(lexer->source, STR_LIT("{%"), (size_t)(at + 1));
        if (at < 0) return LEX_FAIL("a raw block is not closed with {%% endraw %%}", line);
    } while (!is_word_tag(lexer, (size_t)at, "endraw", &end));
    const struct str data = {lexer->source.data + start, (size_t)at - start};
    *ret_data = strip_before_tag(lexer, data, lexer->source.data[at + 2], 1);
    const int end_sign = lexer->source.data[end - 1] == '-' || lexer->source.data[end - 1] == '+';
    advance(lexer, end - start - (size_t)end_sign);
    pass_tag_end(lexer, end_sign, 1);
    return 0;
}

/* Outside of tags: the text up to the next tag that yields tokens. Comments and raw blocks give a
   token of their own, possibly empty. */
static int next_data(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    const struct str source = lexer->source;
    const size_t start = lexer->pos;
    ret->type = JINJA_TOKEN_DATA;
    size_t at = start;
    while (at + 1 < source.len &&
           (source.data[at] != '{' || (source.data[at + 1] != '{' && source.data[at + 1] != '%' &&
                                       source.data[at + 1] != '#'))) {
        at++;
    }
    if (at + 1 >= source.len) {
        ret->text = rest_of(lexer);
        advance(lexer, ret->text.len);
        return 0;
    }
    const char kind = source.data[at + 1];
    const struct str data = {source.data + start, at - start};
    advance(lexer, data.len);
    size_t raw_end = 0;
    const int is_raw = kind == '%' && is_word_tag(lexer, at, "raw", &raw_end);
    ret->text = strip_before_tag(lexer, data, peek(lexer, 2), kind != '{');
    if (kind == '#') return skip_comment(lexer);
    if (is_raw && ret->text.len == 0) return read_raw(lexer, raw_end, &ret->text);
    if (is_raw) return 0; /* the raw block is read by the next call, with no data before it */
    lexer->inside = kind == '%' ? JINJA_TOKEN_BLOCK_BEGIN : JINJA_TOKEN_VAR_BEGIN;
    lexer->has_begin = 1;
    return 0;
}

static int give_begin(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    lexer->has_begin = 0;
    ret->type = lexer->inside;
    advance(lexer, 2);
    if (peek(lexer, 0) == '-' || peek(lexer, 0) == '+') advance(lexer, 1);
    return 0;
}

/* 1 when the end of the current tag stands here, and passed. */
static int take_tag_end(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    const int is_block = lexer->inside == JINJA_TOKEN_BLOCK_BEGIN;
    const int has_sign = peek(lexer, 0) == '-' || (is_block && peek(lexer, 0) == '+');
    const char first = peek(lexer, (size_t)has_sign);
    if (first != (is_block ? '%' : '}') || peek(lexer, (size_t)has_sign + 1) != '}') return 0;
    ret->type = is_block ? JINJA_TOKEN_BLOCK_END : JINJA_TOKEN_VAR_END;
    pass_tag_end(lexer, has_sign, is_block);
    lexer->inside = JINJA_TOKEN_DATA;
    return 1;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return (c | 0x20) - 'a' + 10;
    return 99;
}

/* Length of digits of a base at pos + from, single underscores between them allowed. */
static size_t count_digits(const struct jinja_lexer *lexer, size_t from, int base)
{
    size_t n = 0;
    for (;;) {
        const size_t skip = n > 0 && peek(lexer, from + n) == '_' ? 1 : 0;
        if (digit_value(peek(lexer, from + n + skip)) >= base) return n;
        n += skip + 1;
    }
}

static int read_integer(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    const char mark = (char)(peek(lexer, 1) | 0x20);
    int base = 10;
    if (peek(lexer, 0) == '0') base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    size_t skip = base == 10 ? 0 : 2;
    if (skip && peek(lexer, 2) == '_') skip = 3;
    size_t n = count_digits(lexer, skip, base);
    if (n == 0) {
        base = 10;
        skip = 0;
        n = 1;
    }
    if (base == 10 && peek(lexer, 0) == '0') { /* only zeros may follow a zero */
        size_t zeros = 0;
        while (zeros < n && (peek(lexer, zeros) == '0' || peek(lexer, zeros) == '_')) zeros++;
        n = zeros;
    }
    ret->type = JINJA_TOKEN_INTEGER;
    for (size_t i = skip; i < skip + n; i++) {
        if (peek(lexer, i) == '_') continue;
        if (__builtin_mul_overflow(ret->integer, base, &ret->integer) ||
            __builtin_add_overflow(ret->integer, digit_value(peek(lexer, i)), &ret->integer)) {
            return LEX_FAIL("an integer does not fit in 64 bits", lexer->line);
        }
    }
    advance(lexer, skip + n);
    return 0;
}

/* Length of a float at pos, 0 when the number is an integer. */
static size_t float_length(const struct jinja_lexer *lexer)
{
    size_t n = count_digits(lexer, 0, 10);
    int is_float = 0;
    if (peek(lexer, n) == '.') {
        const size_t fraction = count_digits(lexer, n + 1, 10);
        if (fraction) {
            n += 1 + fraction;
            is_float = 1;
        }
    }
    if ((peek(lexer, n) | 0x20) == 'e') {
        const size_t sign = peek(lexer, n + 1) == '+' || peek(lexer, n + 1) == '-' ? 1 : 0;
        const size_t digits = count_digits(lexer, n + 1 + sign, 10);
        if (digits) return n + 1 + sign + digits;
    }
    return is_float ? n : 0;
}

static int read_number(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    const size_t n = float_length(lexer);
    /* Behind a dot stands an index (a.0.1), never a float. */
    if (n == 0 || (lexer->pos > 0 && lexer->source.data[lexer->pos - 1] == '.')) {
        return read_integer(lexer, ret);
    }
    char digits[400];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (peek(lexer, i) == '_') continue;
        if (len + 1 == sizeof(digits)) {
            return LEX_FAIL("a number has more than %zu digits", lexer->line, len);
        }
        digits[len++] = peek(lexer, i);
    }
    digits[len] = '\0';
    ret->type = JINJA_TOKEN_FLOAT;
    ret->real = strtod(digits, NULL);
    advance(lexer, n);
    return 0;
}

/* Reads at most max digits of a base at s[*i]; returns how many. */
static int read_escape_digits(struct str s, size_t *i, int base, int max, uint32_t *ret)
{
    int n = 0;
    *ret = 0;
    while (n < max && *i < s.len && digit_value(s.data[*i]) < base) {
        *ret = *ret * (uint32_t)base + (uint32_t)digit_value(s.data[(*i)++]);
        n++;
    }
    return n;
}

/* The escape behind the backslash at s[*i - 1], appended to out; never longer than what it is
 * written with. */
static int unescape(struct jinja_lexer *lexer, struct str s, size_t *i, char *out, size_t *len)
{
    static const char from[] = "\\'\"abfnrtv";
    static const char to[] = "\\'\"\a\b\f\n\r\t\v";
    const char c = s.data[(*i)++];
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        out[(*len)++] = to[simple - from];
        return 0;
    }
    if (c == '\n') return 0;
    uint32_t cp = 0;
    const int want = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (want) {
        if (read_escape_digits(s, i, 16, want, &cp) < want) {
            return LEX_FAIL("the escape \\%c needs %d hexadecimal digits", lexer->line, c, want);
        }
    } else if (c >= '0' && c <= '7') {
        (*i)--;
        read_escape_digits(s, i, 8, 3, &cp);
    } else if (c == 'N') {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "chat template, line %u: characters by name (\\N{...}) are not supported; "
                    "use \\u, or another template with --chat-template",
                    lexer->line);
    } else {
        out[(*len)++] = '\\';
        (*i)--;
        return 0;
    }
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)) {
        return LEX_FAIL("the escape \\%c%x is no character", lexer->line, c, cp);
    }
    *len += jinja_utf8_put(cp, out + *len);
    return 0;
}

static int read_string(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    const char quote = peek(lexer, 0);
    const char *start = lexer->source.data + lexer->pos + 1;
    const char *const stop = lexer->source.data + lexer->source.len;
    const char *end = start;
    int n_escapes = 0;
    while (end < stop && *end != quote) {
        const int is_escape = *end == '\\' && end + 1 < stop;
        n_escapes += is_escape;
        end += 1 + is_escape;
    }
    if (end >= stop) return LEX_FAIL("a string is not closed", lexer->line);
    const struct str raw = {start, (size_t)(end - start)};
    ret->type = JINJA_TOKEN_STRING;
    ret->text = raw;
    if (n_escapes) {
        char *out = jinja_arena_text(lexer->arena, raw.len);
        if (!out) return NMOS_E_NOMEM;
        size_t len = 0;
        size_t i = 0;
        while (i < raw.len) {
            if (raw.data[i] != '\\') {
                out[len++] = raw.data[i++];
                continue;
            }
            i++;
            TRY(unescape(lexer, raw, &i, out, &len));
        }
        ret->text = (struct str){out, len};
    }
    advance(lexer, raw.len + 2);
    return 0;
}

/* Length of the name at pos: letters, digits behind the first, "_" and all beyond ASCII but white
 * space. */
static size_t name_length(const struct jinja_lexer *lexer)
{
    const struct str rest = rest_of(lexer);
    size_t n = 0;
    while (n < rest.len) {
        const char c = rest.data[n];
        const size_t width = jinja_utf8_width(c);
        const int is_letter = c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        const int is_digit = n > 0 && c >= '0' && c <= '9';
        if (width == 1 && !is_letter && !is_digit) break;
        if (width > 1 && jinja_cp_is_space(jinja_utf8_get((struct str){rest.data + n, width}))) {
            break;
        }
        n += width;
    }
    return n;
}

static int track_bracket(struct jinja_lexer *lexer, char c)
{
    const char *const open = "([{";
    const char *const close = ")]}";
    const char *hit = strchr(open, c);
    if (hit) {
        if (lexer->n_brackets == JINJA_NEST_MAX) {
            return FAIL(NMOS_E_LIMIT, "chat template, line %u: more than %d brackets are open",
                        lexer->line, JINJA_NEST_MAX);
        }
        lexer->brackets[lexer->n_brackets++] = close[hit - open];
        return 0;
    }
    if (!strchr(close, c)) return 0;
    if (lexer->n_brackets == 0) return LEX_FAIL("unexpected '%c'", lexer->line, c);
    const char expected = lexer->brackets[--lexer->n_brackets];
    if (c == expected) return 0;
    return LEX_FAIL("unexpected '%c', expected '%c'", lexer->line, c, expected);
}

static int read_operator(struct jinja_lexer *lexer, struct jinja_token *ret)
{
    static const char *const doubles[] = {"//", "**", "==", "!=", ">=", "<="};
    const char c = peek(lexer, 0);
    ret->type = JINJA_TOKEN_OP;
    ret->op[0] = c;
    for (size_t i = 0; i < 6; i++) {
        if (c == doubles[i][0] && peek(lexer, 1) == doubles[i][1]) ret->op[1] = doubles[i][1];
    }
    if (c == '\0' || (!ret->op[1] && !strchr("+-/*%~[](){}><=.:|,;", c))) {
        return LEX_FAIL("unexpected character '%c' (0x%02x)", lexer->line,
                        c >= 0x20 && c < 0x7f ? c : '?', (unsigned char)c);
    }
    if (!ret->op[1]) TRY(track_bracket(lexer, c));
    advance(lexer, ret->op[1] ? 2 : 1);
    return 0;
}

int jinja_lexer_next(struct jinja_lexer *lexer, struct jinja_token *ret_token)
{
    *ret_token = (struct jinja_token){.line = lexer->line};
    if (lexer->has_begin) return give_begin(lexer, ret_token);
    if (lexer->inside == JINJA_TOKEN_DATA) {
        if (lexer->pos >= lexer->source.len) return 0; /* JINJA_TOKEN_EOF */
        return next_data(lexer, ret_token);
    }
    if (lexer->n_brackets == 0 && take_tag_end(lexer, ret_token)) return 0;
    skip_space(lexer);
    ret_token->line = lexer->line;
    if (lexer->pos >= lexer->source.len) {
        return LEX_FAIL("the template ends inside of a tag", lexer->line);
    }
    if (lexer->n_brackets == 0 && take_tag_end(lexer, ret_token)) return 0;
    const char c = peek(lexer, 0);
    if (c >= '0' && c <= '9') return read_number(lexer, ret_token);
    if (c == '"' || c == '\'') return read_string(lexer, ret_token);
    const size_t n = name_length(lexer);
    if (n == 0) return read_operator(lexer, ret_token);
    ret_token->type = JINJA_TOKEN_NAME;
    ret_token->text = (struct str){lexer->source.data + lexer->pos, n};
    advance(lexer, n);
    return 0;
}
