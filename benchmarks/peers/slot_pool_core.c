/* Core of a slot pool, translated by hand, with a search of its own.  MODEL.md has the model in words.
 *
 * cc -O3 -march=native -DT=2 -DS=1 -DR=4 -DA=2 -o c slot_pool_core.c && ./c
 *
 * This is what an engineer would write for this one model who cares about speed: a state is a
 * record of bytes for the rules and is stored with four bits a field; the successors of a state are
 * looked up together, so that the reads of the table overlap; a table that is full doubles.
 * Breadth first, exact, one thread; all invariants are checked in every state.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef NOINV
#define NOINV 0
#endif

enum { K = T * S, NONE = 15, FIELDS = T + 1 + 5 * R + 5 * K + 2 * A };
enum { WORDS = FIELDS / 16 + 1 };
enum { INSTANCES = 2 * T + 2 + 3 * R + 4 * A + R * A + K * (2 * A + R + 1) };
enum { ABSENT, WAITING, PENDING, FULFILLED, FAILED };
enum { NO, AVAILABLE, ALLOCATED };       /* slot_state */
enum { REQUESTED = 1, OFFERED };         /* msg, besides NO */
enum { FREE, IN_OFFER, ACTIVE };         /* tms_state */

typedef struct {
  uint8_t tm_reg[T], rm_conn;
  uint8_t req_status[R], req_alloc[R], req_slot[R];
  uint8_t pend_q[R], wait_q[R];
  uint8_t slot_state[K], slot_alloc[K], slot_req[K];
  uint8_t msg[A], msg_slot[A];
  uint8_t tms_state[K], tms_alloc[K];
  uint8_t unused[16 * WORDS - FIELDS];   /* so that sixteen fields are a stored word */
} State;

typedef struct { uint64_t word[WORDS]; } Packed;

_Static_assert(sizeof(State) == 16 * WORDS, "a state is a record of bytes");
_Static_assert(R < NONE && A < NONE && K < NONE, "each field fits into four bits");

#define EACH(i, n) for (int i = 0; i < (n); i++)

/* ------------------------------------------------------------------------------ auxiliary */

static int host(int k) { return k / S; }

static void push(uint8_t *q, int r) {
  EACH(i, R) if (q[i] == NONE) { q[i] = r; return; }
}

static void take_out(uint8_t *q, int r) {
  int to = 0;
  EACH(i, R) if (q[i] != r) q[to++] = q[i];
  while (to < R) q[to++] = NONE;
}

static int is_free(const State *s, int a) {
  if (s->msg[a] != NO) return 0;
  EACH(r, R) if (s->req_alloc[r] == a) return 0;
  EACH(k, K) if (s->slot_alloc[k] == a || s->tms_alloc[k] == a) return 0;
  return 1;
}

static int pending_of(const State *s, int a) {
  EACH(r, R) if (s->req_alloc[r] == a) return r;
  return NONE;
}

static int slot_of(const State *s, int a) {
  EACH(k, K) if (s->slot_alloc[k] == a) return k;
  return NONE;
}

static void serve(State *s, int r, int k) {
  if (s->req_status[r] == PENDING) {
    take_out(s->pend_q, r);
    s->req_alloc[r] = NONE;
  } else if (s->req_status[r] == WAITING) {
    take_out(s->wait_q, r);
  }
  s->req_status[r] = FULFILLED, s->req_slot[r] = k;
  s->slot_state[k] = ALLOCATED, s->slot_req[k] = r;
}

static void serve_or_available(State *s, int r, int k) {
  if (r == NONE) r = s->pend_q[0];
  if (r == NONE) r = s->wait_q[0];
  if (r != NONE) serve(s, r, k);
  else s->slot_state[k] = AVAILABLE, s->slot_req[k] = NONE;
}

static void free_tm(State *s, int k) { s->tms_state[k] = FREE, s->tms_alloc[k] = NONE; }

