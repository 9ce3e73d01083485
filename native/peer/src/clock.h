/* A clock that only goes forward. */
#ifndef PEER_CLOCK_H
#define PEER_CLOCK_H

double clock_ms(void);

#endif
