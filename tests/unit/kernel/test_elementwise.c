/* SPDX-License-Identifier: MIT */
/* Proves that the elementwise functions follow their formulas, and do so with the same bits at
 * every level. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "guarded.h"
#include "kernel/elementwise.h"
// clang-format off
#include "kernel/lanes_scalar.h"
#include "kernel/lanes_math.h" /* is written over the lanes */
// clang-format on

#define N_MAX 300

enum op {
    RMS_NORM,
    RMS_NORM_PLAIN,
    ADD,
    SCALE,
    MUL_ADD,
    SOFTCAP,
    SIGMOID,
    SOFTMAX,
    SILU,
    GELU,
    SWIGLU,
    ROPE_PAIRS,
    ROPE_HALVES,
    OP_COUNT
};

/* y = op(x, z, y); for the rotations x is turned by the angles in z, whose second half holds the
 * sines. */
static void run_op(enum op op, float *y, const float *x, const float *z, size_t n)
{
    const struct elementwise_table *t = elementwise;
    switch (op) {
    case RMS_NORM: t->rms_norm(y, x, z, n, 1e-6F); break;
    case RMS_NORM_PLAIN: t->rms_norm(y, x, NULL, n, 1e-5F); break;
    case ADD: t->vec_add(y, x, z, n); break;
    case SCALE: t->vec_scale(y, x, 0.7F, n); break;
    case MUL_ADD: t->vec_mul_add(y, 0.3F, x, n); break;
    case SOFTCAP: t->vec_softcap(y, x, 30.0F, n); break;
    case SIGMOID: t->vec_sigmoid(y, x, n); break;
    case SOFTMAX: t->vec_softmax(y, x, n); break;
    case SILU: t->silu_mul(y, x, z, n); break;
    case GELU: t->gelu_tanh_mul(y, x, z, n); break;
    case SWIGLU: t->swiglu_oai_mul(y, x, z, n); break;
    case ROPE_PAIRS:
    case ROPE_HALVES:
        memcpy(y, x, n * sizeof(float));
        t->rope(y, z, z + n / 2, n / 2 * 2, op == ROPE_PAIRS ? ROPE_NORM : ROPE_NEOX);
        break;
    case OP_COUNT: break;
    }
}

/* Element i of x with the first 2 * pairs elements turned. */
static double turned(int is_norm, const float *x, const float *z, size_t pairs, size_t i)
{
    const double a = (double)x[i];
    if (i >= 2 * pairs) return a;
    const size_t pair = is_norm ? i / 2 : i % pairs;
    const int is_second = is_norm ? i % 2 == 1 : i >= pairs;
    const size_t other = is_norm ? i ^ 1U : (i + pairs) % (2 * pairs);
    const double product = (double)x[other] * (double)z[pairs + pair];
    return a * (double)z[pair] + (is_second ? product : -product);
}

/* The same in double precision, element by element. */
static void run_exact(enum op op, double *y, const float *x, const float *z, size_t n)
{
    double squares = 0.0;
    double sum = 0.0;
    double top = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        squares += (double)x[i] * (double)x[i];
        top = fmax(top, (double)x[i]);
    }
    for (size_t i = 0; i < n; i++) sum += exp((double)x[i] - top);
    for (size_t i = 0; i < n; i++) {
        const double a = (double)x[i];
        const double b = (double)z[i];
        const double up = fmax(-7.0, fmin(7.0, b));
        switch (op) {
        case RMS_NORM: y[i] = a / sqrt(squares / (double)n + 1e-6) * b; break;
        case RMS_NORM_PLAIN: y[i] = a / sqrt(squares / (double)n + 1e-5); break;
        case ADD: y[i] = a + b; break;
        case SCALE: y[i] = a * 0.7; break;
        case MUL_ADD: y[i] += 0.3 * a; break;
        case SOFTCAP: y[i] = 30.0 * tanh(a / 30.0); break;
        case SIGMOID: y[i] = 1.0 / (1.0 + exp(-a)); break;
        case SOFTMAX: y[i] = exp(a - top) / sum; break;
        case SILU: y[i] = a / (1.0 + exp(-a)) * b; break;
        case GELU:
            y[i] = 0.5 * a * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (a + 0.044715 * a * a * a))) * b;
            break;
        case SWIGLU: y[i] = fmin(a, 7.0) / (1.0 + exp(-1.702 * fmin(a, 7.0))) * (up + 1.0); break;
        case ROPE_PAIRS:
        case ROPE_HALVES: y[i] = turned(op == ROPE_PAIRS, x, z, n / 2, i); break;
        case OP_COUNT: break;
        }
    }
}

struct vectors {
    float *x, *z, *y; /* each ends at a guard page */
    float start[N_MAX];
};

static void make_vectors(struct vectors *v, size_t n, uint64_t seed, float range)
{
    static char *ends[3];
    for (int i = 0; i < 3; i++) {
        if (!ends[i]) ends[i] = guarded_end(N_MAX * sizeof(float));
        assert_non_null(ends[i]);
    }
    v->x = (float *)(void *)ends[0] - n;
    v->z = (float *)(void *)ends[1] - n;
    v->y = (float *)(void *)ends[2] - n;
    for (size_t i = 0; i < n; i++) {
        v->x[i] = range * next_f32(&seed);
        v->z[i] = range * next_f32(&seed);
        v->start[i] = next_f32(&seed);
    }
}