static void drop(State *s, int k) {
  if (s->slot_state[k] == ALLOCATED) {
    int r = s->slot_req[k];
    s->req_status[r] = FAILED, s->req_slot[r] = NONE;
  }
  s->slot_state[k] = NO, s->slot_alloc[k] = NONE, s->slot_req[k] = NONE;
  free_tm(s, k);
}

static void make_pending(State *s, int r, int a) {
  s->req_status[r] = PENDING, s->req_alloc[r] = a;
  push(s->pend_q, r);
  s->msg[a] = REQUESTED;
}

static void clear_msg(State *s, int a) { s->msg[a] = NO, s->msg_slot[a] = NONE; }

static void offer(State *s, int a, int k) {
  s->msg[a] = OFFERED, s->msg_slot[a] = k;
  s->tms_state[k] = IN_OFFER, s->tms_alloc[k] = a;
}

static void handle_offer(State *s, int a) {
  int k = s->msg_slot[a], at = slot_of(s, a);
  if (at == k) return;
  if (at != NONE) {
    if (s->tms_alloc[k] == a) free_tm(s, k);
    return;
  }
  if (s->slot_state[k] != NO) return;
  if (s->tms_state[k] != FREE && s->tms_alloc[k] != a) return;
  s->tms_state[k] = ACTIVE, s->tms_alloc[k] = a, s->slot_alloc[k] = a;
  serve_or_available(s, pending_of(s, a), k);
}

/* -------------------------------------------------------------------------------- actions */

/* The successors of `s`; returns how many. */
static int successors(const State *s, State *out) {
  int n = 0;
#define WHEN(guard, ...)          \
  if (guard) {                    \
    State *t = &out[n++];         \
    *t = *s;                      \
    __VA_ARGS__;                  \
  }
  EACH(m, T) {
    WHEN(!s->tm_reg[m], t->tm_reg[m] = 1)
    WHEN(s->tm_reg[m], {
      t->tm_reg[m] = 0;
      EACH(k, K) if (host(k) == m) drop(t, k);
      EACH(a, A) if (t->msg[a] == OFFERED && host(t->msg_slot[a]) == m) clear_msg(t, a);
    })
  }
  WHEN(!s->rm_conn, t->rm_conn = 1)
  WHEN(s->rm_conn, {
    t->rm_conn = 0;
    EACH(a, A) if (t->msg[a] == REQUESTED) t->msg[a] = NO;
  })
  EACH(r, R) WHEN(s->req_status[r] == ABSENT && !s->rm_conn, {
    t->req_status[r] = WAITING;
    push(t->wait_q, r);
  })
  EACH(a, A) {
    int unused = s->rm_conn && is_free(s, a);
    EACH(r, R) WHEN(unused && s->req_status[r] == ABSENT, make_pending(t, r, a))
    WHEN(unused && s->wait_q[0] != NONE, {
      int r = s->wait_q[0];
      take_out(t->wait_q, r);
      make_pending(t, r, a);
    })
    EACH(k, K) {
      int possible = s->tm_reg[host(k)] && s->tms_state[k] == FREE;
      WHEN(possible && s->msg[a] == REQUESTED, offer(t, a, k))
      WHEN(possible && s->msg[a] == OFFERED && s->msg_slot[a] != k, {
        int old = s->msg_slot[a];
        if (s->tms_state[old] == IN_OFFER && s->tms_alloc[old] == a) free_tm(t, old);
        offer(t, a, k);
      })
    }
    WHEN(s->msg[a] == OFFERED, handle_offer(t, a); clear_msg(t, a))
    WHEN(s->msg[a] == OFFERED, handle_offer(t, a))
    int r = pending_of(s, a), k = slot_of(s, a);
    WHEN(r != NONE || k != NONE, {
      if (r != NONE) take_out(t->pend_q, r), t->req_alloc[r] = NONE, t->req_status[r] = FAILED;
      else drop(t, k);
    })
  }
  EACH(r, R) {
    WHEN(s->req_status[r] == FULFILLED, {
      t->req_status[r] = ABSENT, t->req_slot[r] = NONE;
      serve_or_available(t, NONE, s->req_slot[r]);
    })
    EACH(k, K) WHEN(s->req_status[r] == ABSENT && s->slot_state[k] == AVAILABLE, serve(t, r, k))
    WHEN(s->req_status[r] == PENDING, {
      int a = s->req_alloc[r];
      if (t->msg[a] == REQUESTED) t->msg[a] = NO;
      t->req_alloc[r] = NONE, t->req_status[r] = FAILED;
      take_out(t->pend_q, r);
    })
    WHEN(s->req_status[r] == WAITING, take_out(t->wait_q, r); t->req_status[r] = FAILED)
  }
  EACH(k, K) WHEN(s->slot_state[k] == AVAILABLE, drop(t, k))
#undef WHEN
  return n;
}

