/* See crc32.h. */
#include "crc32.h"

#include <string.h>

#ifndef CRC32_PORTABLE
#if defined(__x86_64__)
#define WITH_CLMUL
#include <immintrin.h>
#elif defined(__aarch64__)
#define WITH_ARM_CRC
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif
#endif

/* With its bits reversed, without that of x^32. */
#define POLYNOMIAL 0xedb88320u

/* tables[i]: the effect of a byte with i bytes after it on the remainder. */
static uint32_t tables[8][256];

static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; bit++) remainder = remainder >> 1 ^ (remainder & 1 ? POLYNOMIAL : 0);
    tables[0][byte] = remainder;
  }
  for (int behind = 1; behind < 8; behind++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t before = tables[behind - 1][byte];
      tables[behind][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
}

static uint32_t load_u32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The register is the complement of the sum. */
static uint32_t step_tables(uint32_t r, const uint8_t *at, size_t count) {
  for (; count >= 8; count -= 8, at += 8) {
    r ^= load_u32(at);
    r = tables[7][r & 0xff] ^ tables[6][r >> 8 & 0xff] ^ tables[5][r >> 16 & 0xff] ^ tables[4][r >> 24] ^ tables[3][at[4]] ^
        tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
  }
  for (; count > 0; count--, at++) r = r >> 8 ^ tables[0][(r ^ *at) & 0xff];
  return r;
}

static uint32_t add_tables(uint32_t sum, const uint8_t *bytes, size_t count) { return ~step_tables(~sum, bytes, count); }

static uint32_t frame_tables(const uint8_t *frame, size_t count) {
  uint32_t r = step_tables(~0u, frame, HEADER_BYTES);
  return ~step_tables(r, frame + HEADER_BYTES + CHECKSUM_BYTES, count);
}

#ifdef WITH_CLMUL
/*
 * The bytes are a polynomial, the first one its highest coefficients, in registers of 16 bytes whose lowest bit is the highest
 * coefficient. To append n bytes to a register is to multiply it by x^(8n), for which each half of it is multiplied by a number
 * that is congruent to that power modulo the polynomial ("folded"), and to add them. In the end 16 bytes are reduced to 4.
 */
#define CLMUL __attribute__((target("pclmul,sse4.1")))

/* For folds over 1 to 16 bytes, and over 64: the powers of x for the first half and for the last half of the bytes. */
static uint64_t folds[17][2], fold_far[2];
static uint64_t power_of_64, quotient, polynomial;
/* masks + n: 16 bytes of which the last n are set. */
static uint8_t masks[32];

/* x^n modulo the polynomial, n of either sign, as the coefficients of x^0 to x^31 from bit 0 on. */
static uint64_t power(int n) {
  const uint64_t p = 0x104c11db7;
  uint64_t value = 1;
  for (; n > 0; n--) value = value << 1 ^ (value & 0x80000000 ? p : 0);
  for (; n < 0; n++) value = (value ^ (value & 1 ? p : 0)) >> 1;
  return value;
}

/* As registers have it: the coefficient of x^i in bit 32 - i. */
static uint64_t reversed(uint64_t value) {
  uint64_t result = 0;
  for (int i = 0; i <= 32; i++) result |= (value >> i & 1) << (32 - i);
  return result;
}

static void make_folds(void) {
  for (int bytes = 1; bytes <= 16; bytes++) {
    folds[bytes][0] = reversed(power(8 * bytes + 32));
    folds[bytes][1] = reversed(power(8 * bytes - 32));
  }
  fold_far[0] = reversed(power(8 * 64 + 32));
  fold_far[1] = reversed(power(8 * 64 - 32));
  power_of_64 = reversed(power(64));
  polynomial = reversed(0x104c11db7);
  /* x^64 divided by the polynomial. */
  uint64_t rest = 0, q = 0;
  for (int i = 64; i >= 0; i--) {
    rest = rest << 1 | (i == 64);
    if (rest & 0x100000000) {
      rest ^= 0x104c11db7;
      if (i <= 32) q |= 1ull << i;
    }
  }
  quotient = reversed(q);
  memset(masks, 0, 16);
  memset(masks + 16, 0xff, 16);
}

CLMUL static inline __m128i fold(__m128i state, __m128i by) {
  return _mm_xor_si128(_mm_clmulepi64_si128(state, by, 0x00), _mm_clmulepi64_si128(state, by, 0x11));
}

CLMUL static inline __m128i load(const void *at) { return _mm_loadu_si128((const __m128i *)at); }

/* The remainder of the 16 bytes, times x^32. */
CLMUL static inline uint32_t reduce(__m128i state) {
  const __m128i low32 = _mm_set_epi32(0, 0, 0, -1);
  /* The first 8 bytes are folded over the last 8, then the first 4 of those 12 over the others. */
  __m128i by = load(folds[16]);
  state = _mm_xor_si128(_mm_srli_si128(state, 8), _mm_clmulepi64_si128(state, by, 0x10));
  by = _mm_set_epi64x(0, (long long)power_of_64);
  state = _mm_xor_si128(_mm_srli_si128(state, 4), _mm_clmulepi64_si128(_mm_and_si128(state, low32), by, 0x00));
  /* Barrett reduction: the multiple of the polynomial, estimated by its reciprocal, is subtracted. */
  __m128i times = _mm_clmulepi64_si128(_mm_and_si128(state, low32), _mm_set_epi64x(0, (long long)quotient), 0x00);
  times = _mm_clmulepi64_si128(_mm_and_si128(times, low32), _mm_set_epi64x(0, (long long)polynomial), 0x00);
  return (uint32_t)_mm_extract_epi32(_mm_xor_si128(state, times), 1);
}

/* `count` is a multiple of 16. */
CLMUL static inline __m128i fold_blocks(__m128i state, const uint8_t *at, size_t count) {
  const __m128i by = load(folds[16]);
  if (count >= 256) {
    const __m128i far = load(fold_far);
    __m128i a = _mm_xor_si128(fold(state, by), load(at)), b = load(at + 16), c = load(at + 32), d = load(at + 48);
    for (at += 64, count -= 64; count >= 64; at += 64, count -= 64) {
      a = _mm_xor_si128(fold(a, far), load(at));
      b = _mm_xor_si128(fold(b, far), load(at + 16));
      c = _mm_xor_si128(fold(c, far), load(at + 32));
      d = _mm_xor_si128(fold(d, far), load(at + 48));
    }
    state = _mm_xor_si128(fold(a, by), b);
    state = _mm_xor_si128(fold(state, by), c);
    state = _mm_xor_si128(fold(state, by), d);
  }
  for (; count > 0; at += 16, count -= 16) state = _mm_xor_si128(fold(state, by), load(at));
  return state;
}

CLMUL static uint32_t add_clmul(uint32_t sum, const uint8_t *bytes, size_t count) {
  /* By tables up to a multiple of 16, so that the rest is whole blocks. */
  size_t odd = count & 15;
  uint32_t r = step_tables(~sum, bytes, odd);
  if (count == odd) return ~r;
  __m128i state = _mm_xor_si128(load(bytes + odd), _mm_set_epi32(0, 0, 0, (int)r));
  return ~reduce(fold_blocks(state, bytes + odd + 16, count - odd - 16));
}

CLMUL static uint32_t frame_clmul(const uint8_t *frame, size_t count) {
  /* Header and checksum are 16 bytes; the checksum is shifted out, and leading zeros have no effect. The register begins as -1. */
  __m128i state = _mm_xor_si128(_mm_slli_si128(load(frame), CHECKSUM_BYTES), _mm_set_epi32(0, 0, -1, 0));
  const uint8_t *body = frame + HEADER_BYTES + CHECKSUM_BYTES;
  size_t odd = count & 15;
  if (odd > 0) {
    /* The first bytes of the body at the end of a block: the bytes before them belong to the header and are masked. */
    __m128i first = _mm_and_si128(load(body + odd - 16), load(masks + odd));
    state = _mm_xor_si128(fold(state, load(folds[odd])), first);
  }
  return ~reduce(fold_blocks(state, body + odd, count - odd));
}

static int has_clmul(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}
#endif

#ifdef WITH_ARM_CRC
#define CRC __attribute__((target("+crc")))

CRC static uint32_t step_arm(uint32_t r, const uint8_t *at, size_t count) {
  uint64_t eight;
  for (; count >= 8; count -= 8, at += 8) {
    memcpy(&eight, at, 8);
    r = __crc32d(r, eight);
  }
  for (; count > 0; count--, at++) r = __crc32b(r, *at);
  return r;
}

CRC static uint32_t add_arm(uint32_t sum, const uint8_t *bytes, size_t count) { return ~step_arm(~sum, bytes, count); }

CRC static uint32_t frame_arm(const uint8_t *frame, size_t count) {
  uint32_t r = step_arm(~0u, frame, HEADER_BYTES);
  return ~step_arm(r, frame + HEADER_BYTES + CHECKSUM_BYTES, count);
}

static int has_arm_crc(void) {
#if defined(__APPLE__)
  return 1;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
  return 0;
#endif
}
#endif

uint32_t (*crc32_add)(uint32_t, const uint8_t *, size_t) = add_tables;
uint32_t (*crc32_frame)(const uint8_t *, size_t) = frame_tables;
const char *crc32_kernel = "tables";

/* Once per process, no matter how many threads load the addon. */
__attribute__((constructor)) static void begin(void) {
  make_tables();
#ifdef WITH_CLMUL
  if (has_clmul()) {
    make_folds();
    crc32_add = add_clmul;
    crc32_frame = frame_clmul;
    crc32_kernel = "pclmul";
  }
#endif
#ifdef WITH_ARM_CRC
  if (has_arm_crc()) {
    crc32_add = add_arm;
    crc32_frame = frame_arm;
    crc32_kernel = "armv8";
  }
#endif
}
