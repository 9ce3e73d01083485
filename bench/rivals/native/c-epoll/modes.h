/* The two sides of a run. Neither returns: the thread that obeys stdin ends the process. */
#ifndef MODES_H
#define MODES_H

#include "../common/rival.h"

void serve(const struct role *role) __attribute__((noreturn));
void drive(const struct role *role) __attribute__((noreturn));

#endif