/* ----------------------------------------------------------------------------- invariants */

static int slots_hold(const State *s) {
  EACH(k, K) {
    int a = s->slot_alloc[k], r = s->slot_req[k];
    if (s->slot_state[k] == NO) {
      if (a != NONE || r != NONE) return 0;
      continue;
    }
    if (!s->tm_reg[host(k)] || a == NONE) return 0;
    EACH(other, K) if (other != k && s->slot_alloc[other] == a) return 0;
    if (s->tms_state[k] != ACTIVE || s->tms_alloc[k] != a) return 0;
    if ((s->slot_state[k] == ALLOCATED) != (r != NONE)) return 0;
    if (r != NONE && s->req_slot[r] != k) return 0;
  }
  return 1;
}

static int requests_hold(const State *s) {
  EACH(r, R) {
    int pending = 0, waiting = 0, status = s->req_status[r];
    EACH(i, R) pending += s->pend_q[i] == r, waiting += s->wait_q[i] == r;
    if (pending != (status == PENDING) || waiting != (status == WAITING)) return 0;
    if ((s->req_alloc[r] != NONE) != (status == PENDING)) return 0;
    if ((s->req_slot[r] != NONE) != (status == FULFILLED)) return 0;
    if (status == FULFILLED && s->slot_req[s->req_slot[r]] != r) return 0;
  }
  return 1;
}

static int offers_hold(const State *s) {
  EACH(a, A) {
    if ((s->msg_slot[a] != NONE) != (s->msg[a] == OFFERED)) return 0;
    if (s->msg[a] == OFFERED && !s->tm_reg[host(s->msg_slot[a])]) return 0;
  }
  EACH(k, K) {
    if ((s->tms_alloc[k] == NONE) != (s->tms_state[k] == FREE)) return 0;
    if (s->tms_state[k] != FREE && !s->tm_reg[host(k)]) return 0;
  }
  return 1;
}

/* --------------------------------------------------------------------------------- search */

/* Eight bytes to the low halves of each, side by side; and back. */
static uint64_t squeeze(uint64_t x) {
  x = (x | x >> 4) & 0x00FF00FF00FF00FFu;
  x = (x | x >> 8) & 0x0000FFFF0000FFFFu;
  return (x | x >> 16) & 0xFFFFFFFFu;
}

