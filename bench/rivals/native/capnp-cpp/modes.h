/* The two sides of a run. Neither returns: the thread that obeys stdin ends the process. */
#pragma once

#include "../common/rival.h"

namespace rivals {

[[noreturn]] void Serve();
[[noreturn]] void Drive(const role& role);

}  // namespace rivals
