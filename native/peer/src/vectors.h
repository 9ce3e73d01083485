/* `peer vectors DIR`: the frame vectors of spec/vectors, by the algorithm of its README, and the fingerprints of its sessions. */
#ifndef PEER_VECTORS_H
#define PEER_VECTORS_H

/* The program's exit code. */
int vectors_run(const char *folder);

#endif