static uint64_t spread(uint64_t x) {
  x = (x | x << 16) & 0x0000FFFF0000FFFFu;
  x = (x | x << 8) & 0x00FF00FF00FF00FFu;
  return (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
}

static Packed pack(const State *s) {
  Packed p;
  uint64_t bytes[2 * WORDS];
  memcpy(bytes, s, sizeof bytes);
  EACH(i, WORDS) p.word[i] = squeeze(bytes[2 * i]) | squeeze(bytes[2 * i + 1]) << 32;
  return p;
}

static State unpack(const Packed *p) {
  State s;
  uint64_t bytes[2 * WORDS];
  EACH(i, WORDS) {
    bytes[2 * i] = spread(p->word[i] & 0xFFFFFFFFu);
    bytes[2 * i + 1] = spread(p->word[i] >> 32);
  }
  memcpy(&s, bytes, sizeof s);
  return s;
}

static uint64_t hash_of(const Packed *p) {
  uint64_t h = 0x9E3779B97F4A7C15u;
  EACH(i, WORDS) {
    h = (h ^ p->word[i]) * 0xBF58476D1CE4E5B9u;
    h ^= h >> 32;
  }
  h *= 0x94D049BB133111EBu;
  return h ^ h >> 29;
}

static int same(const Packed *p, const Packed *q) {
  uint64_t different = 0;
  EACH(i, WORDS) different |= p->word[i] ^ q->word[i];
  return !different;
}

static void *zeros(size_t bytes) {
  void *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) perror("mmap"), exit(1);
#ifdef MADV_HUGEPAGE
  madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

#define MOST ((size_t)1 << 30)            /* states for which address space is reserved */

static Packed *store;                     /* every state, in the order in which it was found */
static uint32_t *parent;                  /* from which one it was found: the way to an error */
static size_t count;
static uint64_t *table;                   /* tag of the hash and number of the state plus one */
static size_t size = (size_t)1 << 18;     /* its entries, a power of two */

static size_t home_of(uint64_t h) { return h >> 32 & (size - 1); }

static void grow(void) {
  munmap(table, size * 8);
  size *= 2;
  table = zeros(size * 8);
  EACH(i, (int)count) {
    uint64_t h = hash_of(&store[i]);
    size_t at = home_of(h);
    while (table[at]) at = (at + 1) & (size - 1);
    table[at] = h << 32 | (uint64_t)(i + 1);
  }
}

static void enter(const Packed *p, uint64_t h, size_t from) {
  size_t at = home_of(h);
  for (; table[at]; at = (at + 1) & (size - 1))
    if (table[at] >> 32 == (h & 0xFFFFFFFFu) && same(&store[(uint32_t)table[at] - 1], p)) return;
  store[count] = *p;
  parent[count] = from;
  table[at] = h << 32 | (uint64_t)(count + 1);
  count++;
}

int main(void) {
  static State next[INSTANCES];
  static Packed packed[INSTANCES];
  static uint64_t hash[INSTANCES];
  size_t transitions = 0, depth = 0, level_ends = 1;
  State s;
  memset(&s, NONE, FIELDS), memset(s.unused, 0, sizeof s.unused);
  memset(s.tm_reg, 0, T), s.rm_conn = 0;
  memset(s.req_status, ABSENT, R), memset(s.msg, NO, A);
  memset(s.slot_state, NO, K), memset(s.tms_state, FREE, K);
  store = zeros(MOST * sizeof *store);
  parent = zeros(MOST * sizeof *parent);
  table = zeros(size * 8);
  Packed first = pack(&s);
  enter(&first, hash_of(&first), 0);
  for (size_t at = 0; at < count; at++) {
    if (at == level_ends) depth++, level_ends = count;
    s = unpack(&store[at]);
    if (!NOINV && !(slots_hold(&s) && requests_hold(&s) && offers_hold(&s))) {
      printf("an invariant is violated in state %zu, at depth %zu, found from state %u\n",
             at, depth, parent[at]);
      return 1;
    }
    int n = successors(&s, next);
    transitions += n;
    if ((count + n) * 10 > size * 7) grow();
    EACH(i, n) {
      packed[i] = pack(&next[i]);
      hash[i] = hash_of(&packed[i]);
      __builtin_prefetch(&table[home_of(hash[i])]);
    }
    EACH(i, n) {
      uint64_t entry = table[home_of(hash[i])];
      __builtin_prefetch(&store[entry ? (uint32_t)entry - 1 : count]);
    }
    EACH(i, n) enter(&packed[i], hash[i], at);
  }
  printf("%zu states, %zu transitions, depth %zu, no error\n", count, transitions, depth);
  return 0;
}
