/* SPDX-License-Identifier: MIT */
/*
 * The patterns by which models cut text into words, one row per family.
 *
 * They are those of the models' own tokenizer definitions (the "Split" steps of their
 * tokenizer.json, GPT-2's being the root of most), written for PCRE2. A contraction such as 's is
 * written (?i:'s|...) where the model ignores case. White space means the Unicode property
 * White_Space everywhere (see pretokenize.c).
 */
#include "tokenizer/pretokenize.h"

// clang-format off
#define GPT2     "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define SUFFIX   "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LETTERS  "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SYMBOLS  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define BREAKS   "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define UPPER    "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
/* Words in CamelCase, with what may follow them. */
#define CAMEL(suffix) \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" suffix
#define CAMEL_BREAKS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" BREAKS
/* Letters of the alphabets with case, as DeepSeek lists them. */
#define CASED \
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ" \
    "Ὗ-\\x{1f7d}ᾀ-ᾴᾶ-ᾼ\\x{1fbe}ῂ-ῄῆ-ῌῐ-\\x{1fd3}ῖ-\\x{1fdb}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\\x{2126}ℨ\\x{212a}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳ" \
    "Ꙁ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
#define EAST_ASIA "[一-龥ࠀ-一가-\\x{d7ff}]+"
/* A run of spaces that reaches the end. The look-behind changes no match; it keeps a run that does not reach
 * the end from being tried again at each of its characters. */
#define SPACES_AT_END "(?<!\\s)\\s++\\z"
#define DEEPSEEK_V3 \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" \
    "| ?[\\p{P}\\p{S}]+[\\r\\n]*" BREAKS

const struct pretokenize_rule pretokenize_rules[] = {
    {"gpt-2,gpt2,mpt,olmo,jais,phi-2,trillion,granite-docling,exaone4,gigachat,jina-es,jina-de,"
     "jina-v2-es,jina-v2-de,a.x-4.0,mellum,gpt-neox", {GPT2}, 0, 0},
    {"llama-bpe,llama3,llama-v3,falcon3,falcon-h1,pixtral,midm-2.0,lfm2",
     {SUFFIX LETTERS "|\\p{N}{1,3}" SYMBOLS BREAKS}, 1, 1},
    {"dbrx,smaug-bpe,glm4,chatglm-bpe", {SUFFIX LETTERS "|\\p{N}{1,3}" SYMBOLS BREAKS}, 0, 0},
    {"qwen2,deepseek-r1-qwen,kormo,megrez,stablelm2,hunyuan,solar-open,grok-2",
     {SUFFIX LETTERS "|\\p{N}" SYMBOLS BREAKS}, 0, 0},
    {"qwen35", {SUFFIX "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                BREAKS}, 0, 0},
    {"smollm,starcoder,refact,command-r,codeshell,exaone,minerva-7b", {"\\p{N}", GPT2}, 0, 0},
    {"deepseek-llm", {"[\\r\\n]", "\\s?[" CASED "]+", "\\s?[!-/:-~！-／：-～‘-‟　-。]+", SPACES_AT_END, EAST_ASIA,
                      "\\p{N}+"}, 0, 0},
    {"deepseek-coder", {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", EAST_ASIA, "\\p{N}"}, 0, 0},
    {"deepseek-v3,hunyuan-dense,joyai-llm", {"\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK_V3}, 0, 0},
    {"falcon", {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9]{3}"}, 0, 0},
    {"default", {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9]{3}"}, 0, 0},
    {"gpt-4o,llama4,kanana2,minimax-m2", {CAMEL(SUFFIX "?") "|\\p{N}{1,3}" CAMEL_BREAKS}, 0, 0},
    {"tekken", {CAMEL("") "|\\p{N}" CAMEL_BREAKS}, 1, 1},
    {"bailingmoe,bailingmoe2,llada-moe", {SUFFIX LETTERS "|\\p{N}" SYMBOLS "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"},
     0, 0},
    {"seed-coder", {SUFFIX LETTERS "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" BREAKS}, 0, 0},
    {"bloom,poro-chat,gpt3-finnish", {" ?[^(\\s|.,!?…。，、।۔،)]+"}, 0, 0},
    {"viking", {" ?[^(\\s|.,!?…。，、।۔،)]+", "\\p{N}"}, 0, 0},
    {NULL, {NULL}, 0, 0},
};
// clang-format on