static void every_function_follows_its_formula(void **state)
{
    (void)state;
    struct vectors v;
    double exact[N_MAX];
    for (size_t n = 1; n <= 257; n += n < 40 ? 1 : 31) {
        make_vectors(&v, n, n, 9.0F);
        for (int op = 0; op < OP_COUNT; op++) {
            for (size_t i = 0; i < n; i++) exact[i] = (double)v.start[i];
            memcpy(v.y, v.start, n * sizeof(float));
            run_op((enum op)op, v.y, v.x, v.z, n);
            run_exact((enum op)op, exact, v.x, v.z, n);
            for (size_t i = 0; i < n; i++) {
                /* Rotations cancel: their error is relative to the two products, at most 9 x 9
                 * each. */
                const double slack = op >= ROPE_PAIRS ? 2e-5 : 1e-7 + 2e-6 * fabs(exact[i]);
                if (fabs((double)v.y[i] - exact[i]) > slack) {
                    fail_msg("op %d n %zu i %zu: %.9g, not %.9g", op, n, i, (double)v.y[i],
                             exact[i]);
                }
            }
        }
    }
}

static void every_level_gives_the_same_bits_and_stays_inside(void **state)
{
    (void)state;
    static const float ranges[] = {1e-3F, 1.0F, 20.0F, 300.0F};
    static float expected[OP_COUNT][N_MAX];
    struct vectors v;
    const enum cpu_level best = cpu_level_get();
    for (size_t n = 0; n <= N_MAX; n++) {
        make_vectors(&v, n, 77 + n, ranges[n % 4]);
        if (n % 5 == 4) v.x[n / 2] = n % 2 ? INFINITY : -INFINITY;
        for (int level = CPU_SCALAR; level <= (int)best; level++) {
            cpu_level_limit((enum cpu_level)level);
            elementwise_init();
            for (int op = 0; op < OP_COUNT; op++) {
                memcpy(v.y, v.start, n * sizeof(float));
                run_op((enum op)op, v.y, v.x, v.z, n);
                for (size_t i = 0; i < n; i++) {
                    if (isnan(v.y[i])) v.y[i] = NAN; /* payloads may differ */
                }
                if (level == CPU_SCALAR) memcpy(expected[op], v.y, n * sizeof(float));
                if (memcmp(expected[op], v.y, n * sizeof(float)) != 0) {
                    fail_msg("op %d n %zu differs at level %s", op, n,
                             cpu_level_name((enum cpu_level)level));
                }
            }
        }
        cpu_level_limit(CPU_AVX512);
    }
    elementwise_init();
}

static void a_tail_counts_as_if_padded_with_zeros(void **state)
{
    (void)state;
    float x[64] = {0};
    float y[64];
    float padded[64];
    uint64_t seed = 5;
    for (int i = 0; i < 41; i++) x[i] = next_f32(&seed);
    /* The mean of 64 elements, 32 of them 0, is half of that of 32; eps is 0. */
    elementwise->rms_norm(y, x, NULL, 32, 0.0F);
    memset(x + 32, 0, 32 * sizeof(float));
    elementwise->rms_norm(padded, x, NULL, 64, 0.0F);
    for (int i = 0; i < 32; i++) {
        assert_true(fabsf(padded[i] / y[i] - sqrtf(2.0F)) < 1e-6F);
    }
    for (int i = 0; i < 9; i++) x[32 + i] = -INFINITY;
    elementwise->vec_softmax(y, x, 32);
    elementwise->vec_softmax(padded, x, 41);
    assert_memory_equal(y, padded, 32 * sizeof(float));
}

static double ulps_off(float got, double exact)
{
    if ((double)got == exact) return 0.0;
    if (fabs(exact) > 0x1.ffffffp127) return isinf(got) ? 0.0 : INFINITY;
    int exponent = 0;
    frexp(exact, &exponent);
    return fabs((double)got - exact) / ldexp(1.0, exponent < -125 ? -149 : exponent - 24);
}

static void exp_and_tanh_are_within_two_units_in_the_last_place(void **state)
{
    (void)state;
    double worst_exp = 0.0;
    double worst_tanh = 0.0;
    for (uint64_t bits = 0; bits < UINT64_C(0x100000000); bits += 10007) {
        const float x = f32_from_bits((uint32_t)bits);
        if (isnan(x)) continue;
        const struct f32x16 v = lanes_set1(x);
        worst_exp = fmax(worst_exp, ulps_off(lanes_exp(v).lane[0], exp((double)x)));
        worst_tanh = fmax(worst_tanh, ulps_off(lanes_tanh(v).lane[0], tanh((double)x)));
    }
    print_message("# worst exp %.3f ulp, tanh %.3f ulp\n", worst_exp, worst_tanh);
    assert_true(worst_exp < 2.0);
    assert_true(worst_tanh < 2.0);
}

static void exp_has_the_right_limits(void **state)
{
    (void)state;
    static const float at[][2] = {{-INFINITY, 0.0F}, {-104.0F, 0.0F},     {-1e30F, 0.0F},
                                  {0.0F, 1.0F},      {-0.0F, 1.0F},       {88.8F, INFINITY},
                                  {1e30F, INFINITY}, {INFINITY, INFINITY}};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        assert_true(lanes_exp(lanes_set1(at[i][0])).lane[0] == at[i][1]);
    }
    assert_true(isnan(lanes_exp(lanes_set1(NAN)).lane[0]));
    assert_true(isnan(lanes_tanh(lanes_set1(NAN)).lane[0]));
    assert_true(lanes_tanh(lanes_set1(INFINITY)).lane[0] == 1.0F);
    assert_true(lanes_tanh(lanes_set1(-INFINITY)).lane[0] == -1.0F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_follows_its_formula),
        cmocka_unit_test(every_level_gives_the_same_bits_and_stays_inside),
        cmocka_unit_test(a_tail_counts_as_if_padded_with_zeros),
        cmocka_unit_test(exp_and_tanh_are_within_two_units_in_the_last_place),
        cmocka_unit_test(exp_has_the_right_limits),
    };
    elementwise_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
