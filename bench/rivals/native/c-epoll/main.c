/*
 * A floor: a C program with epoll, one thread a side. It is the least that an engine in any language does for these workloads: frames
 * with call numbers, slots, the record decoded and encoded as Avro on both sides, writes in batches. No limits, deadlines, errors
 * or flow control, so nobody could use it as an RPC.
 *
 * Set up: TCP_NODELAY, level-triggered epoll, one recv() a wake into 256 KiB, frames handled where they lie, answers encoded one
 * behind the other into one buffer, of which 4 KiB leave at a time so that the peer has work meanwhile. Blobs leave with sendmsg() from
 * where they lie.
 *
 * Tried, at 512 in flight, as a multiple of the calls/s with 4 KiB: batches of 1 KiB 0.42, 2 KiB 0.65, 8 KiB 0.69, 16 KiB 0.50, all that
 * is there 0.45. At 64 in flight all of these are within 6 % of each other, and the CPU per call is least with 4 KiB and more.
 */
#include <stdio.h>

#include "modes.h"

int main(int argc, char **argv) {
  char version[64];
  snprintf(version, sizeof version, "C epoll floor, gcc %s", __VERSION__);
  struct role role = rival_role(argc, argv, version);
  if (role.serves) serve(&role);
  drive(&role);
}
